"""Sections: from the headings a reader saw, and by rule where the format has none."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.knowledge import Block, BlockKind, Reading, Section

MAX_SECTIONS = 500
MAX_HEADING = 120
"""Characters; a longer line is no heading."""
_MAX_HEADING_WORDS = 14
_MAX_HEADING_LINES = 3
_ENOUGH = 3
"""Known headings in a print of their own, from which on other headings are expected in it too."""
_MAX_SKIP = 2
"""How many numbers may be missing between two headings: readers lose some."""

REFERENCES = "References"
_REFERENCE_TITLES = frozenset(
    "references|reference|bibliography|literature|literature cited|works cited|cited literature|cited references|reference list"
    "|list of references|references and notes|referências|referencias|referencias bibliográficas|bibliografía|bibliografia|literatur|referências bibliográficas|références|literaturverzeichnis".split(
        "|"
    )
)
_WELL_KNOWN = _REFERENCE_TITLES | frozenset(
    "abstract|summary|introduction|background|related work|related works|previous work|prior work|motivation|preliminaries|method|methods"
    "|methodology|materials and methods|methods and materials|material and methods|patients and methods|approach|our approach|model"
    "|experiments|experiment|experimental setup|experimental results|experiments and results|evaluation|results|results and discussion"
    "|result|findings|analysis|error analysis|discussion|discussions|discussion and conclusion|discussion and conclusions|limitations"
    "|conclusion|conclusions|concluding remarks|conclusion and future work|conclusions and future work|future work|summary and conclusions"
    "|acknowledgement|acknowledgements|acknowledgment|acknowledgments|appendix|appendices|supplementary material|supporting information"
    "|supplementary materials|data|dataset|datasets|implementation|author contributions|authors' contributions|competing interests"
    "|resumo|resumen|introdução|introducción|métodos|metodologia|metodología|procedimentos metodológicos|procedimientos metodológicos"
    "|resultados|resultados e discussão|resultados y discusión|discussão|discusión|conclusão|conclusões|conclusión|conclusiones|considerações finais"
    "|agradecimentos|agradecimientos|résumé|méthodes|résultats|conclusion et perspectives|zusammenfassung|einleitung|methoden|ergebnisse|diskussion"
    "|fazit|danksagung|conflict of interest|conflicts of interest|funding|data availability|ethics statement|study design|statistical analysis".split(
        "|"
    )
)
_NUMBER = re.compile(
    r"(?:(?:section|§)\s*)?((?:\d{1,2}|[A-Z](?=\.[\d\s]|\)\s))(?:\.\d{1,2}){0,4}|[IVX]{1,6}(?=\.))[.)]?\s+(?=\S)",
    re.IGNORECASE,
)
_APPENDIX = re.compile(r"(?:appendi(?:x|ces)|supplement\w*|anexo|apêndice|apéndice|anhang)\b", re.IGNORECASE)
_LETTERED = re.compile(r"[A-Z](?:\.\d{1,2})*[.:]?\s+[A-Z]")
_LINE = re.compile(r"[^\n\f]+")
_MARKS = re.compile(r"^#+\s*|[\s:.*_#]+$")


@dataclass(frozen=True)
class _Heading:
    start: int
    end: int
    title: str
    level: int
    page: int


def extract_sections(reading: Reading) -> tuple[Section, ...]:
    """The sections in the order of the text: each body runs from its title to the next title, of whatever level.

    Spans never overlap and lie within the text; titles are without their number. HEADING blocks are believed; without
    any, a line is a heading when it is numbered in sequence, well known ("Methods") or in capitals. A list of references
    that has REFERENCE blocks but no title gets a section "References" of its own. At most `MAX_SECTIONS`; empty when
    nothing looks like a heading. Never raises.
    """
    headings = _declared(reading) or _by_rule(reading)
    headings = _with_references(reading, headings)[:MAX_SECTIONS]
    starts = [*(heading.start for heading in headings), len(reading.text)]
    return tuple(_section(reading.text, heading, starts[i]) for i, heading in enumerate(headings, start=1))


def _section(text: str, heading: _Heading, end: int) -> Section:
    start = min(heading.end, end)
    body = text[start:end]
    end = start + len(body.rstrip())
    start = min(end, start + len(body) - len(body.lstrip()))
    return Section(start=start, end=end, title=heading.title, level=heading.level, page=heading.page)


def is_reference_title(title: str) -> bool:
    """Whether a section of this title is the list of references."""
    return plain_title(title).lower() in _REFERENCE_TITLES


def is_well_known(title: str) -> bool:
    """Whether nearly every paper has a section of this name."""
    return plain_title(title).lower() in _WELL_KNOWN


def plain_title(line: str) -> str:
    """A heading's words: without its number, Markdown marks, closing colon and doubled spaces."""
    line = _MARKS.sub("", " ".join(line.split()))
    number = _NUMBER.match(line)
    return _MARKS.sub("", line[number.end() :] if number else line)


def _declared(reading: Reading) -> list[_Heading]:
    """The HEADING blocks. Levels that the format gives count from 1 without a gap: pages begin at h2, and skip h3."""
    given = {b.level for b in reading.blocks if b.kind is BlockKind.HEADING and b.level}
    ranks = {level: rank for rank, level in enumerate(sorted(given), start=1)}
    found: list[_Heading] = []
    for block in sorted(reading.blocks, key=lambda block: block.start):
        raw = reading.text[block.start : block.end]
        if block.kind is not BlockKind.HEADING or not plain_title(raw):
            continue
        if found and block.start < found[-1].end:
            continue
        level = ranks[block.level] if block.level else _numbered_level(raw)
        found.append(_Heading(block.start, block.end, plain_title(raw)[:300], max(1, level), block.page))
    return found


def _numbered_level(line: str) -> int:
    number = _NUMBER.match(line.strip())
    return number.group(1).count(".") + 1 if number else 1


def _by_rule(reading: Reading) -> list[_Heading]:
    found: list[_Heading] = []
    last = 0
    pages = sorted((block.start, block.page) for block in reading.blocks)
    apart = _set_apart(reading)
    alike = _set_as_headings(reading, apart)
    after_references = False
    for start, end in _candidates(reading):
        if len(found) >= MAX_SECTIONS:
            break
        line = reading.text[start:end]
        number = _top_number(line)
        in_references = bool(found) and is_reference_title(found[-1].title)
        after_references = after_references or in_references
        if is_well_known(line):
            believed = not line[0].islower() and (number is None or number >= last)
        elif after_references and (start in apart or _APPENDIX.match(line)):
            believed = _begins_block(reading.text, start) and bool(_APPENDIX.match(line) or _LETTERED.match(line))
        elif in_references or (apart and start not in apart):
            believed = False
        elif start in alike and number is None:
            believed = bool(found) and line[0].isupper() and line[-1] not in ".:"
        elif number is None:
            believed = bool(found) and _is_capitals(line) and _begins_block(reading.text, start)
        else:
            believed = _follows(line, number, last)
        if believed:
            page = pages[bisect_right(pages, (start, len(reading.text) + reading.pages)) - 1][1] if pages else 1
            end = _heading_end(reading.text, start, end, apart)
            title = plain_title(reading.text[start:end])
            found.append(_Heading(start, end, title, _numbered_level(line), page))
            last = last if number is None else number
    return found


def _begins_block(text: str, start: int) -> bool:
    return text[max(0, start - 2) : start] == "\n\n"


def _heading_end(text: str, start: int, end: int, apart: dict[int, int]) -> int:
    """The end of the heading that begins on this line: it goes on through its block in headings' print, if that is short."""
    block_end = apart.get(start, end)
    more = text[end:block_end].strip()
    whole = block_end - start <= 2 * MAX_HEADING and more.count("\n") < _MAX_HEADING_LINES - 1
    return block_end if whole and not _NUMBER.match(more) and not is_well_known(text[start:end]) else end


def _candidates(reading: Reading) -> Iterator[tuple[int, int]]:
    """The short lines outside blocks of another kind."""
    others = {BlockKind.REFERENCE, BlockKind.CAPTION, BlockKind.FURNITURE, BlockKind.TITLE, BlockKind.AUTHORS}
    skip = iter(sorted((block.start, block.end) for block in reading.blocks if block.kind in others))
    begin, finish = next(skip, (0, 0))
    for start, end in _lines(reading.text):
        while begin < finish <= start:
            begin, finish = next(skip, (0, 0))
        short = 2 < end - start <= MAX_HEADING and reading.text[end - 1] not in ",;-"
        if short and not begin <= start < finish and reading.text.count(" ", start, end) < _MAX_HEADING_WORDS:
            yield start, end


def _set_apart(reading: Reading) -> dict[int, int]:
    """The blocks (start and end) that are bold or larger than the body's print; empty when no known heading is among them."""
    sizes: Counter[float] = Counter()
    for block in reading.blocks:
        if block.font_size and not block.bold:
            sizes[block.font_size] += block.end - block.start
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    found = {b.start: b.end for b in reading.blocks if body and (b.bold or (b.font_size or 0) > body + 0.4)}
    known = sum(is_well_known(reading.text[start : min(end, start + MAX_HEADING)]) for start, end in found.items())
    return found if known >= _ENOUGH else {}


def _set_as_headings(reading: Reading, apart: dict[int, int]) -> set[int]:
    """Where short blocks begin in the print that known headings have, in a paper that does not number them."""
    prints: Counter[tuple[float | None, bool]] = Counter()
    numbered = 0
    blocks = [b for b in reading.blocks if b.start in apart and b.end - b.start <= 2 * MAX_HEADING]
    for block in blocks:
        title = reading.text[block.start : block.end]
        prints[block.font_size, block.bold] += is_well_known(title)
        numbered += _top_number(title) is not None and is_well_known(title)
    print_, known = prints.most_common(1)[0] if prints else ((None, False), 0)
    if known < _ENOUGH or numbered:
        return set()
    return {block.start for block in blocks if (block.font_size, block.bold) == print_}


def _lines(text: str) -> Iterator[tuple[int, int]]:
    for match in _LINE.finditer(text):
        raw = match.group()
        if raw.strip():
            yield match.start() + len(raw) - len(raw.lstrip()), match.start() + len(raw.rstrip())


def _top_number(line: str) -> int | None:
    """The first number of "3.2 Training", or None; letters and Roman numerals do not count."""
    number = _NUMBER.match(line)
    first = number.group(1).split(".")[0] if number else ""
    return int(first) if first.isdigit() else None


def _follows(line: str, number: int, last: int) -> bool:
    """Whether a numbered line is the next heading, and not an item of a list, a row of a table or a date."""
    title = plain_title(line)
    sentence = line[-1] in ".!?" and title.count(" ") > 5
    if sentence or not title[:1].isupper() or sum(map(str.isalpha, title)) < 0.6 * len(title):
        return False
    sub = _numbered_level(line) > 1
    return last <= number <= last + 1 + _MAX_SKIP if sub else last < number <= last + 1 + (_MAX_SKIP if last else 0)


def _is_capitals(line: str) -> bool:
    letters = [letter for letter in line if letter.isalpha()]
    return (
        len(letters) >= 4 and line == line.upper() != line.lower() and len(letters) > 0.7 * len(line.replace(" ", ""))
    )


def _with_references(reading: Reading, headings: list[_Heading]) -> list[_Heading]:
    """The headings, and one more before REFERENCE blocks that stand under no title of their own."""
    blocks: list[Block] = sorted((b for b in reading.blocks if b.kind is BlockKind.REFERENCE), key=lambda b: b.start)
    if not blocks or any(is_reference_title(heading.title) for heading in headings):
        return headings
    start = blocks[0].start
    after = next((h for h in headings if h.start >= start), None)
    at = headings.index(after) if after else len(headings)
    return [*headings[:at], _Heading(start, start, REFERENCES, 1, blocks[0].page), *headings[at:]]

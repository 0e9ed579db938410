"""Title, authors, abstract, year and DOI: what the file declares, and rules over the first page for the rest."""

import re
from collections.abc import Sequence

from app.domain.knowledge import Block, BlockKind, Metadata, Reading
from app.extraction.people import is_affiliation, names_in
from app.extraction.sections import is_well_known, plain_title

MAX_TITLE = 400
MAX_ABSTRACT = 6000
_MAX_AUTHORS = 100
_SAME_SIZE = 0.6
"""Points by which two lines of the same print may differ."""
_MAX_FRONT = 20_000
"""Characters of the first page that are looked at."""

DOI = re.compile(r"\b(10\.\d{4,9}/[^\s\"<>{}|\\^`]{2,200})", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\d.,/–-])(19[5-9]\d|20\d\d)(?![\d/–]|[.,]\d|-\d)")
_PUBLISHED = re.compile(
    r"©|\(c\)|copyright|published|accepted|received|proceedings|conference|journal|vol(?:ume|\.)|workshop|arxiv|preprint|issn|citation|pages|doi"
    r"|january|february|march|april|may|june|july|august|september|october|november|december",
    re.IGNORECASE,
)
_NOT_A_TITLE = re.compile(
    r"^(?:research$|original$|arxiv:|https?:|www\.|doi|©|copyright|published|proceedings|journal|vol(?:ume|\.)|issn|received|accepted|open access|research article|original"
    r"|article|review|short report|case report|study protocol|page\b|\d+$|commentary|editorial|technical report|downloaded|available online|citation:|cite this|editors?:|subject|keywords)"
    r"|\bissn\b|@|\bpages? \d",
    re.IGNORECASE,
)
_ABSTRACT = re.compile(
    r"^\W{0,4}(?:abstract|a\s?b\s?s\s?t\s?r\s?a\s?c\s?t|summary)\W{0,4}(?=$|\s)[\s.:—–-]*", re.IGNORECASE
)
_AFTER_ABSTRACT = re.compile(
    r"^\W{0,3}(?:(?:1|I)\.?\s+)?(?:introduction|key ?words?|index terms|categories and subject|general terms|ccs concepts"
    r"|citation:|copyright)\b",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(r"^\W{0,3}(?:(?:1|I)\.?\s+)?(?:introduction|background)\W{0,3}$", re.IGNORECASE)


def extract_header(reading: Reading) -> Metadata:
    """What the file declares of itself, each missing field filled by rule from the first page; None or () if not found.

    Years are 1950 to 2099; a DOI is in lower case as a key would be, without its resolver. Never raises.
    """
    told = reading.metadata
    front = _front(reading)
    title_at = _title_blocks(reading, front)
    title = told.title or _text(reading, title_at)[:MAX_TITLE] or None
    return Metadata(
        title=" ".join(title.split()) if title else None,
        authors=told.authors or _authors(reading, front, title_at),
        abstract=told.abstract or _abstract(reading, front),
        year=told.year or _year(reading, front),
        doi=find_doi(told.doi) if told.doi else _doi(reading, front),
    )


def find_doi(text: str | None) -> str | None:
    """The first DOI in the text, in lower case, without the punctuation that follows it; None when there is none."""
    match = DOI.search(text or "")
    if match is None:
        return None
    doi = match.group(1).rstrip(".,;:'\"”’*")
    while doi and doi[-1] in ")]" and doi.count("(") < doi.count(")") + doi.count("]") - doi.count("["):
        doi = doi[:-1].rstrip(".,;")
    return doi.lower()


def find_year(text: str) -> int | None:
    """The first year from 1950 to 2099 that stands alone in the text."""
    match = _YEAR.search(text)
    return int(match.group(1)) if match else None


def _front(reading: Reading) -> list[Block]:
    """The blocks of the first page; of a text without blocks its paragraphs. Long blocks are cut into their lines."""
    blocks = sorted((b for b in reading.blocks if b.page == 1 and b.start < _MAX_FRONT), key=lambda b: b.start)
    if not blocks:
        end = min(len(reading.text), _MAX_FRONT)
        blocks = [Block(start=0, end=end)] if end else []
    return [line for block in blocks for line in _lines(reading.text, block)]


def _lines(text: str, block: Block) -> list[Block]:
    lines = []
    for match in re.finditer(r"[^\n\f]+", text[block.start : min(block.end, block.start + _MAX_FRONT)]):
        if not match.group().isspace():
            span = {"start": block.start + match.start(), "end": block.start + match.end()}
            lines.append(block.model_copy(update=span))
    return lines


def _text(reading: Reading, lines: Sequence[Block]) -> str:
    return " ".join(" ".join(reading.text[line.start : line.end].split()) for line in lines)


def _title_blocks(reading: Reading, front: list[Block]) -> list[Block]:
    """The lines of the title: of TITLE blocks, else the largest print above the abstract, else the first paragraph."""
    marked = [line for line in front if line.kind is BlockKind.TITLE]
    if marked:
        return marked
    top = [line for line in _above_abstract(reading, front) if line.kind is not BlockKind.FURNITURE]
    top = [line for line in top if not _NOT_A_TITLE.search(reading.text[line.start : line.end].strip())]
    sized = [line for line in top if line.font_size and _letters(reading, line) >= 4]
    wordy = [line for line in sized if len(reading.text[line.start : line.end].split()) >= 3] or sized
    if wordy:
        first = max(wordy, key=lambda line: (line.font_size or 0, -line.start))
        return _while_near(top[top.index(first) :], first.font_size or 0)
    return _first_paragraph(reading, top)


def _while_near(lines: list[Block], size: float) -> list[Block]:
    kept = []
    for line in lines[:6]:
        if line.font_size is None or abs(line.font_size - size) > _SAME_SIZE:
            break
        kept.append(line)
    return kept


def _first_paragraph(reading: Reading, top: list[Block]) -> list[Block]:
    kept: list[Block] = []
    for line in top:
        if kept and (reading.text[kept[-1].end : line.start].count("\n") > 1 or len(kept) == 3):
            break
        if kept and (is_affiliation(_text(reading, [line])) or names_in(_text(reading, [line]))):
            break
        kept.append(line)
    return kept


def _letters(reading: Reading, line: Block) -> int:
    return sum(map(str.isalpha, reading.text[line.start : line.end]))


def _above_abstract(reading: Reading, front: list[Block]) -> list[Block]:
    """The lines before the abstract; before the introduction where there is none."""
    for label in (_ABSTRACT, _INTRODUCTION):
        for index, line in enumerate(front):
            if line.kind is BlockKind.ABSTRACT or label.match(reading.text[line.start : line.end].strip()):
                return front[:index]
    return front


def _authors(reading: Reading, front: list[Block], title: list[Block]) -> tuple[str, ...]:
    """The names between the title and the abstract: blocks or lines of nothing but names, all in one size of print."""
    above = _above_abstract(reading, front)
    start, end = title[-1].end if title else 0, above[-1].end if above else 0
    marked = any(line.kind is BlockKind.AUTHORS for line in front)
    names: list[str] = []
    size: float | None = None
    for block in sorted(reading.blocks, key=lambda b: b.start) or above:
        wanted = block.kind is BlockKind.AUTHORS if marked else start <= block.start < end
        if not wanted or block.kind is BlockKind.FURNITURE or block.page > 1:
            continue
        if size is None or block.font_size is None or abs(block.font_size - size) <= _SAME_SIZE:
            found = _names_in_block(reading.text[block.start : min(block.end, end if not marked else block.end)])
            size = size or (block.font_size if found else None)
            names += [name for name in found if name not in names]
    return tuple(names[:_MAX_AUTHORS])


def _names_in_block(text: str) -> tuple[str, ...]:
    lines = text.split("\n")
    return names_in(" ".join(lines)) or tuple(name for line in lines for name in names_in(line))


def _abstract(reading: Reading, front: list[Block]) -> str | None:
    """ABSTRACT blocks; else what follows the word Abstract, up to a heading or the introduction."""
    marked = [line for line in front if line.kind is BlockKind.ABSTRACT]
    if marked:
        return _ABSTRACT.sub("", _text(reading, marked))[:MAX_ABSTRACT].strip() or None
    kept: list[str] = []
    inside = False
    for line in front:
        text = " ".join(reading.text[line.start : line.end].split())
        label = _ABSTRACT.match(text)
        if not inside and label:
            inside = True
            text = text[label.end() :]
        elif inside and (_AFTER_ABSTRACT.match(text) or (kept and _ends_abstract(line, text))):
            break
        if inside and text and line.kind is not BlockKind.FURNITURE:
            kept.append(text)
    return " ".join(kept)[:MAX_ABSTRACT].strip() or None


def _ends_abstract(line: Block, text: str) -> bool:
    numbered = plain_title(text) != text and is_well_known(text)
    return line.kind is BlockKind.HEADING or numbered or text.lower() in ("introduction", "background")


def _year(reading: Reading, front: list[Block]) -> int | None:
    """From a line that speaks of publication; else from above the abstract."""
    lines = [reading.text[line.start : line.end] for line in front if line.kind is not BlockKind.REFERENCE]
    above = {reading.text[line.start : line.end] for line in _above_abstract(reading, front)}
    short = (line for line in lines if len(line) < 300 and (line in above or "©" in line or "ublished" in line))
    spoken = [line for line in short if _PUBLISHED.search(line)]
    marked = [reading.text[line.start : line.end] for line in front if line.kind is BlockKind.FURNITURE]
    for line in (*spoken, *marked, *(line for line in lines if line in above)):
        year = find_year(line)
        if year:
            return year
    return None


def _doi(reading: Reading, front: list[Block]) -> str | None:
    for line in front:
        doi = find_doi(reading.text[line.start : line.end]) if line.kind is not BlockKind.REFERENCE else None
        if doi:
            return doi
    return None

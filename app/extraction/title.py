"""The title: lines that read as one, weighed against lines that are set as one."""

import re
from collections.abc import Iterator
from itertools import groupby

from app.domain.knowledge import BlockKind
from app.extraction.front import FrontLine, above_abstract, joined
from app.extraction.people import are_names, is_affiliation, names_in, speak_for_group

_MAX_TITLE_LINES = 8
_SURE = 0.5
_CERTAIN = 0.8
_PERHAPS = 0.1
_SUBTITLE = 0.6
"""Of the title's size: what is smaller is no part of it."""
_WORDS_OF_A_TITLE = 4
"""A line of fewer may be the name of the journal's section, however much it reads as a title."""
_WORDS_OF_A_NAME = 4
_NOT_A_TITLE = re.compile(
    r"^(?:research$|original$|arxiv:|https?:|www\.|doi\b|©|copyright|published|proceedings|journal|vol(?:ume\b|\.)|issn|received|accepted|open access|research article|original"
    r"|article\b|review\b|short report|case report|study protocol|page\b|\d+$|commentary|editorial|technical report|downloaded|available online|citation:|cite this|editors?:|authors?:|subjects?\b(?: areas?| categor\w+)?:|keywords)"
    r"|\bissn\b|@|\bpages? \d",
    re.IGNORECASE,
)
_SHORT_TITLE = re.compile(r"^\W*(?:short|running|abbreviated)[ -](?:title|head)", re.IGNORECASE)
_FIELD = re.compile(r"\W*(?:(?:full |paper |article )?title|(?:paper )?authors?|affiliations?)\W*", re.IGNORECASE)
"""Says what stands below it."""
_KIND = re.compile(
    r"(?:(?:short|brief|rapid|original|full|regular|research|review|invited|technical|case|book) )?(?:communication|article|paper|contribution|report|note|letter|review|reviews|research)s?"
    r"|open access|editorial|commentary|title:?|authors?:?",
    re.IGNORECASE,
)
"""What stands above a title, however large it is set."""
_DANGLES = re.compile(
    r"(?:[,:–—-]|\b(?:and|or|of|the|a|an|in|on|at|for|to|with|by|from|using|via|und|von|der|die|des|de|del|la|le|et|y|e|do|da))$",
    re.IGNORECASE,
)
"""No title ends so."""
_LITTLE_WORDS: dict[str, frozenset[str]] = {
    "en": frozenset("the of and on for to with by an from its their is are how what".split()),
    "es": frozenset("el los las y del con una por para su sus como".split()),
    "pt": frozenset("o os da do das dos em um uma na no nas nos e com ao à".split()),
    "fr": frozenset("le les des du et une dans sur au aux".split()),
    "de": frozenset("der die das und von im zur zum ein eine für mit".split()),
}
"""That titles are full of, and that are of one language only."""
_TITLE_WORD = re.compile(r"^\W*(?:full )?title\s*:\s*", re.IGNORECASE)


def title_lines(front: list[FrontLine]) -> list[FrontLine]:
    """The lines of the title: what the reader marked so, else the best of the lines that read or are set as one."""
    marked = [line for line in front if line.kind is BlockKind.TITLE]
    if marked:
        return marked
    top = [line for line in above_abstract(front) if line.kind is not BlockKind.FURNITURE]
    top = [line for line in top if line.title >= _SURE or not _NOT_A_TITLE.search(line.text)]
    top = _below_kind(_above_short_title([line for line in top if not _FIELD.fullmatch(line.text)]))
    largest = max((line.size or 0.0 for line in top if _letters(line) >= 4), default=0.0)
    candidates = [_whole(lines, top) for lines in (*_read_as_titles(top), _largest(top)) if lines]
    candidates = [lines for lines in candidates if not _is_prose(lines, largest)]
    wordy = [lines for lines in candidates if _is_wordy(lines) and _read_as(lines) >= _SURE]
    best = max(wordy or candidates, key=lambda lines: _weight(lines, largest), default=[])
    best = max((lines for lines in candidates if lines[: len(best)] == best), key=len, default=best)
    return _above_names(_untranslated(best)) or _first_paragraph(top)


def title_of(lines: list[FrontLine]) -> str:
    """The title's words, without the word "Title:" before them."""
    return _TITLE_WORD.sub("", joined(lines))


def _above_short_title(top: list[FrontLine]) -> list[FrontLine]:
    """The lines without the title in short; down to it, where the whole one stands above: it may have several lines."""
    at = next((at for at, line in enumerate(top) if _SHORT_TITLE.match(line.text)), len(top))
    is_below = any(line.label == "title" for line in top[:at])
    return top[:at] if is_below else [line for line in top if not _SHORT_TITLE.match(line.text)]


def _below_kind(top: list[FrontLine]) -> list[FrontLine]:
    """The lines without those that say what kind of article it is, unless they stand below one of a title."""
    first = next((at for at, line in enumerate(top) if line.label == "title" and not _KIND.fullmatch(line.text)), 0)
    return [line for line in top[:first] if not _KIND.fullmatch(line.text)] + top[first:]


def _above_names(lines: list[FrontLine]) -> list[FrontLine]:
    """The lines down to a list of names, which is of authors, however large it is set."""
    for at, line in enumerate(lines):
        is_byline = are_names(line.text) or speak_for_group(line.text)
        if at and line.title < _CERTAIN and is_byline and not _DANGLES.search(lines[at - 1].text):
            return lines[:at]
    return lines


def _untranslated(lines: list[FrontLine]) -> list[FrontLine]:
    """The lines up to a block that says it once more in another language."""
    for at in range(1, len(lines)):
        if lines[at].block != lines[at - 1].block and not _DANGLES.search(lines[at - 1].text):
            one, other = _language(lines[:at]), _language(lines[at:])
            if one and other and one != other:
                return lines[:at]
    return lines


def _language(lines: list[FrontLine]) -> str | None:
    """The language that more than one of the words speaks for, and more than for any other."""
    words = joined(lines).lower().split()
    counts = sorted((sum(word in little for word in words), name) for name, little in _LITTLE_WORDS.items())
    (second, _), (first, name) = counts[-2:]
    return name if first > 1 and first > second else None


def _weight(lines: list[FrontLine], largest: float) -> float:
    """How sure the model is that these are a title, and how large they are set: from 0 to 2."""
    set_as_title = (lines[0].size or 0.0) / largest if largest else 0.0
    return _read_as(lines) + set_as_title


def _read_as(lines: list[FrontLine]) -> float:
    return sum(line.title for line in lines) / len(lines)


def _read_as_titles(top: list[FrontLine]) -> Iterator[list[FrontLine]]:
    """Runs of lines that the model takes for a title; what is set smaller goes on with it, if it stands under a sentence."""
    for is_title, run in groupby(top, key=lambda line: line.label == "title"):
        lines: list[FrontLine] = []
        for line in run if is_title else ():
            goes_on = not lines or line.near(lines[-1]) or (_is_subtitle(line, lines[0]) and _is_wordy(lines))
            if not goes_on:
                yield lines[:_MAX_TITLE_LINES]
                lines = []
            lines.append(line)
        yield lines[:_MAX_TITLE_LINES]


def _is_subtitle(line: FrontLine, title: FrontLine) -> bool:
    """Set smaller, though not so small as what is read below it; no names and no sentence."""
    size, above = line.size or 0.0, title.size or 0.0
    is_sure = line.title >= _CERTAIN and len(line.text.split()) > _WORDS_OF_A_NAME
    is_named = not is_sure and bool(names_in(line.text))
    return _SUBTITLE * above <= size < above and not is_named and not line.text.endswith(".")


def _is_prose(lines: list[FrontLine], largest: float) -> bool:
    """Whether it is a sentence in print far below the page's largest."""
    return (lines[0].size or largest) < _SUBTITLE * largest and lines[-1].text.endswith(".")


def _is_wordy(lines: list[FrontLine]) -> bool:
    return len(joined(lines).split()) >= _WORDS_OF_A_TITLE or lines[-1].text.endswith(":")


def _largest(top: list[FrontLine]) -> list[FrontLine]:
    """The lines in the largest print, of three words at least if there are such; none where print has no size."""
    sized = [line for line in top if line.size and _letters(line) >= 4]
    wordy = [line for line in sized if len(line.text.split()) >= 3] or sized
    if not wordy:
        return []
    first = max(wordy, key=lambda line: (line.size or 0.0, -line.start))
    return _while_near(top[top.index(first) :])


def _while_near(lines: list[FrontLine]) -> list[FrontLine]:
    """The first lines, as long as they are set alike and none is a name or an address."""
    kept: list[FrontLine] = []
    for line in lines[:_MAX_TITLE_LINES]:
        if not line.near(lines[0]) or (kept and line.label in {"author", "affiliation"}):
            break
        kept.append(line)
    return kept


def _whole(lines: list[FrontLine], top: list[FrontLine]) -> list[FrontLine]:
    """The lines, and what is set like them in their blocks.

    Lines that read as names or addresses are of the title only if it alone is set so large.
    """
    sized = [line for line in top if line.size]
    alike = [line for line in sized if line.near(lines[0])]
    is_smallest = all((line.size or 0.0) >= (lines[0].size or 0.0) for line in sized)
    alone = alike if len(alike) <= _MAX_TITLE_LINES and not is_smallest else []

    def belongs(line: FrontLine, beside: FrontLine) -> bool:
        is_near = line.block == beside.block and line.near(beside)
        return is_near and line.size is not None and (line in alone or line.label in {"title", "other"})

    first, last = top.index(lines[0]), top.index(lines[-1])
    while first and (belongs(above := top[first - 1], top[first]) and (above in alone or above.title > _PERHAPS)):
        first -= 1
    while first and top[first - 1].title >= _CERTAIN and _runs_on(top[first - 1], top[first]):
        first -= 1
    while last + 1 < len(top) and (belongs(top[last + 1], top[last]) or _runs_on(top[last], top[last + 1])):
        last += 1
    return top[first : last + 1][:_MAX_TITLE_LINES]


def _runs_on(last: FrontLine, below: FrontLine) -> bool:
    """Whether the title cannot end with the line: what is set smaller may be a formula, or stand after a colon."""
    if below.text[:1].islower() and below.title > _PERHAPS:
        return True
    return _DANGLES.search(last.text) is not None and (below.near(last) or below.label in {"title", "other"})


def _first_paragraph(top: list[FrontLine]) -> list[FrontLine]:
    kept: list[FrontLine] = []
    for line in top:
        if kept and (line.block != kept[-1].block or len(kept) == 3):
            break
        if kept and (is_affiliation(line.text) or names_in(line.text)):
            break
        kept.append(line)
    return kept


def _letters(line: FrontLine) -> int:
    return sum(map(str.isalpha, line.text))

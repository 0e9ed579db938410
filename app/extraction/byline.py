"""The title and who wrote it: lines that read so, weighed against lines that are set so."""

import re
from collections.abc import Iterator
from itertools import groupby

from app.domain.knowledge import BlockKind
from app.extraction.front import FrontLine, above_abstract, joined
from app.extraction.names import names_in_byline
from app.extraction.people import is_affiliation, names_in

_MAX_AUTHORS = 100
_MAX_TITLE_LINES = 6
_NOT_A_TITLE = re.compile(
    r"^(?:research$|original$|arxiv:|https?:|www\.|doi|©|copyright|published|proceedings|journal|vol(?:ume|\.)|issn|received|accepted|open access|research article|original"
    r"|article|review|short report|case report|study protocol|page\b|\d+$|commentary|editorial|technical report|downloaded|available online|citation:|cite this|editors?:|subject|keywords)"
    r"|\bissn\b|@|\bpages? \d",
    re.IGNORECASE,
)


def title_lines(front: list[FrontLine]) -> list[FrontLine]:
    """The lines of the title: what the reader marked so, else the best of the lines that read or are set as one."""
    marked = [line for line in front if line.kind is BlockKind.TITLE]
    if marked:
        return marked
    top = [line for line in above_abstract(front) if line.kind is not BlockKind.FURNITURE]
    top = [line for line in top if not _NOT_A_TITLE.search(line.text)]
    largest = max((line.size or 0.0 for line in top if _letters(line) >= 4), default=0.0)
    candidates = [*_read_as_titles(top), _largest(top)]
    candidates = [lines for lines in candidates if lines]
    return max(candidates, key=lambda lines: _weight(lines, largest), default=[]) or _first_paragraph(top)


def _weight(lines: list[FrontLine], largest: float) -> float:
    """How sure the model is that these are a title, and how large they are set: from 0 to 2."""
    set_as_title = (lines[0].size or 0.0) / largest if largest else 0.0
    return sum(line.title for line in lines) / len(lines) + set_as_title


def _read_as_titles(top: list[FrontLine]) -> Iterator[list[FrontLine]]:
    """Runs of lines that the model takes for a title, each in one print."""
    for is_title, run in groupby(top, key=lambda line: line.label == "title"):
        if is_title:
            lines = list(run)
            yield _while_near(lines)


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


def author_names(front: list[FrontLine], title: list[FrontLine]) -> tuple[str, ...]:
    """The names in the lines that the reader marked, else in those above the abstract that read as a list of authors.

    Columns are now and then read in another order: then such lines anywhere on the page have to do.
    """
    marked = [line for line in front if line.kind is BlockKind.AUTHORS]
    if marked:
        return _names(marked)
    start = title[-1].end if title else 0
    below = [line for line in above_abstract(front) if line.start >= start and line.kind is not BlockKind.FURNITURE]
    of_names = ([line for line in lines if line.label == "author"] for lines in (below, front))
    candidates = (*of_names, [line for line in below if names_in(line.text)])
    return next((names for lines in candidates if (names := _names(_main_print(lines)))), ())


def _main_print(lines: list[FrontLine]) -> list[FrontLine]:
    """The lines in the print of the first: names further down, of editors or for letters, are set otherwise."""
    return [line for line in lines if line.near(lines[0])]


def _names(lines: list[FrontLine]) -> tuple[str, ...]:
    """The names in each block's lines; a name may run from one line to the next. Nobody is named twice."""
    names: dict[str, None] = {}
    for _, run in groupby(lines, key=lambda line: line.block):
        block = list(run)
        alone = [names_in(line.text) for line in block]
        one_by_one = tuple(name for found in alone for name in found) if all(alone) else ()
        names.update(dict.fromkeys(_names_of(joined(block), one_by_one)))
    return tuple(names)[:_MAX_AUTHORS]


def _names_of(byline: str, one_by_one: tuple[str, ...]) -> tuple[str, ...]:
    """What the model finds; where it finds fewer than lines of nothing but names hold, these."""
    found = names_in_byline(byline)
    return found if len(found) >= len(one_by_one) else one_by_one

"""The title and who wrote it: lines that read so, weighed against lines that are set so."""

import re
from collections.abc import Iterator
from itertools import groupby

from app.domain.knowledge import BlockKind
from app.extraction.front import FrontLine, above_abstract, joined
from app.extraction.header_lines import SAME_SIZE
from app.extraction.names import names_in_byline
from app.extraction.people import is_affiliation, names_in

_MAX_AUTHORS = 100
_MAX_TITLE_LINES = 8
_SURE = 0.5
_PERHAPS = 0.1
_ABOUT = 0.85
_WORDS_OF_A_TITLE = 4
"""A line of fewer may be the name of the journal's section, however much it reads as a title."""
_NOT_A_TITLE = re.compile(
    r"^(?:research$|original$|arxiv:|https?:|www\.|doi\b|©|copyright|published|proceedings|journal|vol(?:ume\b|\.)|issn|received|accepted|open access|research article|original"
    r"|article\b|review\b|short report|case report|study protocol|page\b|\d+$|commentary|editorial|technical report|downloaded|available online|citation:|cite this|editors?:|authors?:|subjects?\b(?: areas?| categor\w+)?:|keywords)"
    r"|\bissn\b|@|\bpages? \d",
    re.IGNORECASE,
)
_SHORT_TITLE = re.compile(r"^\W*(?:short|running|abbreviated)[ -](?:title|head)", re.IGNORECASE)
_TITLE_WORD = re.compile(r"^\W*(?:full )?title\s*:\s*", re.IGNORECASE)
_OTHER_PEOPLE = re.compile(
    r"\b(?:editor|edited|reviewed|reviewers?|communicated|correspond\w*|reprints?|contact|supervis\w*|translat\w*)\b",
    re.IGNORECASE,
)
_LIST = re.compile(r",|;|&|\band\b")
_COLLECTIVE = re.compile(
    r"\b(?:group|initiative|collaboration|consortium|department|university|institute|school|college|disease|network|society|committee|investigators|team)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"^(?:(?:dr|prof|professor|mr|mrs|ms|authors?|by)\b[.:]?\s*)+", re.IGNORECASE)
_NO_LETTERS_AT_THE_END = re.compile(r"[\W\d_]+(?<!\.)$")


def title_lines(front: list[FrontLine]) -> list[FrontLine]:
    """The lines of the title: what the reader marked so, else the best of the lines that read or are set as one."""
    marked = [line for line in front if line.kind is BlockKind.TITLE]
    if marked:
        return marked
    top = [line for line in above_abstract(front) if line.kind is not BlockKind.FURNITURE]
    top = [line for line in top if line.title >= _SURE or not _NOT_A_TITLE.search(line.text)]
    top = [line for line in top if not _SHORT_TITLE.match(line.text)]
    largest = max((line.size or 0.0 for line in top if _letters(line) >= 4), default=0.0)
    candidates = [_whole(lines, top, largest) for lines in (*_read_as_titles(top), _largest(top)) if lines]
    return max(candidates, key=lambda lines: _weight(lines, largest), default=[]) or _first_paragraph(top)


def title_of(lines: list[FrontLine]) -> str:
    """The title's words, without the word "Title:" before them."""
    return _TITLE_WORD.sub("", joined(lines))


def _weight(lines: list[FrontLine], largest: float) -> float:
    """How sure the model is that these are a title, and how large they are set: from 0 to 2."""
    set_as_title = (lines[0].size or 0.0) / largest if largest else 0.0
    return sum(line.title for line in lines) / len(lines) + set_as_title


def _read_as_titles(top: list[FrontLine]) -> Iterator[list[FrontLine]]:
    """Runs of lines that the model takes for a title; what is set smaller goes on with it, if it stands under a sentence."""
    for is_title, run in groupby(top, key=lambda line: line.label == "title"):
        lines: list[FrontLine] = []
        for line in run if is_title else ():
            goes_on = not lines or line.near(lines[-1]) or (_is_smaller(line, lines[0]) and _is_wordy(lines))
            if not goes_on:
                yield lines[:_MAX_TITLE_LINES]
                lines = []
            lines.append(line)
        yield lines[:_MAX_TITLE_LINES]


def _is_smaller(line: FrontLine, than: FrontLine) -> bool:
    return (line.size or 0.0) < (than.size or 0.0)


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


def _whole(lines: list[FrontLine], top: list[FrontLine], largest: float) -> list[FrontLine]:
    """The lines, and what is set like them in their blocks.

    Lines that read as names or addresses are of the title only if it alone is set so large.
    """
    sized = [line for line in top if line.size]
    large = [line for line in sized if (line.size or 0.0) >= largest - SAME_SIZE]
    alone = large if len(large) <= _MAX_TITLE_LINES and len(large) < len(sized) else []

    def belongs(line: FrontLine, beside: FrontLine) -> bool:
        alike = line.block == beside.block and line.near(beside)
        return alike and line.size is not None and (line in alone or line.label in {"title", "other"})

    first, last = top.index(lines[0]), top.index(lines[-1])
    while first and belongs(top[first - 1], top[first]) and top[first - 1].title > _PERHAPS:
        first -= 1
    while last + 1 < len(top) and belongs(top[last + 1], top[last]):
        last += 1
    return top[first : last + 1][:_MAX_TITLE_LINES]


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
        return _names([marked])
    start = title[-1].end if title else 0
    page = [line for line in front if line.kind is not BlockKind.FURNITURE and line not in title]
    below = [line for line in above_abstract(front) if line.start >= start and line in page]
    runs = (_runs(lines) for lines in (below, page))
    candidates = (*runs, [[line] for line in below if names_in(line.text)])
    return next((names for lines in candidates if (names := _names(lines))), ())


def _runs(lines: list[FrontLine]) -> list[list[FrontLine]]:
    """Lines that read as authors, those that follow each other together.

    Names in another print further down are of editors or for letters, as are those after a line that says so.
    """
    runs: list[list[FrontLine]] = []
    before = ""
    for is_author, found in groupby(lines, key=lambda line: line.label == "author"):
        run = list(found)
        if is_author and not _OTHER_PEOPLE.search(before) and (not runs or _alike(run[0], runs[0][0])):
            runs.append(run)
        before = run[-1].text
    return runs


def _alike(line: FrontLine, other: FrontLine) -> bool:
    """Whether both are set in about one size: a line with many marks above it may count as a smaller one."""
    small, large = sorted((line.size or 1.0, other.size or 1.0))
    return line.size is None or other.size is None or small > _ABOUT * large


def _names(runs: list[list[FrontLine]]) -> tuple[str, ...]:
    """The names in each run's lines; a name may run from one line to the next. Nobody is named twice."""
    names: list[str] = []
    for run in runs:
        for block in _bylines(run):
            alone = [names_in(line.text) for line in block]
            one_by_one = tuple(name for found in alone for name in found) if all(alone) else ()
            for name in map(_plain, _names_of(joined(block), one_by_one)):
                if " " in name and not _COLLECTIVE.search(name) and not any(_same(name, other) for other in names):
                    names.append(name)
    return tuple(names)[:_MAX_AUTHORS]


def _bylines(run: list[FrontLine]) -> list[list[FrontLine]]:
    """The lines of a block together, and those of a list that goes on in the next one."""
    bylines: list[list[FrontLine]] = []
    for line in run:
        last = bylines[-1][-1] if bylines else None
        if last and (line.block == last.block or (_LIST.search(last.text) and _LIST.search(line.text))):
            bylines[-1].append(line)
        else:
            bylines.append([line])
    return bylines


def _names_of(byline: str, one_by_one: tuple[str, ...]) -> tuple[str, ...]:
    """What the model finds; where it finds fewer than lines of nothing but names hold, these."""
    found = names_in_byline(byline)
    return found if len(found) >= len(one_by_one) else one_by_one


def _plain(name: str) -> str:
    return _NO_LETTERS_AT_THE_END.sub("", _ADDRESS.sub("", name))


def _same(name: str, other: str) -> bool:
    """Whether both are one person's: given in full here, by an initial there."""
    one, two = name.lower().split(), other.lower().split()
    return one[-1] == two[-1] and (
        one[0] == two[0]
        or (one[0][:1] == two[0][:1] and min(map(len, (one[0], two[0]))) < 3 and len(one[0]) != len(two[0]))
    )

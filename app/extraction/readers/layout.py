"""Where things stand on a page: words to fragments of lines, fragments to columns, columns to lines in reading order.

All lengths in points; x grows to the right, y downwards. Nothing here knows of PDF.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MIN_IN_COLUMN = 4
"""Fragments on each side of a gutter; fewer are no column."""
MIN_COLUMN_WIDTH = 0.12
"""Of the page: narrower is a list's numbers, or a table's."""
_MAX_COLUMNS = 4
_FULL = 0.6
"""Of the width that a page's text takes: a line that goes over more than one column."""

_WIDE_GAP = 2.0
"""Of the type size."""


class Word(NamedTuple):
    """A word and its box; `y0` is the top."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool

    def turned(self, turns: int) -> "Word":
        """The word as it is when the page is turned so that it reads from left to right (quarters, counterclockwise)."""
        if turns == 0:
            return self
        x0, y0, x1, y1 = self.x0, self.y0, self.x1, self.y1
        boxes = {1: (-y1, x0, -y0, x1), 2: (-x1, -y1, -x0, -y0), 3: (y0, -x1, y1, -x0)}
        return Word(self.text, *boxes[turns], self.size, self.bold)


@dataclass(slots=True)
class Fragment:
    """Words side by side: a line, or the part of one that stands between two wide gaps."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    """Of most of its characters."""
    bold: bool
    """As a heading is: all but a few of its characters."""
    parts: "tuple[Fragment, ...]" = ()
    """From left to right, what it was put together from; empty when it is of one piece."""

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2

    def beside(self, other: "Fragment | Word") -> bool:
        """Whether both stand on one line: they share half of the lower one's height."""
        shared = min(self.y1, other.y1) - max(self.y0, other.y0)
        return shared > 0.5 * min(self.y1 - self.y0, other.y1 - other.y0)


@dataclass
class Page:
    """A page's fragments, in the order of the file; `aside` is text that runs another way than the page's."""

    number: int
    width: float
    height: float
    fragments: list[Fragment]
    aside: str


Column = list[Fragment]
_ABSTRACT = re.compile(r"(?:abstract|summary|resumo|resumen|résumé)(?:[.:—–-]|$)", re.IGNORECASE)
_MAX_TITLE_LINES = 8


def fragments_of(words: Sequence[Word]) -> list[Fragment]:
    """Words that follow each other on a line, as the file has them in order, up to a gap wider than a space can be."""
    fragments: list[Fragment] = []
    here: list[Word] = []
    for word in words:
        if here and not _follows(word, here[-1], here[0]):
            fragments.append(_fragment(here))
            here = []
        here.append(word)
    if here:
        fragments.append(_fragment(here))
    return fragments


def _follows(word: Word, last: Word, first: Word) -> bool:
    shared = min(last.y1, word.y1) - max(last.y0, word.y0)
    if shared <= 0.4 * min(last.y1 - last.y0, word.y1 - word.y0):
        return False
    size = max(last.size, word.size, 1.0)
    return -0.5 * size <= word.x0 - last.x1 <= size and word.x1 > first.x0


def _fragment(words: list[Word]) -> Fragment:
    sizes: dict[float, int] = {}
    for word in words:
        sizes[round(word.size, 1)] = sizes.get(round(word.size, 1), 0) + len(word.text)
    size = max(sizes, key=lambda size: sizes[size])
    bold = sum(len(word.text) for word in words if word.bold) >= 0.85 * sum(sizes.values())
    main = [word for word in words if abs(word.size - size) < 0.5] or words
    return Fragment(
        text=" ".join(word.text for word in words),
        x0=min(word.x0 for word in words),
        y0=min(word.y0 for word in main),
        x1=max(word.x1 for word in words),
        y1=max(word.y1 for word in main),
        size=size,
        bold=bold,
    )


def below_header(fragments: list[Fragment]) -> float | None:
    """The y at which a first page's header ends, authors side by side included: a gap as wide as the page above "Abstract"."""
    abstract = next((f for f in fragments if _ABSTRACT.match(f.text.replace(" ", ""))), None)
    if abstract is None:
        return None
    floor = abstract.y0 + 0.3 * abstract.size
    above = [f.y1 for f in fragments if f.middle < floor]
    clear = all(f.y0 >= abstract.y0 - 1 or f.y1 <= abstract.y0 - 0.5 * abstract.size for f in fragments)
    return (max(above) + abstract.y0) / 2 if above and clear else None


def below_title(fragments: list[Fragment]) -> float | None:
    """The y at which a first page's title ends, told by its print: the largest, and nothing else between its lines.

    A short last line of it, in the middle of the page, would else count as one of the column of authors on its side.
    """
    largest = max((f.size for f in fragments if sum(map(str.isalpha, f.text)) >= MIN_IN_COLUMN), default=0.0)
    title = [f for f in fragments if f.size > 0.97 * largest]
    rest = [f for f in fragments if f.size <= 0.97 * largest]
    if not title or not rest or len(title) > _MAX_TITLE_LINES:
        return None
    top, bottom = min(f.middle for f in title), max(f.middle for f in title)
    floor = min((f.middle for f in rest if f.middle > top), default=bottom)
    return (bottom + floor) / 2 if floor > bottom else None


def columns_of(fragments: list[Fragment], width: float, depth: int = 0) -> list[Column]:
    """The page cut into columns, in reading order; each a list of its lines from top to bottom.

    What crosses the gutter (a title, a wide figure's caption) cuts the page into bands: each is read to its end, left
    column first, before the next one begins.
    """
    gutter = _gutter(fragments, width) if depth < _MAX_COLUMNS else None
    if gutter is None:
        above, below = _below_full_lines(fragments) if depth == 0 else (fragments, [])
        if _gutter(below, width) is not None:
            return [_lines(above), *columns_of(below, width, depth + 1)]
        return [_lines(fragments)] if fragments else []
    columns: list[Column] = []
    for band, crosses in _bands(fragments, gutter):
        if crosses:
            columns.append(_lines(band))
            continue
        for side in ([f for f in band if f.x1 <= gutter + 1], [f for f in band if f.x1 > gutter + 1]):
            columns.extend(columns_of(side, width, depth + 1))
    return columns


def _below_full_lines(fragments: list[Fragment]) -> tuple[list[Fragment], list[Fragment]]:
    """The page down to its last line of full width, and what stands below: a list of references may begin there in columns."""
    left, right = min((f.x0 for f in fragments), default=0.0), max((f.x1 for f in fragments), default=0.0)
    edge = max((f.y1 for f in fragments if f.x1 - f.x0 > _FULL * (right - left)), default=float("-inf"))
    return [f for f in fragments if f.middle <= edge], [f for f in fragments if f.middle > edge]


def _gutter(fragments: list[Fragment], width: float) -> float | None:
    """The x at which the page falls into two columns, or None."""
    if len(fragments) < 2 * MIN_IN_COLUMN or width <= 0:
        return None
    left_edge, right_edge = min(f.x0 for f in fragments), max(f.x1 for f in fragments)
    steps = int(right_edge - left_edge)
    if not 0 < steps < 20_000:
        return None
    crossing = [0] * (steps + 2)
    for fragment in fragments:
        crossing[max(0, int(fragment.x0 - left_edge))] += 1
        crossing[min(steps, int(fragment.x1 - left_edge)) + 1] -= 1
    for step in range(1, steps + 2):
        crossing[step] += crossing[step - 1]
    found: list[tuple[int, float]] = []
    for low, high in ((int(0.4 * steps), int(0.6 * steps)), (int(0.15 * steps), int(0.85 * steps))):
        if low < high:
            gutter = left_edge + _emptiest(crossing, low, high)
            if _has_columns(fragments, gutter, width):
                found.append((min(crossing[low:high]), gutter))
    # The middle of three columns has lines enough on either side; but a gutter beside it is crossed far less.
    found = [(crossed, at) for crossed, at in found if 2 * min(found)[0] >= crossed]
    return found[0][1] if found else None


def _emptiest(crossing: list[int], low: int, high: int) -> float:
    """The middle of the widest stretch that the fewest fragments cross."""
    least = min(crossing[low:high])
    runs = _runs([low + step for step, count in enumerate(crossing[low:high]) if count <= least])
    start, end = max(runs, key=lambda run: run[1] - run[0])
    return (start + end + 1) / 2


def _has_columns(fragments: list[Fragment], gutter: float, width: float) -> bool:
    left = [f for f in fragments if f.x1 <= gutter + 1]
    right = [f for f in fragments if f.x0 >= gutter - 1]
    crossing = len(fragments) - len(left) - len(right)
    if min(len(left), len(right)) < MIN_IN_COLUMN or crossing > min(len(left), len(right)):
        return False
    if any(not _is_prose(side, MIN_COLUMN_WIDTH * width) for side in (left, right)):
        return False
    top = max(min(f.y0 for f in left), min(f.y0 for f in right))
    bottom = min(max(f.y1 for f in left), max(f.y1 for f in right))
    return bottom > top


def _is_prose(fragments: list[Fragment], wide: float) -> bool:
    """Whether most of the text stands in fragments as wide as a column's lines, whatever labels of a figure are there."""
    widths = [f.x1 - f.x0 for f in fragments]
    return sum(width for width in widths if width >= wide) > 0.5 * sum(widths)


def _runs(steps: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for step in steps:
        if runs and step == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], step)
        else:
            runs.append((step, step))
    return runs


def _bands(fragments: list[Fragment], gutter: float) -> list[tuple[list[Fragment], bool]]:
    """From top to bottom: fragments that cross the gutter, with what stands beside them, and those that do not."""
    crossing = [f for f in fragments if f.x0 < gutter - 1 and f.x1 > gutter + 1]
    bands: list[tuple[list[Fragment], bool]] = []
    for fragment in sorted(fragments, key=lambda f: f.middle):
        crosses = any(fragment is other or (fragment.beside(other) and _touches(fragment, other)) for other in crossing)
        if not bands or bands[-1][1] != crosses:
            bands.append(([], crosses))
        bands[-1][0].append(fragment)
    return bands


def _touches(fragment: Fragment, other: Fragment) -> bool:
    gap = max(fragment.x0, other.x0) - min(fragment.x1, other.x1)
    return gap < 3 * max(fragment.size, other.size)


def _lines(fragments: list[Fragment]) -> Column:
    """Fragments on one line put together, from top to bottom."""
    rows: list[list[Fragment]] = []
    for fragment in sorted(fragments, key=lambda f: f.middle):
        row = next((row for row in rows[-3:] if all(fragment.beside(other) for other in row[:3])), None)
        if row is None:
            rows.append([fragment])
        else:
            row.append(fragment)
    return [_merged(row) for row in rows]


def _merged(row: list[Fragment]) -> Fragment:
    if len(row) == 1:
        return row[0]
    row.sort(key=lambda f: f.x0)
    longest = max(row, key=lambda f: len(f.text))
    return Fragment(
        text=" ".join(f.text for f in row),
        x0=row[0].x0,
        y0=longest.y0,
        x1=max(f.x1 for f in row),
        y1=longest.y1,
        size=longest.size,
        bold=longest.bold,
        parts=tuple(row),
    )


def side_by_side(line: Fragment) -> Column:
    """What a line holds, cut at gaps too wide for one text: names of authors in columns too short to be told as such."""
    cells: list[list[Fragment]] = []
    for part in line.parts or (line,):
        if cells and part.x0 - max(f.x1 for f in cells[-1]) <= _WIDE_GAP * part.size:
            cells[-1].append(part)
        else:
            cells.append([part])
    return list(map(_merged, cells))

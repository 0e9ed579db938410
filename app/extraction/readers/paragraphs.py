"""Lines to paragraphs, over the ends of columns and pages."""

import re
from dataclasses import dataclass, field
from statistics import median

from app.extraction.readers.hyphens import Hyphens
from app.extraction.readers.layout import Column, Fragment, Page, below_header, below_title, columns_of, side_by_side

_ENDS = re.compile(r"[.:?!;][\"'”’)\]\d]{0,4}$")
_LABEL = re.compile(r"(?:\[\w[^\]]{0,20}\]|\(?\d{1,3}[.)]|•|–|\*)\s")
_FLOAT = re.compile(r"(?:figure|fig\.|table|tab\.|tabela|tabla|figura|abbildung|tabelle)\s?\d", re.IGNORECASE)
_CUT = re.compile(r"[^\W\d_][-\u2010]$")
_INDENT = 0.6
"""Of the type size."""


@dataclass
class Paragraph:
    """Lines that belong together; `text` keeps them apart by newlines."""

    page: int
    size: float
    bold: bool
    lines: list[str] = field(default_factory=list)
    is_furniture: bool = False
    text: str = ""
    on_this_page: int | None = None
    """How many of the lines are; None when all. The others are on the next one."""

    @property
    def next_page_at(self) -> int | None:
        """The character of `text` that is the first on the next page."""
        lines = self.text.split("\n")
        return None if self.on_this_page is None else sum(len(line) + 1 for line in lines[: self.on_this_page])


def paragraphs_of(pages: list[Page], furniture: set[int]) -> list[Paragraph]:
    """The paper's paragraphs in reading order, with each page's furniture before and after the page's text."""
    paragraphs: list[Paragraph] = []
    for page in pages:
        body = [fragment for fragment in page.fragments if id(fragment) not in furniture]
        outside = [fragment for fragment in page.fragments if id(fragment) in furniture]
        half = -page.height / 2
        paragraphs += _aside(page, [f for f in outside if f.middle < half])
        leading = _leading(body)
        for column in _columns(page, body):
            _continue(paragraphs, _paragraphs(page.number, column, leading))
        paragraphs += _aside(page, [f for f in outside if f.middle >= half])
        if page.aside:
            paragraphs.append(Paragraph(page.number, 0.0, False, [page.aside], is_furniture=True))
    hyphens = Hyphens("\n".join(line for paragraph in paragraphs for line in paragraph.lines))
    for paragraph in paragraphs:
        paragraph.text = "\n".join(hyphens.join(paragraph.lines))
    return paragraphs


def _columns(page: Page, body: list[Fragment]) -> list[Column]:
    """On the first page, title and names each stand above what follows, whatever columns that has.

    Names side by side are no line.
    """
    title, header = (below_title(body), below_header(body)) if page.number == 1 else (None, None)
    columns: list[Column] = []
    for edge in sorted(edge for edge in (title, header) if edge is not None):
        above = columns_of([fragment for fragment in body if fragment.middle < edge], page.width)
        columns += [_cells(column) for column in above] if edge == header else above
        body = [fragment for fragment in body if fragment.middle >= edge]
    return columns + columns_of(body, page.width)


def _cells(column: Column) -> Column:
    return [cell for line in column for cell in side_by_side(line)]


def _aside(page: Page, fragments: list[Fragment]) -> list[Paragraph]:
    ordered = sorted(fragments, key=lambda f: (round(f.middle), f.x0))
    return [Paragraph(page.number, f.size, f.bold, [f.text], is_furniture=True) for f in ordered]


def _leading(fragments: list[Fragment]) -> float:
    """From one line's middle to the next, in parts of the type size, as most of the page's lines have it."""
    steps = [
        (after.middle - before.middle) / before.size
        for before, after in zip(fragments, fragments[1:], strict=False)
        if before.size > 0
        and abs(before.size - after.size) < 0.5
        and 0.8 < (after.middle - before.middle) / before.size < 2.5
    ]
    return median(steps) if len(steps) > 4 else 1.3


def _paragraphs(page: int, column: Column, leading: float) -> list[Paragraph]:
    paragraphs: list[Paragraph] = []
    if not column:
        return paragraphs
    left, right = _edges(column)
    here: list[Fragment] = []
    for line in column:
        if here and _begins(line, here, left, right, leading):
            paragraphs.append(_paragraph(page, here))
            here = []
        here.append(line)
    paragraphs.append(_paragraph(page, here))
    return paragraphs


def _edges(column: Column) -> tuple[float, float]:
    """The column's left and right edge, but for the few lines that stand out."""
    starts, ends = sorted(line.x0 for line in column), sorted(line.x1 for line in column)
    return starts[len(starts) // 10], ends[-1 - len(ends) // 10]


def _begins(line: Fragment, here: list[Fragment], left: float, right: float, leading: float) -> bool:
    """Whether the line begins a paragraph, told by type, distance, and where it and the line before begin and end."""
    last = here[-1]
    size = max(last.size, line.size, 1.0)
    if abs(line.size - last.size) > 0.04 * size or line.bold != last.bold:
        return True
    step = line.middle - last.middle
    if step > leading * size * 1.3 or step < 0:
        return True
    short = last.x1 < right - 2 * size
    ends = bool(_ENDS.search(last.text))
    if _LABEL.match(line.text) and (short or ends):
        return True
    if _centred(line, last, left, size):
        return False
    if line.x0 > last.x0 + _INDENT * size:
        return short or (ends and not _LABEL.match(last.text))
    if line.x0 < last.x0 - _INDENT * size:
        return short if len(here) == 1 else short or ends
    return short and ends


def _centred(line: Fragment, last: Fragment, left: float, size: float) -> bool:
    indented = min(line.x0, last.x0) > left + size or line.x0 > left + size
    return indented and abs(line.x0 + line.x1 - last.x0 - last.x1) < size


def _paragraph(page: int, lines: list[Fragment]) -> Paragraph:
    bold = sum(len(line.text) if line.bold else -len(line.text) for line in lines) > 0
    return Paragraph(page, lines[0].size, bold, [line.text for line in lines])


def _continue(paragraphs: list[Paragraph], column: list[Paragraph]) -> None:
    """Add a column's paragraphs; one that goes on from the column before joins it, past notes, running heads and floats."""
    at = next((at for at, paragraph in enumerate(column) if not _FLOAT.match(paragraph.lines[0])), None)
    if at is not None and (begun := _unfinished(paragraphs, column[at])):
        if column[at].page != begun.page and begun.on_this_page is None:
            begun.on_this_page = len(begun.lines)
        begun.lines += column[at].lines
        column = column[:at] + column[at + 1 :]
    paragraphs += column


def _unfinished(paragraphs: list[Paragraph], rest: Paragraph) -> Paragraph | None:
    first = rest.lines[0].lstrip("(“\"'")
    for paragraph in reversed(paragraphs[-12:]):
        if paragraph.is_furniture or paragraph.size < rest.size - 0.5:
            continue
        if abs(paragraph.size - rest.size) > 0.5 or paragraph.bold != rest.bold or paragraph.page < rest.page - 1:
            return None
        last = paragraph.lines[-1]
        goes_on = bool(_CUT.search(last)) or (first[:1].islower() and not _ENDS.search(last))
        return paragraph if goes_on and len(last) > 15 else None
    return None

"""The list of references: where it is and where each entry begins. What an entry says is `citations`."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from app.domain.knowledge import BlockKind, Document, Reading, Reference
from app.extraction.citations import parse_citation
from app.extraction.reference_lines import Line, label_lines, longest_run
from app.extraction.sections import is_reference_title

MAX_REFERENCES = 2000
MAX_ENTRY = 1500
"""Characters; what follows in an entry is cut off, so that a list without breaks stays readable."""

_BRACKETED = re.compile(r"(?:^|(?<=[\s.;]))\[(\d{1,4}|[A-Z][\w+.-]{1,12}\d{2}[a-z]?)\]\s*(?=\S)", re.MULTILINE)
_LINE = re.compile(r"[^\n\f]+")
_BREAK = re.compile(r"\n[ \t\r]*\n|\f")


def extract_references(reading: Reading, document: Document) -> tuple[Reference, ...]:
    """The entries of the list of references, in its order, numbered from 1; empty when no list is found.

    The list is the REFERENCE blocks, else the section called References or the like, split by what `reference_lines`
    says of its lines, or within them at "[1]", "[2]" in sequence. `raw` is `document.text[start:end]` with its white
    space made single spaces, and without what is only on the page, such as a page number; entries never overlap. At
    most `MAX_REFERENCES`, each cut at `MAX_ENTRY` characters. Never raises.
    """
    furniture = sorted((b.start, b.end) for b in reading.blocks if b.kind is BlockKind.FURNITURE)
    references: list[Reference] = []
    for start, end in _entries(reading, document, furniture):
        start, end = _strip(document.text, start, min(end, start + MAX_ENTRY))
        raw = _paper_words(document.text, start, end, furniture)
        if sum(map(str.isalpha, raw)) < 8 or len(references) >= MAX_REFERENCES:
            continue
        references.append(
            Reference(
                start=start,
                end=end,
                page=document.page_at(start),
                number=len(references) + 1,
                raw=raw,
                **asdict(parse_citation(raw)),
            )
        )
    return tuple(references)


def _entries(reading: Reading, document: Document, furniture: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    size = len(document.text)
    blocks = sorted((b.start, min(b.end, size)) for b in reading.blocks if b.kind is BlockKind.REFERENCE)
    if blocks:
        return [entry for start, end in _apart(blocks) for entry in _within_block(document.text, start, end)]
    entries = []
    for section in document.sections:
        if is_reference_title(section.title):
            entries += split_entries(document, section.start, section.end, furniture)
    return entries


def _apart(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    at = 0
    for start, end in spans:
        if start >= at and start < end:
            yield start, end
            at = end


def _within_block(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """One block is one entry, unless it holds several numbered ones."""
    starts = _bracketed(text, start, end)
    return _between(starts, end) if len(starts) > 1 else [(start, end)]


def _paper_words(text: str, start: int, end: int, furniture: Sequence[tuple[int, int]]) -> str:
    """The words of `text[start:end]` that are the paper's own, with single spaces."""
    words: list[str] = []
    for begin, finish in furniture[bisect_left(furniture, (start, 0)) : bisect_left(furniture, (end, 0))]:
        words += text[start:begin].split()
        start = max(start, finish)
    return " ".join([*words, *text[start:end].split()])


def split_entries(
    document: Document, start: int, end: int, furniture: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Spans of the entries in `document.text[start:end]`."""
    text = document.text
    spans = [match.span() for match in _LINE.finditer(text, start, end) if not match.group().isspace()]
    spans = [span for span in spans if not _inside(span, furniture)]
    begins = {begin for begin, _ in spans}
    starts = _bracketed(text, start, end)
    if len(starts) > 1 and sum(at in begins for at in starts) < len(starts) / 2:
        return _between(starts, end)
    entries: list[tuple[int, int]] = []
    open_ = False
    for (begin, finish), label in zip(spans, label_lines(list(_lines(document, spans))), strict=True):
        if label == "first":
            entries.append((begin, finish))
        elif label == "more" and entries and open_:
            entries[-1] = (entries[-1][0], finish)
        open_ = label != "other" or open_
    return entries


def _lines(document: Document, spans: Sequence[tuple[int, int]]) -> Iterator[Line]:
    """Each line, and whether the reader saw a paragraph begin with it: at the top of a page it cannot tell."""
    last = spans[0][0] if spans else 0
    for begin, finish in spans:
        apart = _BREAK.search(document.text, last, begin) is not None
        yield Line(document.text[begin:finish], apart and document.page_at(begin) == document.page_at(max(0, last - 1)))
        last = finish


def _inside(span: tuple[int, int], furniture: Sequence[tuple[int, int]]) -> bool:
    at = bisect_left(furniture, (span[0] + 1, 0)) - 1
    return at >= 0 and span[0] < furniture[at][1]


def _bracketed(text: str, start: int, end: int) -> list[int]:
    """Where "[1]", "[2]" in sequence stand, on lines of their own or not; labels such as [KL51] all count."""
    found = [(match.start(), match.group(1)) for match in _BRACKETED.finditer(text, start, end)]
    numbers = [(at, int(label)) for at, label in found if label.isdigit()]
    if len(numbers) < len(found) / 2:
        return [at for at, label in found if not label.isdigit()]
    return [numbers[place][0] for place in longest_run([number for _, number in numbers])]


def _between(starts: list[int], end: int) -> list[tuple[int, int]]:
    return list(zip(starts, [*starts[1:], end], strict=True))


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())

"""The list of references: where it is and where each entry begins. What an entry says is `citations`."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from app.domain.knowledge import BlockKind, Document, Reading, Reference
from app.extraction.citations import parse_citation
from app.extraction.sections import is_reference_title

MAX_REFERENCES = 2000
MAX_ENTRY = 1500
"""Characters; what follows in an entry is cut off, so that a list without breaks stays readable."""
_FIRST_WITHIN = 400
"""Characters from the start of the list to its first number."""

_BRACKETED = re.compile(r"(?:^|(?<=[\s.;]))\[(\d{1,4}|[A-Z][\w+.-]{1,12}\d{2}[a-z]?)\][ \t]*(?=\S)", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*\(?(\d{1,4})[.)][ \t]+(?=\S)", re.MULTILINE)
_BARE = re.compile(r"^[ \t]*(\d{1,3})[ \t]+(?=[^\W\d_])", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t\r]*\n|\f")
_LINE = re.compile(r"[^\n\f]+")
_ENDS_IN_YEAR = re.compile(r"[ (](?:19|20)\d\d[a-z]?\)?\.$")
_SHORT = 160
_INITIALS = r"(?:[^\W\d_a-z]\.?[ \-]?){1,4}"
_SURNAME = r"(?:(?:[a-z]{2,4} ){0,2}[^\W\d_a-z][^\W\d_]*(?:[-'’ ][^\W\d_]+){0,2})"
_START = re.compile(
    rf"^(?:{_SURNAME}, ?[^\W\d_a-z]|{_SURNAME} {_INITIALS}[,.(]|{_INITIALS} ?{_SURNAME}[,. ]"
    r"|[^\W\d_a-z][\w'’-]+ [^\W\d_a-z][\w.'’ -]{1,30}(?:,| and |\.))"
)


def extract_references(reading: Reading, document: Document) -> tuple[Reference, ...]:
    """The entries of the list of references, in its order, numbered from 1; empty when no list is found.

    The list is the REFERENCE blocks, else the section called References or the like. It is split at "[1]" or "1." in
    sequence, else at blank lines, else at lines that begin as an author-year entry does. `document.text[start:end]` is
    `raw` when its white space is made single spaces (a page number between its lines stays in both, but is not parsed);
    entries never overlap. At most `MAX_REFERENCES`, each cut at
    `MAX_ENTRY` characters. Never raises.
    """
    furniture = sorted((b.start, b.end) for b in reading.blocks if b.kind is BlockKind.FURNITURE)
    references: list[Reference] = []
    for start, end in _entries(reading, document, furniture):
        start, end = _strip(document.text, start, min(end, start + MAX_ENTRY))
        raw = " ".join(document.text[start:end].split())
        if sum(map(str.isalpha, raw)) < 8 or len(references) >= MAX_REFERENCES:
            continue
        found = parse_citation(_paper_words(document.text, start, end, furniture))
        references.append(
            Reference(
                start=start,
                end=end,
                page=document.page_at(start),
                number=len(references) + 1,
                raw=raw,
                **asdict(found),
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
            entries += split_entries(document.text, section.start, section.end)
    return [_trimmed(entry, furniture) for entry in entries]


def _apart(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    at = 0
    for start, end in spans:
        if start >= at and start < end:
            yield start, end
            at = end


def _within_block(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """One block is one entry, unless it holds several numbered ones."""
    starts = _sequence(text, _BRACKETED, start, end)
    return _between(starts, end) if len(starts) > 1 else [(start, end)]


def _trimmed(entry: tuple[int, int], furniture: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The entry, without the running heads and page numbers that it begins or ends with."""
    start, end = entry
    for begin, finish in furniture[bisect_left(furniture, (start, 0)) : bisect_left(furniture, (end, 0))]:
        if begin <= start + 2:
            start = min(finish, end)
        elif finish >= end - 2:
            end = begin
    return start, max(start, end)


def _paper_words(text: str, start: int, end: int, furniture: Sequence[tuple[int, int]]) -> str:
    """The words of `text[start:end]` that are the paper's own, with single spaces."""
    words: list[str] = []
    for begin, finish in furniture[bisect_left(furniture, (start, 0)) : bisect_left(furniture, (end, 0))]:
        words += text[start:begin].split()
        start = max(start, finish)
    return " ".join([*words, *text[start:end].split()])


def split_entries(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the entries in `text[start:end]`, by the first way that finds at least two; else the whole as one."""
    for pattern in (_BRACKETED, _NUMBERED, _BARE):
        starts = _sequence(text, pattern, start, end)
        if len(starts) > 1 and starts[0] <= start + _FIRST_WITHIN:
            return _between(starts, end)
    paragraphs = _joined(text, _paragraphs(text, start, end))
    lines = [match.span() for match in _LINE.finditer(text, start, end) if not match.group().isspace()]
    if len(paragraphs) > 2 and len(paragraphs) * 6 >= len(lines):
        return paragraphs
    starts = _hanging_starts(text, lines)
    return _between(starts, end) if len(starts) > 1 else paragraphs


def _sequence(text: str, pattern: re.Pattern[str], start: int, end: int) -> list[int]:
    """Where entries begin whose numbers go up one by one (a lost one is forgiven); labels such as [KL51] all count."""
    starts: list[int] = []
    last: int | None = None
    for match in pattern.finditer(text, start, end):
        label = match.group(1)
        if label.isdigit():
            number = int(label)
            if (last is not None and not last < number <= last + 3) or (last is None and number > 3):
                continue
            last = number
        starts.append(match.start())
    return starts


def _between(starts: list[int], end: int) -> list[tuple[int, int]]:
    return list(zip(starts, [*starts[1:], end], strict=True))


def _paragraphs(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    for match in _BLANK.finditer(text, start, end):
        spans.append((start, match.start()))
        start = match.end()
    spans.append((start, end))
    return [(a, b) for a, b in spans if text[a:b].strip()]


def _joined(text: str, paragraphs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The paragraphs, each that begins with no author joined to an unfinished one before it: a page ended between them."""
    joined: list[tuple[int, int]] = []
    for start, end in paragraphs:
        if joined and not _looks_like_start(text[start : start + 120].lstrip()):
            before = text[joined[-1][0] : joined[-1][1]].strip()
            if before[-1:] not in ".)]" or (len(before) < _SHORT and _ENDS_IN_YEAR.search(before)):
                joined[-1] = (joined[-1][0], end)
                continue
        joined.append((start, end))
    return joined


def _hanging_starts(text: str, lines: list[tuple[int, int]]) -> list[int]:
    """Lines that begin with an author, after a line that ended an entry."""
    starts: list[int] = []
    before = "."
    for begin, finish in lines:
        line = text[begin:finish].strip()
        if (not starts or before.endswith((".", ")", "]")) or before[-1:].isdigit()) and _looks_like_start(line):
            starts.append(begin)
        before = line
    return starts


def _looks_like_start(line: str) -> bool:
    """Whether a line begins as an entry does: with an author's name."""
    return _START.match(line[:120]) is not None


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())

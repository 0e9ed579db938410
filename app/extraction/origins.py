"""Where in the text the fields of the header stand."""

import re
from collections.abc import Iterator

from app.domain.knowledge import Document, Span

MAX_FRONT = 30_000
"""Characters; a header further on is none."""
_ENDS = 8
"""Words of a long field by which its beginning and its end are found: between them a reader may see other things."""


def header_origins(document: Document) -> dict[str, Span]:
    """The span of each field that the text shows; a field that only the file's own metadata has is left out."""
    front = document.text[:MAX_FRONT]
    year = None if document.year is None else str(document.year)
    fields = {
        "title": _passage(front, document.title),
        "authors": _around(front, document.authors),
        "abstract": _passage(front, document.abstract),
        "year": _passage(front, year),
        "doi": _passage(front, document.doi),
    }
    return {
        name: Span(start=span[0], end=span[1], page=document.page_at(span[0]))
        for name, span in fields.items()
        if span is not None
    }


def _passage(text: str, value: str | None) -> tuple[int, int] | None:
    """Where the value stands, its white space and case apart."""
    words = (value or "").split()
    if not words:
        return None
    first = _words(words[:_ENDS]).search(text)
    if first is None or len(words) <= _ENDS:
        return None if first is None else first.span()
    last = _words(words[-_ENDS:]).search(text, first.start())
    return None if last is None else (first.start(), last.end())


def _around(text: str, names: tuple[str, ...]) -> tuple[int, int] | None:
    """From the first to the last of the names, each found after the one before."""
    found = list(_each(text, names))
    return (found[0][0], found[-1][1]) if found else None


def _each(text: str, names: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    at = 0
    for name in names:
        match = _words(name.split()).search(text, at)
        if match is not None:
            yield match.span()
            at = match.end()


def _words(words: list[str]) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE)

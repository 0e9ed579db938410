"""What the readers write: a reading in plain Python.

Plain, because the process that reads files must start at once and stay small, and importing pydantic takes longer than
reading most papers. `app.extraction.readers.read` turns a draft into the domain's `Reading`, which checks it.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from app.domain.errors import ReadError

MAX_CHARACTERS = 4_000_000
"""Of one paper's text; more is no paper."""
MAX_BLOCKS = 100_000
MAX_PAGES = 5_000

Kind = Literal["title", "authors", "abstract", "heading", "paragraph", "caption", "reference", "furniture"]
"""The values of the domain's `BlockKind`, whose module needs pydantic."""

# Nothing a reader of text can see: control characters, lone surrogates (no JSON can hold them), zero-width and non-characters.
_UNSEEN: dict[int, str | None] = dict.fromkeys(
    [
        *range(0x20),
        *range(0x7F, 0xA0),
        0xAD,
        0x200B,
        0x200C,
        0x200D,
        0x2060,
        0xFEFF,
        0xFFFE,
        0xFFFF,
        *range(0xD800, 0xE000),
    ]
)
_SPACES: dict[int, str | None] = dict.fromkeys([0x09, 0x0B, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_BREAKS: dict[int, str | None] = dict.fromkeys([0x0A, 0x0C, 0x0D, 0x85, 0x2028, 0x2029], "\n")
_LIGATURES: dict[int, str | None] = dict(
    zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)
)
_CLEAN = _UNSEEN | _SPACES | _BREAKS | _LIGATURES
_UNCLEAN = re.compile("[" + re.escape("".join(map(chr, sorted(_CLEAN.keys() - {0x0A})))) + "]")
_RUN_OF_SPACES = re.compile(r" {2,}")
_SPACE_AT_BREAK = re.compile(r" ?\n[ \n]*")  # after the runs: ` *` would be quadratic on a megabyte of spaces
_REFERENCES = re.compile(
    r"(?:\d+\.?\s*)?(?:references(?: cited| and notes)?|bibliography|literature cited|works cited|literature)[.:]?",
    re.IGNORECASE,
)
_ABSTRACT = re.compile(r"abstract[.:]?", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")


def clean(text: str) -> str:
    """The text as one can see it: its lines kept, its spaces single, no control character, no blank line."""
    if _UNCLEAN.search(text):
        text = text.replace("\r\n", "\n").translate(_CLEAN)
    text = _RUN_OF_SPACES.sub(" ", text)
    if "\n" in text:
        text = _SPACE_AT_BREAK.sub("\n", text)
    return text.strip(" \n")


def one_line(text: str) -> str:
    """The text cleaned, on one line."""
    return clean(text).replace("\n", " ")


def too_long(text: str) -> bool:
    """Whether the text is beyond what any paper has, before any work is spent on it."""
    return len(text) > MAX_CHARACTERS


def text_too_long() -> ReadError:
    return ReadError("text_too_long", f"The text is longer than {MAX_CHARACTERS:,} characters; send a single paper.")


class DraftBlock(NamedTuple):
    """A `Block`, in the order of its fields."""

    start: int
    end: int
    kind: Kind
    level: int
    page: int
    font_size: float | None
    bold: bool


@dataclass
class DraftMetadata:
    """A `Metadata`; `tidy` makes it presentable."""

    title: str | None = None
    authors: list[str] = field(default_factory=list)
    abstract: str | None = None
    year: int | None = None
    doi: str | None = None

    def tidy(self) -> dict[str, object]:
        return {
            "title": one_line(self.title or "") or None,
            "authors": [name for name in map(one_line, self.authors) if name],
            "abstract": one_line(self.abstract or "") or None,
            "year": self.year,
            "doi": self.doi,
        }


class Draft:
    """Blocks as they are read, one after the other; each span is exactly its block's characters in the text."""

    def __init__(self, *, kinds_by_heading: bool = False) -> None:
        """`kinds_by_heading`: paragraphs under "References" are references, those under "Abstract" the abstract."""
        self.metadata = DraftMetadata()
        self.made: int | None = None
        self._pages = 1
        self.turns: list[tuple[int, int]] = []
        """Where the text goes over to another page: (character, page)."""
        self._kinds_by_heading = kinds_by_heading
        self._kind_here: Kind = "paragraph"
        self._parts: list[str] = []
        self._blocks: list[DraftBlock] = []
        self._length = 0

    def add(
        self,
        text: str,
        kind: Kind = "paragraph",
        *,
        level: int = 0,
        page: int = 1,
        font_size: float | None = None,
        bold: bool = False,
        next_page_at: int | None = None,
    ) -> None:
        """Add a block, unless there is nothing to see in it. Raises `ReadError` when it is too much.

        `next_page_at`: from that character on, the text is on the page after `page`.
        """
        on_this_page = None if next_page_at is None else len(clean(text[:next_page_at]))
        text = clean(text)
        if not text:
            return
        if self._kinds_by_heading:
            kind = self._kind_under_heading(text, kind)
        start = self._length + 2 if self._parts else 0
        end = start + len(text)
        if end > MAX_CHARACTERS:
            raise text_too_long()
        if len(self._parts) >= MAX_BLOCKS:
            raise ReadError(
                "file_too_complex", f"The file has more than {MAX_BLOCKS:,} paragraphs; send a single paper."
            )
        self._parts.append(text)
        self._blocks.append(DraftBlock(start, end, kind, level, page, font_size, bold))
        self._length = end
        self._turn(start, page)
        if on_this_page is not None:
            self._turn(start + on_this_page, page + 1)

    def _turn(self, at: int, page: int) -> None:
        if page != (self.turns[-1][1] if self.turns else 1):
            self.turns.append((at, page))

    def set_pages(self, pages: int) -> None:
        """Say how many pages the file has, before they are read. Raises `ReadError` when they are too many."""
        if pages > MAX_PAGES:
            raise ReadError(
                "file_too_complex", f"The file has {pages:,} pages, more than {MAX_PAGES:,}; send a single paper."
            )
        self._pages = pages

    def _kind_under_heading(self, text: str, kind: Kind) -> Kind:
        if kind in {"heading", "title"}:
            self._kind_here = "paragraph"
            if _REFERENCES.fullmatch(text):
                self._kind_here = "reference"
            elif _ABSTRACT.fullmatch(text):
                self._kind_here = "abstract"
        elif kind == "paragraph":
            return self._kind_here
        return kind

    def as_json(self) -> str:
        """The JSON of the `Reading`. Raises `ReadError` when nothing was read."""
        if not self._parts:
            raise ReadError(
                "no_text", "No text was found in the file; if it is a scan, it needs text recognition (OCR) first."
            )
        reading = {
            "text": "\n\n".join(self._parts),
            "blocks": [block._asdict() for block in self._blocks],
            "pages": self._pages,
            "turns": self.turns,
            "metadata": self.metadata.tidy(),
            "made": self.made,
        }
        return json.dumps(reading, ensure_ascii=False, separators=(",", ":"))


def find_doi(text: str | None) -> str | None:
    """The DOI in a field that should hold one, without its resolver; None if there is none."""
    found = _DOI.search(text or "")
    return found.group().rstrip(".,;)") if found else None


def find_year(texts: Iterable[str | None]) -> int | None:
    """The first year in the fields, in their order."""
    found = next((match for match in (_YEAR.search(text or "") for text in texts) if match), None)
    return int(found.group()) if found else None

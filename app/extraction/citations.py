"""One entry of a list of references: its fields, told apart by a conditional random field over its words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from app.extraction.citation_rules import corrected
from app.extraction.citation_words import Word, features, words
from app.extraction.header import find_doi
from app.extraction.weights import tagger

SHIPPED = "citations.crfsuite.xz"
Field = Literal[
    "author", "title", "venue", "series", "editor", "volume", "issue", "pages", "date", "publisher", "location", "doi", "url", "note"
]  # fmt: skip
FIELDS: tuple[Field, ...] = get_args(Field)
Label = Field | Literal["label", "other"]
"""Of a word: its field, the entry's own label ("[3]"), or what only leads to a field ("in", "pp")."""

MAX_CITATION = 1500
"""Characters that are looked at."""
_LABEL = re.compile(r"^\s*(?:\[[^\]\s]{1,16}\]|\(?\d{1,4}[.)]|\d{1,3}(?=\s+[^\W\d_]))\s*")
_YEAR = re.compile(r"(?<![\d./:–-])((?:1[5-9]|20)\d\d)(?:[a-z]?(?![\w/–:]|-\d|\.\d))")
_DATED = re.compile(r"((?:1[5-9]|20)\d\d)\s*;\s*(?=\d)")
"""AnyStyle's annotators leave the year in "2013;9(1)" to the volume, GROBID's do not, and the model does now and then."""
_LINK = re.compile(r"https?://\S+|\b10\.\d{4,}/\S+")
_ET_AL = re.compile(r"[,;]?\s*(?:\bet al\b\.?|\band others\b|…)", re.IGNORECASE)
_TRAILING_YEAR = re.compile(r"[\s,.(]*\b(?:18|19|20)\d\d[a-z]?\b(?: ?\[\d{4}\])?\W*$")
_TAIL = re.compile(r"[\s,;:(\[]+$")
_INITIAL_GROUP = re.compile(r"(?:[^\W\d_a-z]\.?[- ]?){1,4}")


@dataclass(frozen=True)
class Citation:
    """What an entry says; a field it does not have, or that was not told, is empty."""

    authors: tuple[str, ...] = ()
    title: str | None = None
    venue: str | None = None
    year: int | None = None
    doi: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    editors: tuple[str, ...] = ()
    publisher: str | None = None
    url: str | None = None


def parse_citation(raw: str) -> Citation:
    """What can be told apart in an entry. Never raises."""
    raw = raw[:MAX_CITATION]
    text = raw.removeprefix(label.group()) if (label := _LABEL.match(raw)) else raw
    told = tell(text)
    doi = find_doi(raw)
    return Citation(
        authors=split_authors(told.get("author", "")),
        title=told.get("title"),
        venue=told.get("venue") or told.get("series"),
        year=_year(told.get("date", "")) or _year(_LINK.sub(" ", text)),
        doi=doi,
        volume=told.get("volume"),
        issue=told.get("issue"),
        pages=told.get("pages"),
        editors=split_authors(told.get("editor", "")),
        publisher=told.get("publisher"),
        url=told.get("url"),
    )


def tell(citation: str) -> dict[Field, str]:
    """The fields of a citation as they stand in it."""
    found = words(citation)
    if not found:
        return {}
    tags = tagger(SHIPPED).tag(features(citation, found))
    labels = [tag.removeprefix("B-").removeprefix("I-") for tag in tags]
    return fields_of(citation, found, corrected(citation, found, labels))


def fields_of(citation: str, found: Sequence[Word], labels: Sequence[str]) -> dict[Field, str]:
    """The text of each field. Of several pieces, people's are put together, and of anything else the longest counts.

    A year at the head of a volume is the date, unless there is another.
    """
    pieces: dict[Field, list[str]] = {}
    for label, start, end in _runs(found, labels):
        if label in FIELDS:
            pieces.setdefault(label, []).append(_whole(citation, start, end))
    told = {
        field: ", ".join(texts) if field in {"author", "editor"} else max(texts, key=len)
        for field, texts in pieces.items()
    }
    if dated := _DATED.match(told.get("volume", "")):
        told["volume"] = told["volume"][dated.end() :]
        told.setdefault("date", dated.group(1))
    return told


def _runs(found: Sequence[Word], labels: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Words beside each other with the same label, as (label, start, end)."""
    edges = [0, *(i for i in range(1, len(found)) if labels[i] != labels[i - 1]), len(found)]
    for first, after in pairwise(edges):
        yield labels[first], found[first].start, found[after - 1].end


def _whole(citation: str, start: int, end: int) -> str:
    """The words with what belongs to them: the full stop of an initial, the other one of two brackets."""
    if re.search(r"(?<!\w)[^\W\d_]$", citation[start:end]) and citation[end : end + 1] == ".":
        end += 1
    text = citation[start:end]
    for opening, closing in ("()", "[]"):
        if text.count(opening) > text.count(closing) and citation[end : end + 1] == closing:
            text = citation[start : end + 1]
    return " ".join(text.split())


def split_authors(text: str) -> tuple[str, ...]:
    """`Lafferty, J., McCallum, A. and Pereira, F.` → three names as written; "et al." is dropped."""
    text = _TAIL.sub("", _ET_AL.sub("", _TRAILING_YEAR.sub("", text.strip())))
    if not text or len(text) > 1200:
        return ()
    parts = [part.strip() for part in re.split(r";|\band\b|&|\bund\b|\by\b", text)]
    names: list[str] = []
    for part in parts:
        pieces = [piece.strip(" .") if len(piece.strip()) > 3 else piece.strip() for piece in part.split(",")]
        pieces = [piece for piece in pieces if piece]
        index = 0
        while index < len(pieces):
            following = pieces[index + 1] if index + 1 < len(pieces) else ""
            inverted = bool(following) and _is_given(following) and not _has_initials(pieces[index])
            names.append(f"{pieces[index]}, {following}" if inverted else pieces[index])
            index += 2 if inverted else 1
    return tuple(name for name in names if any(map(str.isalpha, name)) and len(name) < 80)[:100]


def _is_given(piece: str) -> bool:
    return _INITIAL_GROUP.fullmatch(piece) is not None and len(piece) <= 12


def _has_initials(piece: str) -> bool:
    words = piece.split()
    if len(words) < 2:
        return False
    after = words[-1].isupper() and len(words[-1].strip(".")) <= 3
    return after or (words[0].endswith(".") and len(words[0]) <= 3)


def _year(text: str) -> int | None:
    found = _YEAR.search(text)
    return int(found.group(1)) if found else None

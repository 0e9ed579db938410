"""Whether a reference and a paper are the same work: by DOI, or by title where year or author say so too."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from app.domain.knowledge import Document, Reference
from app.domain.model import Value

Evidence = Literal["doi", "title"]

_MIN_TITLE = 20
"""Letters; shorter ones ("Introduction", "Deep learning") are shared by many."""
_RESOLVER = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)


class Work(Value):
    """What tells a work from others, in forms that can be compared; None where it is not known."""

    doi: str | None = None
    title: str | None = None
    year: int | None = None
    author: str | None = None
    """The first one's surname."""

    @property
    def keys(self) -> tuple[str, ...]:
        """What another must share to be the same."""
        return tuple(f"{kind}:{value}" for kind, value in (("doi", self.doi), ("title", self.title)) if value)


class Listed(Work):
    """A work in a list of references."""

    number: int


class Bibliography(Value):
    """A paper as a work, and the works it lists."""

    itself: Work = Work()
    listed: tuple[Listed, ...] = ()


NO_WORKS = Bibliography()


def bibliography(document: Document, references: Sequence[Reference]) -> Bibliography:
    """A paper's bibliography, without references that no paper could be told by."""
    listed = (Listed(number=found.number, **_work(found).model_dump()) for found in references)
    return Bibliography(itself=_work(document), listed=tuple(work for work in listed if work.keys))


def same_work(one: Work, other: Work) -> Evidence | None:
    """What shows that both are the same, or None.

    Two DOIs decide. A title is believed if nothing speaks against it and the year (a preprint's may be the one before) or
    the first author agrees.
    """
    if one.doi and other.doi:
        return "doi" if one.doi == other.doi else None
    if not one.title or one.title != other.title:
        return None
    years = one.year is not None and other.year is not None
    authors = one.author is not None and other.author is not None
    if (years and abs((one.year or 0) - (other.year or 0)) > 1) or (authors and one.author != other.author):
        return None
    return "title" if years or authors else None


def _work(said: Document | Reference) -> Work:
    title = _letters(said.title or "")
    return Work(
        doi=_RESOLVER.sub("", said.doi.strip()).lower() if said.doi else None,
        title=title if len(title) >= _MIN_TITLE else None,
        year=said.year,
        author=_surname(said.authors[0]) if said.authors else None,
    )


def _letters(text: str) -> str:
    """Letters and digits alone, without accents and case: PDFs lose spaces, and printers change dashes."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in plain if character.isalnum())


def _surname(name: str) -> str | None:
    """Of `Hayashi, T.`, `T. Hayashi`, `Hayashi T` and `Tomoko Hayashi`: `hayashi`."""
    before, comma, _ = name.partition(",")
    words = [word for word in re.split(r"[\s.]+", before) if word]
    full = [word for word in words if len(word) > 2 or not word.isupper()] or words
    chosen = full if comma or not full else full[-1:]
    return _letters(chosen[-1]) if chosen else None

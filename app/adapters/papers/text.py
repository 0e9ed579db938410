"""Words of texts and queries, the same in every store: without case, accents and punctuation; and their rank."""

import re
import unicodedata
from collections.abc import Container, Iterator, Sequence
from math import log

_WORD = re.compile(r"[^\W_]+")
_SPACE = re.compile(r"\s+")

TITLE_WEIGHT = 5
"""How many times a word in the text one in the title is worth."""
_SATURATION, _LENGTH_COUNTS = 1.2, 0.75
BEFORE = 80
SNIPPET = 200
"""Characters."""


def fold(text: str) -> str:
    """Lower case, without accents: `Résumé` typed either way is `resume`."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def words(text: str) -> Iterator[str]:
    """The words of a text, folded, as they come."""
    for match in _WORD.finditer(fold(text)):
        yield match.group()


def words_of_query(q: str) -> tuple[str, ...]:
    """The distinct words of what somebody typed; none when it has no letter or digit."""
    return tuple(dict.fromkeys(words(q)))


def names(title: str | None, filename: str) -> str:
    """What the list's `q` looks into."""
    return fold(f"{title or ''}\n{filename}")


def rarity(found_in: int, documents: int) -> float:
    """The weight of a word that so many of all documents have."""
    return log(1 + max(documents - found_in + 0.5, 0.5) / (found_in + 0.5))


def bm25(counts: Sequence[int], rarities: Sequence[float], length: float) -> float:
    """The rank of a document, as SQLite's full-text search has it; `length` in parts of the mean one.

    After Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    norm = _SATURATION * (1 - _LENGTH_COUNTS + _LENGTH_COUNTS * length)
    return sum(
        weight * count * (_SATURATION + 1) / (count + norm) for count, weight in zip(counts, rarities, strict=True)
    )


def snippet(text: str, wanted: Container[str]) -> str:
    """The text around the first of the wanted words, cut between words; its beginning when it has none of them."""
    hits = (match.start() for match in _WORD.finditer(text) if fold(match.group()) in wanted)
    hit = next(hits, 0)
    start = max(0, hit - BEFORE)
    end = start + SNIPPET
    before, after = text[start:hit], text[hit:end]
    if start:
        before = "…" + (before.split(None, 1)[-1] if _SPACE.search(before) else before)
    if end < len(text):
        after = (after.rsplit(None, 1)[0] if _SPACE.search(after) else after) + "…"
    return _SPACE.sub(" ", before + after).strip()

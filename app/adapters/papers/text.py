"""Words of texts and queries, the same in every store: without case, accents and punctuation."""

import re
import unicodedata
from collections.abc import Container, Iterator

_WORD = re.compile(r"[^\W_]+")
_SPACE = re.compile(r"\s+")

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

"""When what was found counts as what was sought."""

import unicodedata
from collections.abc import Iterable, Sequence

from rapidfuzz.distance import Levenshtein

ENOUGH = 0.8
"""Of the longer one's characters in their place."""


def folded(text: str) -> str:
    """Case, accents' encoding, soft hyphens and the width of spaces say nothing of who is right."""
    return " ".join(unicodedata.normalize("NFKC", text.replace("\u00ad", "")).casefold().split())


def similar(found: str | None, wanted: str | None) -> bool:
    """Whether the two are the same but for a fifth: Levenshtein similarity >= 0.8."""
    return Levenshtein.normalized_similarity(folded(found or ""), folded(wanted or "")) >= ENOUGH


def matches(found: Iterable[str], wanted: Sequence[str]) -> int:
    """How many of the wanted were found, each of the found taken once at most."""
    left = list(found)
    count = 0
    for text in wanted:
        hit = next((other for other in left if similar(other, text)), None)
        if hit is not None:
            left.remove(hit)
            count += 1
    return count


def all_matched(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Nobody left out and nobody added."""
    return len(found) == len(wanted) == matches(found, wanted)

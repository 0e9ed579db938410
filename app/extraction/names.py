"""The names in a byline, told from marks, degrees and each other by a conditional random field over its words."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from app.extraction.weights import tagger

Part = Literal["first", "more", "none"]
"""Of a name: its first word, a further one, or no part of any."""

MAX_BYLINE = 6000
"""Characters that are looked at; some papers have hundreds of authors."""
_TOKEN = re.compile(r"[^\W\d_](?:[^\W\d_]|[’'´`‐‑-](?=[^\W\d_])|[\u0300-\u036f])*\.?|\d+|\S")
_BETWEEN = frozenset(("and", "&", ";"))
"""Never within a name."""
_PARTICLES = frozenset("van von der den de del della di da dos du la le el al bin ibn ten ter zu af y e".split())


def names_in_byline(text: str) -> tuple[str, ...]:
    """The names of two words or more, in their order, as they are written. Never raises."""
    tokens = ["and" if word == "AND" else word for word in tokens_of(text[:MAX_BYLINE])]
    if not tokens:
        return ()
    names: list[list[str]] = []
    before = ""
    for token, part in zip(tokens, tagger("names.crfsuite").tag(list(features(tokens))), strict=True):
        if part == "first" or (part == "more" and (not names or before in _BETWEEN)):
            names.append([token])
        elif part == "more" or (names and _goes_on(names[-1], token, before)):
            names[-1].append(token)
        before = token
    return tuple(" ".join(name) for name in names if len(name) > 1)


def _goes_on(name: list[str], token: str, before: str) -> bool:
    """Whether the word after an initial with its full stop is the name's, although it was not told so."""
    return name[-1] == before and _shape(before) == "initial." and _shape(token) in {"initial.", "Name"}


def tokens_of(text: str) -> list[str]:
    """Words (initials with their full stop), numbers, and every other sign alone."""
    return _TOKEN.findall(text)


def placed_tokens(text: str) -> list[tuple[int, str]]:
    """The same, each with the place where it begins."""
    return [(match.start(), match.group()) for match in _TOKEN.finditer(text)]


def features(tokens: Sequence[str]) -> Iterator[list[str]]:
    """What the model is told of each word: of itself, and of the two on either side."""
    shapes = [_shape(token) for token in tokens]
    for at, token in enumerate(tokens):
        told = [f"w={token.lower()[:20]}", f"s={shapes[at]}", f"end={token.lower()[-3:]}", f"n={min(len(token), 6)}"]
        for step in (-3, -2, -1, 1, 2, 3):
            near = at + step
            inside = 0 <= near < len(tokens)
            told.append(f"{step}s={shapes[near] if inside else 'edge'}")
            if inside and abs(step) < 3:
                told.append(f"{step}w={tokens[near].lower()[:20]}")
        told.append(f"around={'|'.join(shapes[max(0, at - 1) : at + 2])}")
        yield told


def _shape(token: str) -> str:
    word = token.rstrip(".")
    if not token[0].isalpha():
        return "number" if token.isdigit() else token
    if word.lower() in _PARTICLES:
        return "particle"
    if len(word) == 1:
        return (
            "initial." if token.endswith(".") and token[0].isupper() else "letter" if token[0].islower() else "initial"
        )
    return "CAPITALS" if word.isupper() else "Name" if word[0].isupper() else "word"

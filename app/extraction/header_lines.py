"""What each line of a first page is: a conditional random field over words, shapes and places of lines.

Learnt from annotated first pages without type sizes (docs/models/header.md), so it knows what `header` cannot see: how
titles, names, addresses and abstracts read. Type sizes stay the business of the rules there.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import as_file, files
from typing import Literal, NamedTuple

import pycrfsuite

from app.extraction.people import is_affiliation, names_in

Label = Literal["title", "author", "affiliation", "abstract", "other"]

MAX_LINES = 120
"""Of a first page that are labelled; a header is never longer."""
_WORD = re.compile(r"\w+|[^\w\s]")
_SIGNS: dict[str, re.Pattern[str]] = {
    "email": re.compile(r"@|\be-?mail", re.IGNORECASE),
    "address": re.compile(r"https?:|www\.|doi", re.IGNORECASE),
    "year": re.compile(r"\b(?:19|20)\d\d\b"),
    "month": re.compile(
        r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept(?:ember)?|oct(?:ober)?"
        r"|nov(?:ember)?|dec(?:ember)?)\b",
        re.IGNORECASE,
    ),
    "issue": re.compile(r"\bvol(?:ume)?\b|\bno\.|\bpp\.|\d+:\d+|issn|©|copyright|licen[sc]e", re.IGNORECASE),
    "dates": re.compile(r"\b(?:received|accepted|revised|published|submitted)\b", re.IGNORECASE),
    "abstract": re.compile(r"^\W*(?:abstract|a b s t r a c t|summary|resumo|resumen|résumé)\b", re.IGNORECASE),
    "keywords": re.compile(r"^\W*(?:key ?words|index terms|palavras|palabras)\b", re.IGNORECASE),
    "introduction": re.compile(r"^\W*(?:1|I)?\.?\s*introduction\b", re.IGNORECASE),
    "correspondence": re.compile(r"\bcorrespond|\breprint|\bto whom\b|\btel\b|\bfax\b", re.IGNORECASE),
    "initials": re.compile(r"\b[A-Z]\.(?:\s?-?[A-Z]\.)*\s[A-Z]\w"),
    "marks": re.compile(r"[a-zA-Z][*†‡§¶#]|[a-z]\s?\d(?:,\s?\d)*(?:\s|,|$)"),
    "number first": re.compile(r"^\W*\d"),
    "cut": re.compile(r"-$"),
    "full stop": re.compile(r"\.$"),
    "comma at the end": re.compile(r",$"),
    "lower case first": re.compile(r"^[a-z]"),
}
_SPLIT = (0, 1, 2, 3, 5, 8, 12, 18, 26, 40)


class Line(NamedTuple):
    """A line's label, and how probable it is that it belongs to a title."""

    label: Label
    title: float


def label_lines(lines: Sequence[str]) -> list[Line]:
    """A label for each of the first `MAX_LINES` lines; none beyond. Never raises for any text."""
    tagger = _tagger()
    lines = lines[:MAX_LINES]
    if not lines:
        return []
    labels = tagger.tag(list(features(lines)))
    return [Line(label, tagger.marginal("title", at)) for at, label in enumerate(labels)]


@cache
def _tagger() -> pycrfsuite.Tagger:
    tagger = pycrfsuite.Tagger()
    with as_file(files("app.extraction") / "models" / "header.crfsuite") as path:
        tagger.open(str(path))
    return tagger


def features(lines: Sequence[str]) -> Iterator[list[str]]:
    """What the model is told of each line: of itself, and in short of the two lines on either side."""
    signs = [list(_signs(line)) for line in lines]
    for at, line in enumerate(lines):
        told = [*_words(line), *signs[at], f"at={_bucket(at)}", f"of={_bucket(len(lines))}"]
        for step in (-2, -1, 1, 2):
            if 0 <= at + step < len(lines):
                told += [f"{step}:{sign}" for sign in signs[at + step]]
            else:
                told.append(f"{step}:none")
        yield told


def _words(line: str) -> Iterator[str]:
    words = [_plain(word) for word in _WORD.findall(line[:300])]
    yield from (f"w={word}" for word in sorted(set(words[:25])))
    yield from (f"first={word}" for word in words[:1])
    yield from (f"second={word}" for word in words[1:2])
    yield from (f"last={word}" for word in words[-1:])


def _plain(word: str) -> str:
    return re.sub(r"\d", "0", word.lower())


def _signs(line: str) -> Iterator[str]:
    short = line[:300]
    yield from (name for name, pattern in _SIGNS.items() if pattern.search(short))
    words = re.findall(r"[^\W\d_]+", short)
    letters = sum(map(str.isalpha, short))
    yield f"words={_bucket(len(words))}"
    yield f"length={_bucket(len(short) // 6)}"
    yield f"capitals={_share(sum(word[0].isupper() for word in words), len(words))}"
    yield f"shouted={_share(sum(map(str.isupper, short)), letters)}"
    yield f"digits={_share(sum(map(str.isdigit, short)), len(short))}"
    yield f"commas={_bucket(short.count(','))}"
    if is_affiliation(short):
        yield "institution"
    if names_in(short):
        yield "names"


def _share(some: int, of: int) -> int:
    return round(5 * some / of) if of else 0


def _bucket(number: int) -> int:
    return sum(number >= bound for bound in _SPLIT)

"""What each line of a first page is: a conditional random field over words, shapes, places and print of lines.

Learnt from annotated first pages (docs/models/header.md), each once with its print and once as bare text, as some formats
have it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from app.extraction.people import is_affiliation, names_in
from app.extraction.weights import tagger

Label = Literal["title", "author", "affiliation", "abstract", "other", "body"]

Learnt = Literal[Label, "heading"]
"""What the model knows: the heading that the body begins with, too, without which no body begins."""

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
SAME_SIZE = 0.6
"""Points by which two lines of the same print may differ."""
_A_WORD = 4
"""Letters; fewer are a mark, however large."""
_SPLIT = (0, 1, 2, 3, 5, 8, 12, 18, 26, 40)


class Printed(NamedTuple):
    """A line as it stands on the page, as far as the format tells."""

    text: str
    size: float | None = None
    bold: bool = False
    first: bool = False
    """Whether it begins a block."""

    def near(self, other: "Printed") -> bool:
        """Whether both are set in one size, as far as the format has any."""
        return self.size is None or other.size is None or abs(self.size - other.size) <= SAME_SIZE


class Told(NamedTuple):
    """A line's label, and how probable it is that it belongs to a title."""

    label: Label
    title: float


def label_lines(lines: Sequence[Printed]) -> list[Told]:
    """A label for each of the first `MAX_LINES` lines; none beyond. Never raises for any text."""
    lines = lines[:MAX_LINES]
    if not lines:
        return []
    model = tagger("header.crfsuite")
    labels = model.tag(list(features(lines)))
    return [Told(label, model.marginal("title", at)) for at, label in enumerate(as_labels(labels))]


def as_labels(labels: Sequence[Learnt]) -> Iterator[Label]:
    """What the model told, as labels: a heading is of the body that it begins.

    What reads as a body before any heading is an abstract: nothing else looks so alike.
    """
    is_begun = False
    for label in labels:
        is_begun = is_begun or label == "heading"
        yield "body" if label == "heading" else "abstract" if label == "body" and not is_begun else label


def features(lines: Sequence[Printed]) -> Iterator[list[str]]:
    """What the model is told of each line: of itself, and in short of the two lines on either side."""
    largest = max((line.size or 0.0 for line in lines if _letters(line.text) >= _A_WORD), default=0.0)
    signs = [[*_signs(line.text), *_print(lines, at, largest)] for at, line in enumerate(lines)]
    for at, line in enumerate(lines):
        told = [*_words(line.text), *signs[at], f"at={_bucket(at)}", f"of={_bucket(len(lines))}"]
        for step in (-2, -1, 1, 2):
            if 0 <= at + step < len(lines):
                told += [f"{step}:{sign}" for sign in signs[at + step]]
            else:
                told.append(f"{step}:none")
        yield told


def _print(lines: Sequence[Printed], at: int, largest: float) -> Iterator[str]:
    """How the line is set, beside the one above it and the largest of the page."""
    line, above = lines[at], lines[at - 1] if at else None
    if line.size is None:
        yield "no size"
        return
    if line.size >= largest - SAME_SIZE:
        yield "largest"
        yield f"largest at={_bucket(at)}"
    if above is not None and not line.near(above):
        yield "larger" if line.size > (above.size or 0.0) else "smaller"
    if line.bold:
        yield "bold"
    if above is not None and line.bold != above.bold:
        yield "other weight"
    if line.first:
        yield "first"


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
    letters = _letters(short)
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


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _share(some: int, of: int) -> int:
    return round(5 * some / of) if of else 0


def _bucket(number: int) -> int:
    return sum(number >= bound for bound in _SPLIT)

"""Which lines of a list of references begin an entry: a conditional random field over lines.

It knows how entries begin and end, what number should come next, and what letter; and blank lines, as far as they tell
entries apart in the list at hand (docs/models/references.md).
"""

import re
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Literal, NamedTuple

from app.extraction.weights import tagger

Label = Literal["first", "more", "other"]
"""Of a line: an entry's first, a further one, or none of any: a running head, a note, what comes after the list."""

SHIPPED = "references.crfsuite"
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_INITIALS = r"(?:[^\W\d_a-z]\.?[ \-]?){1,4}"
_SURNAME = r"(?:(?:[a-z]{2,4} ){0,2}[^\W\d_a-z][^\W\d_]*(?:[-'’ ][^\W\d_]+){0,2})"
_INITIAL = re.compile(r"\b[A-Z]\b")
_NUMBER = re.compile(r"\s*[\[(]?(\d{1,4})[\])]?[.)]?(?=\s|$|[^\W\d_])")
_MARK = re.compile(r"\s*(?:[\[(]?\d{1,4}[\].)]+|\d{1,3}(?=\s+[^\W\d_]))\s*")
_SIGNS: dict[str, re.Pattern[str]] = {
    "bracketed": re.compile(r"\[\w[^\]]{0,15}\]"),
    "numbered": re.compile(r"\(?\d{1,4}[.)]\s"),
    "bare number": re.compile(r"\d{1,3}\s+[^\W\d_]"),
    "only number": re.compile(r"[\[(]?\d{1,4}[\].)]*$"),
    "surname, initial": re.compile(rf"{_SURNAME},? {_INITIALS}(?:[,.;:(&]|$| (?:and|et|y|und|e)\b)"),
    "surname, given": re.compile(rf"{_SURNAME}, [^\W\d_a-z][^\W\d_]+"),
    "initial surname": re.compile(rf"{_INITIALS} ?{_SURNAME}(?:[,.;:(]|$| (?:and|et|y|und|e)\b)"),
    "given surname": re.compile(r"[^\W\d_a-z][\w'’-]+ [^\W\d_a-z][\w.'’ -]{1,30}(?:,| and |\.)"),
    "shouted": re.compile(r"[^\W\d_a-z]{3,}"),
    "dash": re.compile(r"[-—–_]{2,}|—"),
    "lower": re.compile(r"[a-z]"),
    "digit": re.compile(r"\d"),
    "quote": re.compile(r"[\"“‘«'`]"),
    "open": re.compile(r"\("),
    "link": re.compile(r"https?:|www\.|doi\b|10\.\d{4}", re.IGNORECASE),
    "in": re.compile(r"In[:. ]"),
    "month": re.compile(r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE),
    "pages": re.compile(r"(?:pp?\.?\s?)?\d+\s?[-–]\s?\d+"),
}
_HOLDS: dict[str, re.Pattern[str]] = {
    "year": re.compile(r"\b(?:1[89]|20)\d\d[a-z]?\b"),
    "(year)": re.compile(r"\((?:1[89]|20)\d\d[a-z]?[,)]"),
    "link": re.compile(r"https?:|www\.|doi\b|10\.\d{4}", re.IGNORECASE),
    "et al": re.compile(r"\bet al\b"),
    "pages": re.compile(r"\d+\s?[-–]\s?\d+"),
    "volume": re.compile(r"\d+\s?\(\d+\)|\bvol\b", re.IGNORECASE),
    "mail": re.compile(r"@"),
}
_ENDS: dict[str, re.Pattern[str]] = {
    "year.": re.compile(r"(?:1[89]|20)\d\d[a-z]?[)\].]*$"),
    "pages.": re.compile(r"\d+\s?[-–]\s?\w?\d+\s?\.?$"),
    "digit": re.compile(r"\d$"),
    "digit.": re.compile(r"\d\W+$"),
    "initial.": re.compile(r"\b[A-Z]\.$"),
    "word.": re.compile(r"[a-z]{2}\.$"),
    "abbreviated": re.compile(r"\b[A-Z][a-z]{1,5}\.$"),
    "cut": re.compile(r"[-\u2010]$"),
    "comma": re.compile(r"[,:&]$"),
    "semicolon": re.compile(r";$"),
    "closed": re.compile(r"[)\]]\.?$"),
    "link": re.compile(r"(?:https?:|www\.|10\.\d{4,}/)\S*$"),
    "word": re.compile(r"[a-z]$"),
}


class Line(NamedTuple):
    text: str
    apart: bool
    """Whether a blank line stands before it, or a page ended there."""


def label_lines(lines: Sequence[Line]) -> list[Label]:
    """A label for each line. Never raises for any text."""
    labels: list[Label] = tagger(SHIPPED).tag(list(features(lines))) if lines else []
    return labels


def features(lines: Sequence[Line]) -> Iterator[list[str]]:
    """What the model is told of each line: of itself, of the two on either side, and of its place among all."""
    texts = [line.text.strip()[:400] for line in lines]
    numbers = next_numbers(texts)
    share = sum(line.apart for line in lines) / max(1, len(lines))
    width = median(len(text) for text in texts) or 1
    counted = "numbered" if len(numbers) > 0.08 * len(lines) else "named"
    alone = [[*_of(text), f"long={min(9, int(5 * len(text) / width))}"] for text in texts]
    letters = _letters(texts)
    for at, text in enumerate(texts):
        apart = f"apart={lines[at].apart}|{_step(share)}"
        next_apart = f"next_apart={at + 1 < len(lines) and lines[at + 1].apart}|{_step(share)}"
        turn = f"number={'next' if at in numbers else 'none'}|{counted}"
        words = _WORD.findall(text)
        told = [
            "bias",
            counted,
            apart,
            next_apart,
            turn,
            f"letter={letters[at]}|{counted}",
            *alone[at],
            *(f"w{place}={_plain(word)}" for place, word in enumerate(words[:4])),
            *(f"l{place}={_plain(word)}" for place, word in enumerate(words[:-3:-1])),
            *(f"{sign}|{counted}" for sign in alone[at]),
        ]
        for step in (-2, -1, 1, 2):
            near = at + step
            if not 0 <= near < len(lines):
                told.append(f"{step}:none")
                continue
            told += [f"{step}:{sign}" for sign in alone[near]]
            told.append(f"{step}:number={near in numbers}")
            if abs(step) == 1:
                near_words = _WORD.findall(texts[near])
                told += [f"{step}:w0={_plain(word)}" for word in near_words[:1]]
                told += [f"{step}:l{place}={_plain(word)}" for place, word in enumerate(near_words[:-3:-1])]
        if at:
            starts = [sign for sign in alone[at] if sign.startswith("starts ")] or ["starts"]
            ends = [sign for sign in alone[at - 1] if sign.startswith("ends ")] or ["ends"]
            told += [f"{end}+{start}|{counted}" for end in ends for start in starts]
            told += [f"{apart}+{end}" for end in ends]
            told += [f"{apart}+{start}" for start in starts]
        yield told


def next_numbers(texts: Sequence[str]) -> set[int]:
    """Which lines begin with the numbers of the longest run that goes up, a few lost ones forgiven."""
    found = [(at, int(match.group(1))) for at, text in enumerate(texts) if (match := _NUMBER.match(text))]
    return {found[index][0] for index in longest_run([number for _, number in found])}


_MAX_GAP = 10
_LOST = 0.5
"""What a number that is missing takes from a run of numbers, in numbers that are there."""


def longest_run(numbers: Sequence[int]) -> list[int]:
    """The places of the longest run of numbers that goes up by one from 1; a missing number counts half against it."""
    best: dict[int, tuple[float, int]] = {}
    """For each number that a run so far ends in: how good the run is, and at which place it ends."""
    before: list[int] = []
    for place, number in enumerate(numbers):
        good, came = 1 - _LOST * max(0, number - 1), -1
        for last in range(number - _MAX_GAP, number):
            if last in best and best[last][0] + 1 - _LOST * (number - last - 1) > good:
                good, came = best[last][0] + 1 - _LOST * (number - last - 1), best[last][1]
        before.append(came)
        if number not in best or good > best[number][0]:
            best[number] = good, place
    at = max(best.values(), default=(0.0, -1))[1]
    run: list[int] = []
    while at >= 0:
        run.append(at)
        at = before[at]
    return run[::-1]


def _of(text: str) -> list[str]:
    bare = _MARK.sub("", text, count=1) if _MARK.match(text) else text
    return [
        *(f"starts {sign}" for sign, pattern in _SIGNS.items() if pattern.match(text)),
        *(f"then {sign}" for sign, pattern in _SIGNS.items() if bare != text and pattern.match(bare)),
        *(f"holds {sign}" for sign, pattern in _HOLDS.items() if pattern.search(text)),
        *(f"ends {sign}" for sign, pattern in _ENDS.items() if pattern.search(text)),
        f"begins with a year={_HOLDS['year'].search(text[:60]) is not None}",
        f"commas={min(6, text.count(','))}",
        f"initials={min(4, len(_INITIAL.findall(text[:80])))}",
        f"small={_step(sum(map(str.islower, text)) / max(1, len(text)))}",
    ]


def _letters(texts: Sequence[str]) -> list[str]:
    """How each line's first letter stands to those of the lines round it that may begin an entry, as in an alphabetical list."""
    firsts = [text[0].upper() if text[:1].isalpha() and not text[0].islower() else "" for text in texts]
    answer: list[str] = []
    for at, first in enumerate(firsts):
        above = next((firsts[near] for near in range(at - 1, max(-1, at - 8), -1) if firsts[near]), "")
        below = next((firsts[near] for near in range(at + 1, min(len(firsts), at + 8)) if firsts[near]), "")
        answer.append(f"{_order(above, first)}{_order(first, below)}" if first else "none")
    return answer


def _order(one: str, other: str) -> str:
    if not one or not other:
        return "?"
    apart = ord(other) - ord(one)
    return "=" if apart == 0 else "+" if 0 < apart <= 2 else ">" if apart > 0 else "<"


def _plain(word: str) -> str:
    return "0" * min(4, len(word)) if word.isdigit() else word.lower()[:12]


def _step(share: float) -> int:
    return round(5 * share)

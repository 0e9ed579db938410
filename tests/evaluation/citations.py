"""Citation strings: whether their fields are told apart as the annotators did."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from app.extraction.citations import FIELDS, Field, fields_of, tell
from tests.evaluation.matching import similar
from tests.evaluation.model import Row, f1, percent
from tests.evaluation.split import PARTS
from tests.training.citation_strings import AnnotatedCitation, citation_strings

_KEPT = [field for field in FIELDS if field not in {"note", "series", "location"}]
"""What a reference has."""
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d")

Told = dict[Field, str]


class Score(NamedTuple):
    right: int
    found: int
    wanted: int
    whole: bool


def measure(folder: Path) -> Iterator[Row]:
    every = list(citation_strings(folder))
    for data in sorted({citation.data for citation in every}):
        for part in PARTS:
            chosen = [citation for citation in every if (citation.data, citation.part) == (data, part)]
            plainly, ours = ([_score(way, citation) for citation in chosen] for way in (naive, tell))
            yield Row("citation fields, F1", data, part, sum(s.wanted for s in ours), _fields(plainly), _fields(ours))
            yield Row("whole citations", data, part, len(chosen), _whole(plainly), _whole(ours))


def _fields(scores: list[Score]) -> float:
    return f1(sum(s.right for s in scores), sum(s.found for s in scores), sum(s.wanted for s in scores))


def _whole(scores: list[Score]) -> float:
    return percent(sum(s.whole for s in scores), len(scores))


def _score(way: Callable[[str], Told], citation: AnnotatedCitation) -> Score:
    found = _comparable(way(citation.text))
    wanted = _comparable(fields_of(citation.text, citation.words, citation.labels))
    right = sum(similar(found.get(field), text) for field, text in wanted.items())
    return Score(right, len(found), len(wanted), right == len(wanted) == len(found))


def _comparable(told: Told) -> Told:
    """The fields that a reference has; of the date its year."""
    kept = {field: told[field] for field in _KEPT if told.get(field)}
    if "date" in kept:
        year = _YEAR.search(kept.pop("date"))
        if year:
            kept["date"] = year.group()
    return kept


def naive(citation: str) -> Told:
    """Sentences in the usual order, and what a pattern finds."""
    sentences = [sentence.strip() for sentence in re.split(r"(?<=[^\W\d_]{2})\.\s+|(?<=\))\.?\s+", citation)]
    told: Told = dict(zip(("author", "title", "venue"), sentences, strict=False))
    patterns: dict[Field, str] = {
        "date": _YEAR.pattern,
        "pages": r"\d+\s*[-–]\s*\d+",
        "volume": r"(?<=[\s,])\d{1,3}(?=\s*[(:,])",
        "issue": r"(?<=\()\d{1,3}(?=\))",
        "url": r"https?://\S+",
        "doi": r"10\.\d{4,}/\S+",
    }
    for field, pattern in patterns.items():
        found = re.search(pattern, citation)
        if found:
            told[field] = found.group()
    return told

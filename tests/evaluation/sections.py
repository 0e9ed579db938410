"""The titles of a paper's sections of the first level, all that the truth lists: F1, each found one counted once."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.domain.knowledge import Document, Reading
from app.extraction.sections import plain_title
from tests.evaluation.matching import matches
from tests.evaluation.model import Row, f1
from tests.evaluation.papers import by_set, document, reading

_NUMBERED = re.compile(r"^\d{1,2}\.?\s+[A-Z]\w.{2,60}$", re.MULTILINE)
_UNTOLD = frozenset({"abstract", "references", "acknowledgments", "acknowledgements"})
"""What one truth lists and another leaves out."""


def naive(read: Reading) -> list[str]:
    """Every short line that begins with a whole number and a capital."""
    return _NUMBERED.findall(read.text)


def measure(folder: Path) -> Iterator[Row]:
    for data, part, papers in by_set(folder):
        asked = [paper for paper in papers if paper.sections]
        wanted = [_plain(paper.sections) for paper in asked]
        if asked:
            found = [_plain(_first_level(document(paper))) for paper in asked]
            plainly = [_plain(naive(reading(paper))) for paper in asked]
            count = sum(map(len, wanted))
            yield Row("section titles F1", data, part, count, _f1(plainly, wanted), _f1(found, wanted))


def _first_level(document: Document) -> list[str]:
    return [section.title for section in document.sections if section.level == 1]


def _plain(titles: Iterable[str]) -> list[str]:
    plain = [plain_title(title) for title in titles]
    return [title for title in plain if title.lower() not in _UNTOLD]


def _f1(found: list[list[str]], wanted: list[list[str]]) -> float:
    right = sum(matches(titles, truth) for titles, truth in zip(found, wanted, strict=True))
    return f1(right, sum(map(len, found)), sum(map(len, wanted)))

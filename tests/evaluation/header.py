"""Title, authors, abstract and year of papers whose PDF declares none of them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from app.domain.knowledge import Metadata, Reading
from tests.evaluation.matching import matches, similar
from tests.evaluation.model import Row, percent
from tests.evaluation.papers import Paper, by_set, document, reading


def naive(read: Reading) -> Metadata:
    """As one would write it in ten lines: the first line, the second, what stands after "Abstract", the first year."""
    lines = read.text.split("\n")
    lines = [line for line in lines if line.strip()]
    authors = re.split(r",| and ", lines[1]) if len(lines) > 1 else []
    abstract = re.search(r"\babstract\b\W*(.+?)(?=\n\d?\.?\s*introduction\b)", read.text, re.IGNORECASE | re.DOTALL)
    year = re.search(r"\b(?:19|20)\d\d\b", read.text)
    return Metadata(
        title=lines[0] if lines else None,
        authors=tuple(name.strip() for name in authors if name.strip()),
        abstract=abstract.group(1) if abstract else None,
        year=int(year.group()) if year else None,
    )


def ours(paper: Paper) -> Metadata:
    found = document(paper)
    return Metadata(title=found.title, authors=found.authors, abstract=found.abstract, year=found.year)


def all_authors(found: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Nobody left out and nobody added."""
    return len(found) == len(wanted) == matches(found, wanted)


Right = Callable[[Metadata, Paper], bool]
MEASURES: dict[str, tuple[Callable[[Paper], bool], Right]] = {
    "title": (lambda paper: True, lambda found, paper: similar(found.title, paper.title)),
    "all authors": (lambda paper: bool(paper.authors), lambda found, paper: all_authors(found.authors, paper.authors)),
    "abstract": (lambda paper: bool(paper.abstract), lambda found, paper: similar(found.abstract, paper.abstract)),
    "year": (lambda paper: paper.year is not None, lambda found, paper: found.year == paper.year),
}
"""For each field: of which papers it is known, and whether what was found is right."""


def measure(folder: Path) -> Iterator[Row]:
    for data, part, papers in by_set(folder):
        for name, (known, right) in MEASURES.items():
            asked = [paper for paper in papers if known(paper)]
            baseline = sum(right(naive(reading(paper)), paper) for paper in asked)
            found = sum(right(ours(paper), paper) for paper in asked)
            if asked:
                yield Row(name, data, part, len(asked), percent(baseline, len(asked)), percent(found, len(asked)))

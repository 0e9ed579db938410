"""Title, authors, abstract and year of papers whose PDF declares none of them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from app.domain.knowledge import Metadata, Reading
from app.extraction.header import extract_header
from app.extraction.header_lines import Label
from app.extraction.names import names_in_byline
from tests.evaluation.matching import all_matched, similar
from tests.evaluation.model import Row, percent
from tests.evaluation.papers import Paper, by_set, document, reading
from tests.training.first_pages import first_pages
from tests.training.names import bylines


def naive(read: Reading) -> Metadata:
    """As one would write it in ten lines: the first line, the second, what stands after "Abstract", the first year."""
    lines = read.text.split("\n")
    lines = [line for line in lines if line.strip()]
    abstract = re.search(r"\babstract\b\W*(.+?)(?=\n\d?\.?\s*introduction\b)", read.text, re.IGNORECASE | re.DOTALL)
    year = re.search(r"\b(?:19|20)\d\d\b", read.text)
    return Metadata(
        title=lines[0] if lines else None,
        authors=_cut(lines[1]) if len(lines) > 1 else (),
        abstract=abstract.group(1) if abstract else None,
        year=int(year.group()) if year else None,
    )


def _cut(byline: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in re.split(r",| and ", byline) if name.strip())


def ours(paper: Paper) -> Metadata:
    found = document(paper)
    return Metadata(title=found.title, authors=found.authors, abstract=found.abstract, year=found.year)


Right = Callable[[Metadata, Paper], bool]
MEASURES: dict[str, tuple[Callable[[Paper], bool], Right]] = {
    "title": (lambda paper: True, lambda found, paper: similar(found.title, paper.title)),
    "all authors": (lambda paper: bool(paper.authors), lambda found, paper: all_matched(found.authors, paper.authors)),
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
    yield from _on_lines(folder)
    yield from _on_bylines(folder)


def _on_lines(folder: Path) -> Iterator[Row]:
    """Annotated first pages that no model has seen: as lines alone, and with how the lines are set ("pages")."""
    unseen = [page for page in first_pages(folder) if page.part == "test"]
    labels: dict[str, Label] = {"title": "title", "abstract": "abstract"}
    for data, told in (("lines", [replace(page, lines=page.bare) for page in unseen]), ("pages", unseen)):
        for name, label in labels.items():
            asked = [(page.of(label), page.reading) for page in told]
            asked = [(wanted, read) for wanted, read in asked if wanted]
            baseline = sum(similar(getattr(naive(read), name), wanted) for wanted, read in asked)
            found = sum(similar(getattr(extract_header(read), name), wanted) for wanted, read in asked)
            yield Row(name, data, "test", len(asked), percent(baseline, len(asked)), percent(found, len(asked)))
    dated = [page for page in unseen if page.years]
    baseline = sum(naive(page.reading).year in page.years for page in dated)
    found = sum(extract_header(page.reading).year in page.years for page in dated)
    yield Row("year", "pages", "test", len(dated), percent(baseline, len(dated)), percent(found, len(dated)))


def _on_bylines(folder: Path) -> Iterator[Row]:
    """Annotated bylines that no model has seen; the naive way is to cut at commas and "and"."""
    unseen = [byline for byline in bylines(folder) if byline.part == "test"]
    baseline = sum(all_matched(_cut(byline.text), byline.names) for byline in unseen)
    found = sum(all_matched(names_in_byline(byline.text), byline.names) for byline in unseen)
    count = len(unseen)
    yield Row("all authors", "bylines", "test", count, percent(baseline, count), percent(found, count))

"""The papers with known truth, read as if they declared nothing of themselves."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from app.domain.knowledge import Document, Metadata, Reading
from app.extraction.assemble import build_document
from app.extraction.content_type import PDF
from app.extraction.readers import read
from tests.evaluation.split import PARTS, Part, part_of


class Paper(BaseModel):
    """A PDF and what is known of it; None or empty where nothing is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    pdf: Path
    title: str
    authors: tuple[str, ...]
    year: int | None = None
    abstract: str | None = None
    sections: tuple[str, ...] = ()

    @property
    def data(self) -> str:
        """The set."""
        return self.pdf.parent.name

    @property
    def part(self) -> Part:
        return part_of(self.id)

    @property
    def jats(self) -> Path | None:
        """The publisher's XML of the paper."""
        path = self.pdf.with_suffix(".xml")
        return path if path.is_file() else None


@cache
def papers(folder: Path) -> tuple[Paper, ...]:
    listed = json.loads((folder / "papers" / "truth.json").read_text(encoding="utf-8"))
    return tuple(Paper.model_validate({**entry, "pdf": folder / entry["pdf"]}) for entry in listed)


def by_set(folder: Path) -> Iterator[tuple[str, Part, list[Paper]]]:
    """The papers of each part of each set."""
    every = papers(folder)
    for data in sorted({paper.data for paper in every}):
        for part in PARTS:
            chosen = [paper for paper in every if (paper.data, paper.part) == (data, part)]
            if chosen:
                yield data, part, chosen


@cache
def reading(paper: Paper) -> Reading:
    """The PDF as our reader reads it, without what the file declares: extraction has to find it on the page.

    When the file was made stays known: that is not what it says of the paper.
    """
    found = read(paper.pdf.read_bytes(), PDF, lambda done, total: None)
    return found.model_copy(update={"metadata": Metadata()})


@cache
def document(paper: Paper) -> Document:
    return build_document(reading(paper))

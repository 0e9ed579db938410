"""How long all of extraction takes."""

import time
from pathlib import Path

from app.extraction.assemble import build_document
from app.extraction.content_type import PDF
from app.extraction.entities import extract_entities
from app.extraction.readers import read
from app.extraction.references import extract_references
from app.extraction.relations import extract_relations
from tests.evaluation.papers import papers


def papers_a_second(folder: Path) -> tuple[int, float]:
    """How many papers there are, and how many of them go all the way from bytes to relationships in a second of one core."""
    files = [paper.pdf.read_bytes() for paper in papers(folder)]
    start = time.process_time()
    for data in files:
        _extract(data)
    return len(files), len(files) / (time.process_time() - start)


def _extract(data: bytes) -> None:
    reading = read(data, PDF, _nobody_watches)
    document = build_document(reading)
    extract_references(reading, document)
    entities = extract_entities(document, _nobody_watches)
    extract_relations(document, entities, _nobody_watches)


def _nobody_watches(done: int, total: int) -> None: ...

"""What each process that runs tests would otherwise load for itself: models, and what is worked out at their first use."""

from pathlib import Path

from app.extraction.assemble import build_document
from app.extraction.content_type import TEXT
from app.extraction.entities import extract_entities
from app.extraction.readers import read
from app.extraction.references import extract_references
from app.extraction.relations import extract_relations


def warm_up(paper: Path) -> None:
    reading = read(paper.read_bytes(), TEXT, _ignore)
    document = build_document(reading)
    extract_references(reading, document)
    entities = extract_entities(document, _ignore)
    extract_relations(document, entities, _ignore)


def _ignore(done: int, total: int) -> None:
    """Nobody watches."""

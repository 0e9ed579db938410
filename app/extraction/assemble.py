"""The structure of a paper in one call."""

from app.domain.knowledge import Document, Reading
from app.extraction.header import extract_header
from app.extraction.origins import header_origins
from app.extraction.sections import extract_sections


def build_document(reading: Reading) -> Document:
    """Header, sections and text of a reading. Never raises for a valid reading; what is not found stays empty."""
    header = extract_header(reading)
    document = Document(
        title=header.title,
        authors=header.authors,
        abstract=header.abstract,
        year=header.year,
        doi=header.doi,
        pages=reading.pages,
        sections=extract_sections(reading),
        text=reading.text,
        turns=reading.turns,
    )
    return document.model_copy(update={"origins": header_origins(document)})

"""TEI, as GROBID answers it."""

from pathlib import Path

import pytest

from app.domain.errors import ReadError
from app.domain.knowledge import BlockKind
from app.extraction.assemble import build_document
from app.extraction.content_type import TEI
from app.extraction.references import extract_references
from tests.extraction.readers.support import blocks, headings, read

pytestmark = pytest.mark.extended

ANSWER = Path(__file__).with_name("grobid.tei.xml").read_bytes()
NAMESPACE = b'xmlns="http://www.tei-c.org/ns/1.0"'


def test_the_header_is_metadata_and_text() -> None:
    reading = read(ANSWER, TEI)
    told = reading.metadata
    assert (told.title, told.authors) == ("Tides of Shallow Seas", ("Ana M. Müller", "Bo Ito"))
    assert (told.year, told.doi, told.abstract) == (2019, "10.1000/tides.7", "Tides rise. They fall.")
    assert blocks(reading, BlockKind.TITLE) == ["Tides of Shallow Seas"]
    assert blocks(reading, BlockKind.ABSTRACT) == ["Tides rise. They fall."]


def test_the_body_keeps_sections_captions_and_order() -> None:
    reading = read(ANSWER, TEI)
    assert headings(reading) == [(1, "1 Introduction"), (2, "1.1 Gauges"), (2, "Acknowledgements"), (1, "References")]
    assert blocks(reading, BlockKind.PARAGRAPH) == [
        "Tides are regular [1].",
        "They measure height.",
        "h = a cos t(1)",
        "To all.",
    ]
    assert blocks(reading, BlockKind.CAPTION) == ["Figure 1 : A tide."]


def test_a_reference_has_the_papers_words_or_its_parts_in_order() -> None:
    assert blocks(read(ANSWER, TEI), BlockKind.REFERENCE) == [
        "A. T. Doodson. The harmonic development of the tide-generating potential. Proc. R. Soc. A, 100:305–329, 1921.",
        "G. Darwin (1898). Tidal friction. Nature 3(2), 4–9. doi:10.1000/friction.1",
    ]


def test_what_has_coordinates_is_on_its_page() -> None:
    reading = read(ANSWER, TEI)
    page = {reading.text[block.start : block.end]: block.page for block in reading.blocks}
    assert reading.pages == 3
    assert (page["1 Introduction"], page["1.1 Gauges"], page["To all."]) == (1, 2, 2)
    assert {block.page for block in reading.blocks if block.kind is BlockKind.REFERENCE} == {3}


def test_it_becomes_a_document_like_any_other_paper() -> None:
    reading = read(ANSWER, TEI)
    document = build_document(reading)
    assert (document.title, document.pages) == ("Tides of Shallow Seas", 3)
    assert "Gauges" in [section.title for section in document.sections]
    assert [(found.year, found.doi) for found in extract_references(reading, document)] == [
        (1921, None),
        (1898, "10.1000/friction.1"),
    ]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "unreadable"),
        (b"[GENERAL] An exception occurred", "unreadable"),
        (b"<article/>", "unreadable"),
        (b"<TEI %s/>" % NAMESPACE, "no_text"),
        (b"<TEI %s><teiHeader/><text><body/></text></TEI>" % NAMESPACE, "no_text"),
        (b'<!DOCTYPE TEI [<!ENTITY a SYSTEM "file:///etc/passwd">]><TEI>&a;</TEI>', "unreadable"),
    ],
    ids=["empty", "no xml", "no tei", "bare", "no text", "entities"],
)
def test_an_answer_that_is_none_is_told(answer: bytes, code: str) -> None:
    with pytest.raises(ReadError) as refused:
        read(answer, TEI)
    assert refused.value.code == code

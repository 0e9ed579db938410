"""What few papers have: each kind of file with the parts that are seldom used, read to the last of them."""

import io
from typing import Any

import pytest
from lxml import etree

from app.domain.errors import ReadError, UnsupportedTypeError
from app.domain.knowledge import BlockKind
from app.extraction.abbreviations import find_abbreviations
from app.extraction.citations import parse_citation, split_authors
from app.extraction.content_type import DOCX, HTML, JATS, LATEX, TEXT, detect
from app.extraction.decoding import decode_head
from app.extraction.readers import markup
from app.extraction.readers import read as read_file
from tests.extraction.readers import files
from tests.extraction.readers.support import blocks, headings, read

pytestmark = pytest.mark.extended


def test_an_article_tells_its_lists_notes_boxes_and_tables_in_order() -> None:
    body = """
    <p>Before.<boxed-text><title>Box</title><p>In a box.</p></boxed-text></p>
    <list><list-item><p>First.</p></list-item><list-item><label>2</label><p>Second.</p></list-item></list>
    <list><title>A list of bare words</title></list>
    <def-list><def-item><term>LSTM</term><def><p>A memory.</p></def></def-item></def-list>
    <disp-quote><p>Quoted.</p><attrib>Somebody</attrib></disp-quote>
    <disp-formula>a = b</disp-formula><preformat>x y</preformat><statement>Bare words.</statement>
    <fig-group><label>Figure 1</label><fig><label>a</label><caption><p>The left half.</p></caption></fig></fig-group>
    <table-wrap><label>Table 1</label><table><tr><th>Year</th><th/><th>Sum</th></tr><tr><td>2020</td><td>7</td></tr></table>
    </table-wrap>
    """
    reading = read(files.jats(body), JATS)
    assert blocks(reading, BlockKind.CAPTION) == ["Figure 1", "a The left half.", "Table 1", "Year | Sum", "2020 | 7"]
    assert headings(reading) == [(1, "Box")]
    assert blocks(reading, BlockKind.PARAGRAPH) == [
        *("Before.", "In a box.", "First.", "Second.", "A list of bare words", "LSTM", "A memory."),
        *("Quoted.", "Somebody", "a = b", "x y", "Bare words."),
    ]


def test_an_article_without_a_header_is_its_text() -> None:
    assert blocks(read(b"<article><body><p>Only this.</p></body></article>", JATS)) == ["Only this."]


def test_an_article_in_a_set_is_found_and_xml_that_holds_none_is_refused() -> None:
    assert blocks(read(b"<pmc-articleset><article><body><p>In a set.</p></body></article></pmc-articleset>", JATS)) == [
        "In a set."
    ]
    with pytest.raises(ReadError, match="The XML holds no JATS article"):
        read_file(b"<pmc-articleset/>", JATS, lambda done, total: None)


def test_of_several_abstracts_the_first_is_the_abstract_and_a_teaser_is_none() -> None:
    header = """
    <contrib-group><contrib><name-alternatives><string-name>Ana Ito</string-name></name-alternatives></contrib><contrib/>
    </contrib-group>
    <abstract abstract-type="teaser"><p>Read this!</p></abstract>
    <abstract><p>The gist.</p><sec><title>Aims</title></sec></abstract>
    <trans-abstract><p>Der Kern.</p></trans-abstract>
    """
    reading = read(files.jats("<p>Text.</p>", header=header), JATS)
    assert reading.metadata.authors == ("Ana Ito",)
    assert reading.metadata.abstract == "The gist."
    assert blocks(reading) == ["Ana Ito", "The gist.", "Der Kern.", "Text."]


def test_references_come_however_they_are_written() -> None:
    back = """
    <ref-list><title>References</title><p>In order of appearance.</p>
    <ref><label>1</label><note><p>Just words.</p></note></ref>
    <ref><citation-alternatives><mixed-citation>Ito B. A title. 2001.</mixed-citation></citation-alternatives></ref>
    <ref><mixed-citation><name><surname>Ito</surname><given-names>B</given-names></name><year>2002</year></mixed-citation></ref>
    <ref><mixed-citation><string-name>Ana Ito</string-name>, <comment>in print</comment>.</mixed-citation></ref>
    <ref-list><title>Further reading</title><ref><mixed-citation>Last, Z. 2003.</mixed-citation></ref></ref-list></ref-list>
    """
    reading = read(files.jats("<p>Text.</p>", back=back), JATS)
    assert blocks(reading, BlockKind.REFERENCE) == [
        *("Just words.", "Ito B. A title. 2001.", "Ito B (2002)", "Ana Ito, in print.", "Last, Z. 2003."),
    ]
    assert [words for _, words in headings(reading)] == ["References", "Further reading"]


def test_a_word_document_tells_its_authors_outline_hyphens_and_wrapped_parts() -> None:
    body = (
        '<w:sdt><w:sdtContent><w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Wrapped</w:t></w:r></w:p></w:sdtContent>'
        "</w:sdt><w:p><w:r><w:t>self</w:t><w:noBreakHyphen/><w:t>made</w:t><w:tab/><w:t>words</w:t></w:r></w:p>"
    )
    reading = read(files.docx(body), DOCX)
    assert headings(reading) == [(2, "Wrapped")]
    assert blocks(reading, BlockKind.PARAGRAPH) == ["self-made words"]


def test_a_zip_that_is_no_word_document_is_refused() -> None:
    for data in (b"PK\x03\x04 nothing more", b"PK\x05\x06" + bytes(18)):
        with pytest.raises(ReadError, match=r"no Word document, or a damaged one|has no text part"):
            read_file(data, DOCX, lambda done, total: None)


def test_a_page_is_read_without_what_is_hidden_and_a_page_of_nothing_is_refused() -> None:
    page = "<html><body><header>The site</header><header><h1>Title</h1></header><div hidden>no</div><p>Yes.</p></body></html>"
    assert blocks(read(page.encode(), HTML)) == ["Title", "Yes."]
    with pytest.raises(ReadError):
        read_file(b"<!-- nothing -->", HTML, lambda done, total: None)


def test_an_xml_declaration_alone_is_no_page() -> None:
    with pytest.raises(ReadError) as refused:
        read_file(b'<?xml version="1.0"?>', HTML, lambda done, total: None)
    assert refused.value.code == "no_text"


def test_an_entity_that_only_a_dtd_explains_is_named() -> None:
    data = files.jats("<p>1 &angstrom; long</p>", doctype='<!DOCTYPE article SYSTEM "jats.dtd">')
    with pytest.raises(
        ReadError, match="The XML uses the entity &angstrom;, which needs a DTD; replace it by its text"
    ):
        read_file(data, JATS, lambda done, total: None)


def test_the_authors_of_a_word_document_stand_in_their_style() -> None:
    body = files.paragraph("On Tides", "T") + files.paragraph("Ana Ito, Bo Li", "A")
    assert read(files.docx(body), DOCX).metadata.authors == ("Ana Ito", "Bo Li")


def test_a_zip_whose_directory_is_damaged_is_no_document() -> None:
    data = files.docx(files.paragraph("x")).replace(b"PK\x01\x02", b"PK\x00\x00")
    with pytest.raises(ReadError, match="no Word document, or a damaged one"):
        read_file(data, DOCX, lambda done, total: None)


@pytest.mark.parametrize("text", ["<3 is what we feel for tides.", "<tide> is how we write a tide."])
def test_a_text_that_happens_to_begin_as_markup_does_is_a_text(text: str) -> None:
    assert detect(io.BytesIO(text.encode())) == TEXT


def test_latex_of_journal_classes_is_read_too() -> None:
    source = r"""\documentclass{revtex}\begin{document}\title{On Tides}\date{May 1999}\abstract{The gist.}
\newcommand{\long}[2]{#1 and #2}\def\short{tidal}
\section{Start}The \short{} force.\footnote{A note.}\end{nothing}
\begin{figure}\captionof{figure}{A tide.}\end{figure}
\begin{tikzpicture}\draw (0,0);\end{tikzpicture}After it.
\begin{thebibliography}{9}\bibitem{a} Ito, B.\newblock A title. 2001.\end{thebibliography}
\end{document}"""
    reading = read(source.encode(), LATEX)
    assert reading.metadata.title == "On Tides"
    assert reading.metadata.year == 1999
    assert reading.metadata.abstract == "The gist."
    assert "The tidal force." in blocks(reading)
    assert blocks(reading, BlockKind.CAPTION) == ["A tide."]
    assert blocks(reading, BlockKind.REFERENCE) == ["Ito, B. A title. 2001."]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<book xmlns='http://docbook.org/ns/docbook'></book>", None),
        (b"<article xmlns='http://docbook.org/ns/docbook'><para>x</para></article>", None),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'><p>x</p></html>", HTML),
        (b"<?xml version='1.0'?><html><p>x</p></html>", HTML),
        (b"PK\x03\x04" + bytes(100), None),
    ],
)
def test_what_markup_is_told_by_its_root(content: bytes, told: str | None) -> None:
    if told is None:
        with pytest.raises(UnsupportedTypeError):
            detect(io.BytesIO(content))
    else:
        assert detect(io.BytesIO(content)) == told


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Lafferty, J., McCallum, A. and Pereira, F.", ("Lafferty, J", "McCallum, A", "Pereira, F")),
        ("", ()),
        ("Ito " * 400, ()),
    ],
)
def test_authors_are_split_as_they_are_written(written: str, names: tuple[str, ...]) -> None:
    assert tuple(name.replace(".", "") for name in split_authors(written)) == names


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("Ana Ito, The harmonic development of tides. Nature, 1921.", "The harmonic development of tides"),
        (
            "A. Ito. The harmonic development of the tides, Journal of Seas 12, pp. 3-9. 1921.",
            "The harmonic development of the tides",
        ),
    ],
)
def test_the_title_of_a_reference_is_found_behind_its_authors(raw: str, title: str) -> None:
    assert parse_citation(raw).title == title


def test_a_word_document_behind_a_password_is_said_to_be() -> None:
    data = bytearray(files.docx(files.paragraph("x")))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(signature, at + 4)
    with pytest.raises(ReadError) as refused:
        read_file(bytes(data), DOCX, lambda done, total: None)
    assert refused.value.code == "encrypted"
    with pytest.raises(UnsupportedTypeError):  # nobody can look whether it is one
        detect(io.BytesIO(data))


def test_a_zip_whose_directory_lies_about_its_place_is_no_document() -> None:
    data = bytearray(files.docx(files.paragraph("x")))
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = (1 << 20).to_bytes(4, "little")
    with pytest.raises(UnsupportedTypeError):
        detect(io.BytesIO(data))


def test_a_lack_of_memory_is_no_fault_of_the_file() -> None:
    syntax_error: Any = etree.XMLSyntaxError  # the stubs know fewer arguments
    lack = syntax_error("out of memory", etree.ErrorTypes.ERR_NO_MEMORY, 1, 1)
    with pytest.raises(MemoryError):
        markup._tell_memory(lack)
    markup._tell_memory(syntax_error("mismatched tag", etree.ErrorTypes.ERR_TAG_NAME_MISMATCH, 1, 1))


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ("\ufeffwide".encode("utf-16-le"), "wide"),
        (b"\xff\xfe\x00\xd8a\x00", None),
        ("plain words, no mark".encode("utf-16-be"), "plain words, no mark"),
        (b"\xff\xfe" + "\x01\x02".encode("utf-16-le") * 50, None),
    ],
    ids=["marked", "half a pair", "unmarked", "controls"],
)
def test_the_head_of_a_wide_text_is_read_or_is_none(head: bytes, text: str | None) -> None:
    assert decode_head(head) == text


@pytest.mark.parametrize(
    "text",
    [
        "(CRF) at the very start",
        "nothing that fits the letters (XYZQ)",
        "a support vector machine (SVM) and once more a support vector machine (SVM)",
        "the CRF model (CRF)",
        "all in small letters (crfs)",
    ],
)
def test_an_abbreviation_is_taken_once_and_only_where_the_words_before_it_spell_it(text: str) -> None:
    found = {short: text[start:end] for short, (start, end) in find_abbreviations(text).items()}
    assert found == ({"SVM": "support vector machine"} if "SVM" in text else {})


def test_a_citation_of_a_page_in_the_web_has_its_address_and_the_year_it_was_seen() -> None:
    citation = parse_citation("Ito, A.B. ‘Tide gauges of Japan’. 12 March 2001. https://tides.example/gauges")
    assert (citation.title, citation.year) == ("Tide gauges of Japan", 2001)
    assert citation.url == "https://tides.example/gauges"


def test_signs_alone_are_no_citation_of_anything() -> None:
    citation = parse_citation("— . ; —")
    assert (citation.title, citation.authors, citation.year) == (None, (), None)

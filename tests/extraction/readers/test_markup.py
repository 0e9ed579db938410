"""JATS, HTML and DOCX: structure as the file declares it, and files that try to do harm."""

import io
import zipfile
from pathlib import Path

import pytest

from app.domain.errors import ReadError
from app.domain.knowledge import BlockKind
from app.extraction import readers
from app.extraction.content_type import DOCX, HTML, JATS
from app.extraction.readers import docx
from tests.extraction.readers import files
from tests.extraction.readers.support import blocks, headings, read, read_or_refused

pytestmark = pytest.mark.extended

HEADER = """
<article-id pub-id-type="doi">10.1000/tides.7</article-id>
<title-group><article-title>On <italic>Tides</italic></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Müller</surname><given-names>Ana</given-names></name></contrib>
<contrib contrib-type="editor"><name><surname>Nobody</surname><given-names>N</given-names></name></contrib>
<contrib contrib-type="author"><collab>The Tide Group</collab></contrib></contrib-group>
<pub-date pub-type="ppub"><year>2020</year></pub-date><pub-date pub-type="epub"><year>2019</year></pub-date>
<abstract><sec><title>Aims</title><p>To know.</p></sec><sec><title>Results:</title><p>We know&#xA0;now.</p></sec></abstract>
"""
BODY = """
<sec><label>1</label><title>Introduction</title><p>Tides are regular <xref>1</xref>.<fig><label>Figure 1</label>
<caption><title>A tide.</title><p>It rises.</p></caption></fig> They rise.</p>
<sec><title>Deeper</title><p>Yes.</p></sec></sec>
"""
BACK = """
<ack><title>Thanks</title><p>To all.</p></ack>
<ref-list><title>References</title>
<ref><label>1</label><mixed-citation><person-group><name><surname>Doodson</surname><given-names>A</given-names></name></person-group>.
<article-title>The harmonic development</article-title>. <source>Proc R Soc</source> 1921.</mixed-citation></ref>
<ref><element-citation><person-group><name><surname>Darwin</surname><given-names>GH</given-names></name><name>
<surname>Ito</surname><given-names>B</given-names></name><etal/></person-group><article-title>Tidal friction</article-title>
<source>Nature</source><year>1898</year><volume>3</volume><issue>2</issue><fpage>4</fpage><lpage>9</lpage>
<pub-id pub-id-type="doi">10.1/x</pub-id></element-citation></ref></ref-list>
"""


def _refused(data: bytes, content_type: str) -> ReadError:
    with pytest.raises(ReadError) as refused:
        readers.read(data, content_type, lambda done, total: None)
    return refused.value


class TestJats:
    def test_the_header_is_metadata_and_stands_at_the_head_of_the_text(self) -> None:
        reading = read(files.jats(BODY, header=HEADER, back=BACK), JATS)
        metadata = reading.metadata
        assert (metadata.title, metadata.year, metadata.doi) == ("On Tides", 2019, "10.1000/tides.7")
        assert metadata.authors == ("Ana Müller", "The Tide Group")
        assert metadata.abstract == "Aims: To know. Results: We know now."
        assert blocks(reading)[:2] == ["On Tides", "Ana Müller, The Tide Group"]

    def test_sections_keep_their_levels_and_figures_leave_the_paragraph_whole(self) -> None:
        reading = read(files.jats(BODY, back=BACK), JATS)
        assert headings(reading) == [(1, "1 Introduction"), (2, "Deeper"), (1, "Thanks"), (1, "References")]
        assert blocks(reading, BlockKind.PARAGRAPH)[0] == "Tides are regular 1. They rise."
        assert blocks(reading, BlockKind.CAPTION) == ["Figure 1 A tide. It rises."]

    def test_each_reference_is_a_block_that_reads_as_in_print(self) -> None:
        assert blocks(read(files.jats(BODY, back=BACK), JATS), BlockKind.REFERENCE) == [
            "Doodson A. The harmonic development. Proc R Soc 1921.",
            "Darwin GH, Ito B, et al (1898). Tidal friction. Nature 3(2): 4-9. doi:10.1/x",
        ]

    def test_a_real_article_has_its_sections_and_references(self) -> None:
        reading = read((files.PAPERS / "wheat_metabolites.xml").read_bytes(), JATS)
        assert reading.metadata.doi == "10.3390/metabo4040932"
        assert "1. Introduction" in [title for _, title in headings(reading)]
        assert len(blocks(reading, BlockKind.REFERENCE)) == 44

    def test_entities_that_html_knows_need_no_dtd(self) -> None:
        doctype = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "jats.dtd">'
        assert blocks(read(files.jats("<p>a&nbsp;b &eacute;</p>", doctype=doctype), JATS)) == ["a b é"]

    def test_a_bomb_of_entities_is_refused(self) -> None:
        levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
        doctype = f'<!DOCTYPE article [<!ENTITY e0 "bomb">{levels}]>'
        assert _refused(files.jats("<p>&e11;</p>", doctype=doctype), JATS).code == "unreadable"
        assert _refused(files.jats('<p id="&e11;">x</p>', doctype=doctype), JATS).code == "unreadable"

    @pytest.mark.parametrize("kind", ["SYSTEM", 'PUBLIC "x"'])
    def test_nothing_outside_the_file_is_read(self, kind: str, tmp_path: Path) -> None:
        secret = tmp_path / "secret.txt"
        secret.write_text("the secret")
        doctype = f'<!DOCTYPE article [<!ENTITY leak {kind} "{secret.as_uri()}">]>'
        assert "secret" not in _refused(files.jats("<p>&leak;</p>", doctype=doctype), JATS).detail
        include = (
            f'<p>x<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/></p>'
        )
        assert blocks(read(files.jats(include), JATS)) == ["x"]

    def test_elements_nested_thousands_deep_are_refused(self) -> None:
        assert _refused(files.jats("<sec>" * 5_000 + "</sec>" * 5_000), JATS).code == "unreadable"


class TestHtml:
    PAGE = """<html><head><title>Site</title><meta name="citation_title" content="On <i>Tides</i>">
    <meta name="citation_author" content="Müller, Ana"><meta name="citation_author" content="José Núñez">
    <meta name="citation_publication_date" content="2021/03/01"><meta name="citation_doi" content="doi:10.1000/t">
    <script>var tracking = 1</script></head><body><nav>Home | Journals</nav>
    <h1>On Tides</h1><h2>Abstract</h2><p>We read gauges,<br>all day.</p>
    <h2>1. Method</h2><div>Loose <b>text</b>.<ul><li>An item</li></ul></div>
    <figure><img src=x><figcaption>Figure 1. A gauge.</figcaption></figure>
    <table><tr><th>Name</th><th>Height</th></tr><tr><td>Kiel</td><td>3</td></tr></table>
    <h2>References</h2><ol><li>Doodson 1921.</li><li>Darwin 1898.</li></ol><footer>© 2021</footer></body></html>"""

    def test_meta_tags_are_metadata(self) -> None:
        metadata = read(self.PAGE.encode(), HTML).metadata
        assert (metadata.title, metadata.authors) == ("On Tides", ("Ana Müller", "José Núñez"))
        assert (metadata.year, metadata.doi) == (2021, "10.1000/t")

    def test_the_page_is_read_without_what_is_around_it(self) -> None:
        reading = read(self.PAGE.encode(), HTML)
        assert "tracking" not in reading.text
        assert "Journals" not in reading.text
        assert headings(reading) == [(2, "Abstract"), (2, "1. Method"), (2, "References")]
        assert blocks(reading, BlockKind.TITLE) == ["On Tides"]
        assert blocks(reading, BlockKind.ABSTRACT) == ["We read gauges, all day."]
        assert blocks(reading, BlockKind.PARAGRAPH) == ["Loose text.", "An item"]
        assert blocks(reading, BlockKind.CAPTION) == ["Figure 1. A gauge.", "Name | Height", "Kiel | 3"]
        assert blocks(reading, BlockKind.REFERENCE) == ["Doodson 1921.", "Darwin 1898."]

    def test_a_declared_encoding_is_believed(self) -> None:
        page = '<html><head><meta charset="iso-8859-2"></head><body><p>Zażółć gęślą jaźń</p></body></html>'
        assert blocks(read(page.encode("iso-8859-2"), HTML)) == ["Zażółć gęślą jaźń"]

    def test_tags_nested_fifty_thousand_deep_end_in_a_reading_or_a_reason(self) -> None:
        data = b"<div>" * 50_000 + b"deep"
        read_or_refused(data, HTML)


class TestDocx:
    def test_styles_give_title_headings_and_references(self) -> None:
        body = "".join(
            files.paragraph(*part)
            for part in (
                ("On Tides", "T"),
                ("Method", "Mine"),
                ("Words of it.",),
                ("References", "H2"),
                ("Doodson 1921.",),
            )
        )
        reading = read(files.docx(body), DOCX)
        assert [block.kind for block in reading.blocks] == ["title", "heading", "paragraph", "heading", "reference"]
        assert headings(reading) == [(2, "Method"), (2, "References")]
        assert reading.metadata.title == "On Tides"
        assert (reading.blocks[0].font_size, reading.blocks[0].bold) == (18.0, True)

    def test_tables_are_read_row_by_row_and_deleted_text_is_not(self) -> None:
        cells = "".join(f"<w:tc>{files.paragraph(words)}</w:tc>" for words in ("Kiel", "3 m"))
        deleted = "<w:p><w:r><w:t>Kept.</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
        assert blocks(read(files.docx(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>{deleted}"), DOCX)) == [
            "Kiel | 3 m",
            "Kept.",
        ]

    def test_a_real_document_has_its_abstract_and_references(self) -> None:
        reading = read((files.PAPERS / "collaborative_writing.docx").read_bytes(), DOCX)
        assert reading.metadata.title == "Open collaborative writing with Manubot"
        assert blocks(reading, BlockKind.ABSTRACT)[0].startswith("Open, collaborative research")
        assert len(blocks(reading, BlockKind.REFERENCE)) > 50

    def test_a_zip_bomb_is_refused_before_it_is_unpacked(self) -> None:
        data = files.docx("", more={"word/media/bomb": bytes(5_000_000)})
        only_its_directory_can_be_read = data.replace(b"PK\x03\x04", b"XX\x03\x04")
        assert _refused(only_its_directory_can_be_read, DOCX).code == "file_too_complex"

    def test_a_bomb_whose_directory_lies_is_refused_while_it_is_unpacked(self) -> None:
        data = files.docx(files.paragraph("x" * 2000))
        with pytest.raises(ReadError) as refused:
            docx.read(data, lambda done, total: None, max_part=1000)
        assert refused.value.code == "file_too_complex"

    def test_entities_in_its_xml_are_refused(self) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as zipped:
            zipped.writestr(
                "word/document.xml", '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><d><body>&e;</body></d>'
            )
        assert _refused(file.getvalue(), DOCX).code == "unreadable"

    def test_a_cut_document_is_unreadable(self) -> None:
        assert _refused(files.docx(files.paragraph("x"))[:300], DOCX).code == "unreadable"

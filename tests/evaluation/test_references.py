"""How a publisher's references and annotated lists are read, and when a reference is one piece."""

import tarfile
from pathlib import Path

import pytest

from tests.evaluation.printed import Printed, printed_references
from tests.evaluation.references import Found, _as_printed, _score
from tests.training.reference_lists import reference_lists

pytestmark = pytest.mark.extended

JATS = """<article><back><ref-list><ref id="r1"><label>1</label><mixed-citation>
<person-group person-group-type="author"><name><surname>Brandt</surname><given-names>A</given-names></name></person-group>
<year>1999</year> <article-title>Reading</article-title>. <source>J. Lines</source> <volume>3</volume>(<issue>2</issue>),
<fpage>1</fpage>-<lpage>9</lpage>. <pub-id pub-id-type="doi">10.5555/x</pub-id></mixed-citation></ref></ref-list></back></article>"""
TEI = """<tei><text><listBibl>References<lb/>
<bibl><label>1.</label> A. Brandt, Read-<lb/>ing, 1999; B. Novak, </bibl><bibl>Writing, 2001.<lb/></bibl>
Page 3<lb/><bibl><label>2.</label> R. Iyer, Lines, 2002.<lb/></bibl></listBibl></text></tei>"""


def test_a_publishers_reference_is_its_words_and_its_fields(tmp_path: Path) -> None:
    (tmp_path / "paper.xml").write_text(JATS, encoding="utf-8")
    [reference] = printed_references(tmp_path / "paper.xml")
    assert "10.5555" not in reference.text
    assert reference.fields == {
        "author": "Brandt A", "title": "Reading", "venue": "J. Lines", "date": "1999", "volume": "3", "issue": "2", "pages": "1-9"
    }  # fmt: skip
    assert "issue" in _as_printed(reference.fields, "j lines 3 2 1 9")
    assert "issue" not in _as_printed(reference.fields, "j lines 3 1 9")


def test_an_annotated_list_keeps_its_lines_and_numbered_entries(tmp_path: Path) -> None:
    folder = tmp_path / "grobid_training"
    folder.mkdir()
    (tmp_path / "one.training.tei.xml").write_text(TEI, encoding="utf-8")
    with tarfile.open(folder / "reference-segmenter.txz", "w:xz") as archive:
        archive.add(tmp_path / "one.training.tei.xml", "corpus/tei/one.training.tei.xml")
    [listed] = reference_lists(tmp_path)
    assert list(zip(listed.labels, listed.lines, strict=True)) == [
        ("first", "1. A. Brandt, Read-"),
        ("more", "ing, 1999; B. Novak, Writing, 2001."),
        ("other", "Page 3"),
        ("first", "2. R. Iyer, Lines, 2002."),
    ]
    assert len(listed.references) == 2


def test_a_reference_is_in_one_piece_when_one_string_has_its_words_in_any_order() -> None:
    wanted = [Printed("Reading lines. Brandt A 1999", {"title": "Reading lines"}), Printed("Iyer R. Writing", {})]
    found = [Found("[1] Brandt A (1999) Reading lines. doi:10.5555/x", {"title": "Reading lines"}), Found("Iyer", {})]
    score = _score(wanted, found)
    assert (score.wanted, score.strings, score.in_one_piece, score.fields_right, score.whole) == (2, 2, 1, 1, 1)

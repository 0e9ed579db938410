"""Sections from marked headings, and from lines that look like headings."""

import pytest

from app.domain.knowledge import BlockKind, Reading
from app.extraction.assemble import build_document
from app.extraction.sections import extract_sections, is_reference_title, plain_title
from tests.extraction.papers import HOSTILE, of_kind, reading, seed, text_reading

pytestmark = pytest.mark.extended


def titles(page: Reading) -> list[tuple[str, int]]:
    return [(section.title, section.level) for section in extract_sections(page)]


def assert_sane(page: Reading) -> None:
    """In order, apart, within the text."""
    at = 0
    for section in extract_sections(page):
        assert at <= section.start <= section.end <= len(page.text)
        assert 1 <= section.page <= page.pages
        assert section.title.strip()
        at = section.end


def test_the_seed_paper_has_its_sections_with_levels_and_pages() -> None:
    found = [(section.title, section.level, section.page) for section in build_document(seed()).sections]
    assert found == [
        ("Abstract", 1, 1),
        ("Introduction", 1, 1),
        ("Method", 1, 2),
        ("Reading a page as a lattice", 2, 2),
        ("Training", 2, 2),
        ("Experiments", 1, 2),
        ("Data", 2, 2),
        ("Results", 2, 2),
        ("Conclusion", 1, 3),
        ("Acknowledgements", 1, 3),
        ("References", 1, 3),
    ]


def test_a_body_runs_from_its_title_to_the_next() -> None:
    page = text_reading("1 Introduction\n\nWe read.\n\nMore of it.\n\n2 Method\n\nBy rule.")
    bodies = [page.text[section.start : section.end] for section in extract_sections(page)]
    assert bodies == ["We read.\n\nMore of it.", "By rule."]


def test_marked_headings_are_believed_whatever_they_say() -> None:
    page = reading(
        of_kind(BlockKind.HEADING, "what a day", level=1),
        ("It was.", {}),
        of_kind(BlockKind.HEADING, "2.1. The evening:"),
        ("1 Introduction", {}),
    )
    assert titles(page) == [("what a day", 1), ("The evening", 2)]


def test_list_items_table_rows_and_sentences_are_no_headings() -> None:
    page = text_reading(
        "1 Introduction\n\nWe list:\n\n1. apples\n7 Pears and more of them\n42 17 3.5 8\n1999 was a year\n\n2 Method\n\n2 we read on\n\n"
        "3 This line is numbered, and yet it ends as a sentence does, with a stop."
    )
    assert titles(page) == [("Introduction", 1), ("Method", 1)]


def test_well_known_names_and_capitals_need_no_number() -> None:
    page = text_reading(
        "Some title\n\nABSTRACT\n\nWe read.\n\nRelated work\n\nMuch.\n\nTHE BIG TABLE\n\nRows.\n\nReferences\n\nNONE OF IT\n\nA."
    )
    assert titles(page) == [("ABSTRACT", 1), ("Related work", 1), ("THE BIG TABLE", 1), ("References", 1)]


def test_where_headings_have_a_print_of_their_own_a_plain_numbered_line_is_none() -> None:
    bold: dict[str, object] = {"font_size": 12.0, "bold": True}
    plain: dict[str, object] = {"font_size": 10.0}
    page = reading(
        ("Abstract", bold), ("We read. " * 20, plain), ("1 Introduction", bold), ("2 Apples in a row", plain), ("2 Our reader", bold),
        ("It reads.", plain), ("3 Results", bold), ("References", bold),
    )  # fmt: skip
    assert [title for title, _ in titles(page)] == ["Abstract", "Introduction", "Our reader", "Results", "References"]


def test_references_without_a_title_get_a_section() -> None:
    page = reading(
        of_kind(BlockKind.HEADING, "Discussion"),
        ("Good.", {}),
        of_kind(BlockKind.REFERENCE, "Smith, J. (1999). Reading."),
    )
    assert titles(page) == [("Discussion", 1), ("References", 1)]
    assert_sane(page)


@pytest.mark.parametrize(
    "title", ["References", "6. REFERENCES", "## Bibliography", "Literature cited:", "Referências"]
)
def test_a_list_of_references_is_known_by_its_title(title: str) -> None:
    assert is_reference_title(title)


def test_a_title_is_without_its_number() -> None:
    assert [plain_title(line) for line in ("2.1 Data", "IV. Results", "A. Proofs", "## Intro", "A reader", "3D models")] == [
        "Data", "Results", "Proofs", "Intro", "A reader", "3D models",
    ]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_sections_of_a_hostile_text_are_sane(name: str) -> None:
    assert_sane(text_reading(HOSTILE[name]))
    assert_sane(Reading(text=HOSTILE[name], blocks=(), pages=1))


def test_headings_without_numbers_are_told_by_the_print_that_known_ones_have() -> None:
    big: dict[str, object] = {"font_size": 12.0, "bold": True}
    plain: dict[str, object] = {"font_size": 10.0}
    body: tuple[str, dict[str, object]] = (
        "Prices fell in every year that followed, and nobody knew why.\nThen they rose.",
        plain,
    )
    paper = reading(
        ("Introduction", big),
        body,
        ("Shifting drivers: the end of\nthe low road?", big),
        body,
        ("Bold at the start of a paragraph.", {"font_size": 10.0, "bold": True}),
        body,
        ("Conclusion", big),
        body,
        ("References", big),
    )
    assert [section.title for section in extract_sections(paper)] == [
        "Introduction",
        "Shifting drivers: the end of the low road?",
        "Conclusion",
        "References",
    ]


def test_a_heading_ends_before_the_number_of_the_next_one() -> None:
    big: dict[str, object] = {"font_size": 12.0, "bold": True}
    body: tuple[str, dict[str, object]] = ("Trees are read from left to right, in no time.", {"font_size": 10.0})
    paper = reading(
        ("1 Introduction", big),
        body,
        ("2 Lexicalized Tree\nAdjoining Grammars", big),
        body,
        ("3 Results\n3.1 Overview of results", big),
        body,
        ("4 Discussion", big),
        body,
        ("5 Conclusion", big),
    )
    found = [section.title for section in extract_sections(paper)]
    assert found[:3] == ["Introduction", "Lexicalized Tree Adjoining Grammars", "Results"]


def test_appendices_after_the_references_are_sections_of_their_own() -> None:
    big: dict[str, object] = {"font_size": 12.0, "bold": True}
    body: tuple[str, dict[str, object]] = ("Trees are read from left to right, in no time.", {"font_size": 10.0})
    paper = reading(
        ("1 Introduction", big),
        body,
        ("2 Results", big),
        body,
        ("References", big),
        ("A. Brandt and L. Osei. 2016. Reading order.", {"font_size": 10.0}),
        ("A Baselines in detail", big),
        body,
        ("A.1 Random vectors", big),
        body,
        ("Appendix B: Proofs", {"font_size": 10.0}),
        body,
    )
    assert [section.title for section in extract_sections(paper)] == [
        "Introduction",
        "Results",
        "References",
        "A Baselines in detail",
        "Random vectors",
        "Appendix B: Proofs",
    ]

"""Where a title ends and a list of authors goes on: kinds of first pages that were once read wrongly."""

from dataclasses import replace

import pytest

from app.domain.knowledge import BlockKind, Metadata
from app.extraction.byline import author_names
from app.extraction.content_type import PDF
from app.extraction.front import FrontLine
from app.extraction.header import extract_header
from app.extraction.header_lines import Label
from app.extraction.title import title_lines, title_of
from tests.extraction.papers import reading
from tests.extraction.readers import files
from tests.extraction.readers.support import read

pytestmark = pytest.mark.extended


def _header_of(*lines: tuple[float, float, float, str]) -> Metadata:
    """Of a PDF of one page: x, y, size and words of each line."""
    return extract_header(read(files.pdf(lines), PDF))


@pytest.mark.parametrize("title", ["Tides of Deep Seas", "On Tides"])
def test_a_sentence_in_small_print_far_below_is_no_part_of_the_title(title: str) -> None:
    header = _header_of((72, 700, 18, title), (72, 600, 10, "Tides are regular where the sea is deep."))
    assert header.title == title


def test_authors_side_by_side_in_short_columns_are_one_each() -> None:
    header = _header_of(
        (130, 740, 16, "How Long It Takes to Read a Paper"),
        (90, 700, 12, "Elaine Kinney Okafor"),
        (330, 700, 12, "Roberta J. Lindqvist"),
        (90, 685, 10, "University of Northfield"),
        (330, 685, 10, "University of Southfield"),
        (280, 640, 11, "Abstract"),
        (72, 620, 10, "Reading a paper takes long, and few people who write of it say how long it took."),
        (72, 600, 11, "1 Introduction"),
    )
    assert header.authors == ("Elaine Kinney Okafor", "Roberta J. Lindqvist")


def test_a_title_goes_on_after_a_colon_in_smaller_print() -> None:
    page = reading(
        ("Defined-size triple crossover\nconstruct for molecular electronics:", {"font_size": 18.0}),
        ("modification, positioning and conductance properties", {"font_size": 14.4}),
        ("Ada Okafor and Jonas Lindqvist", {"font_size": 12.0}),
        ("Department of Reading, University of Northfield", {"font_size": 9.0}),
    )
    assert extract_header(page).title == (
        "Defined-size triple crossover construct for molecular electronics: modification, positioning and conductance properties"
    )


def _lines(*told: tuple[str, Label, float]) -> list[FrontLine]:
    """Lines in one print that the model takes for this, and how probably for a title."""
    return [
        FrontLine(text, at, at, at, 1, BlockKind.PARAGRAPH, 11.0, False, label, title)
        for at, (text, label, title) in enumerate(told)
    ]


def test_what_kind_of_article_it_is_is_no_part_of_the_title_unless_it_ends_one() -> None:
    lines = _lines(
        ("SHORT COMMUNICATION", "title", 0.9),
        ("EVALUATION OF BIBLIOGRAPHIES TAKEN FROM", "title", 0.9),
        ("RESEARCH PAPERS", "title", 0.9),
    )
    assert title_of(title_lines(lines)) == "EVALUATION OF BIBLIOGRAPHIES TAKEN FROM RESEARCH PAPERS"


def test_names_with_addresses_below_are_all_found_though_the_model_takes_one_for_something_else() -> None:
    lines = _lines(
        ("How long it takes to read a paper", "title", 1.0),
        ("ADA OKAFOR", "author", 0.0),
        ("University of Northfield", "affiliation", 0.0),
        ("ada@northfield.example", "affiliation", 0.0),
        ("TOMOKO HAYASHI", "author", 0.0),
        ("University of Southfield", "affiliation", 0.0),
        ("tomoko@southfield.example", "affiliation", 0.0),
        ("JONAS LINDQVIST", "other", 0.0),
        ("University of Northfield", "affiliation", 0.0),
    )
    assert author_names(lines, lines[:1]) == ("ADA OKAFOR", "TOMOKO HAYASHI", "JONAS LINDQVIST")


def test_a_list_of_names_in_the_titles_print_is_of_authors() -> None:
    lines = _lines(
        ("How long it takes to read a paper", "title", 1.0),
        ("Qiang Okafor, Yi Lindqvist", "title", 0.5),
        ("Department of Reading, University of Northfield", "affiliation", 0.0),
    )
    assert title_of(title_lines(lines)) == "How long it takes to read a paper"
    assert author_names(lines, lines[:1]) == ("Qiang Okafor", "Yi Lindqvist")


def test_a_name_cut_by_the_end_of_a_line_goes_on_and_offices_and_degrees_are_no_names() -> None:
    lines = _lines(
        ("Ada M. Okafor 1 * and Jonas", "author", 0.0),
        ("D. Lindqvist 2", "author", 0.0),
        ("Decision Editor", "author", 0.0),
        ("Executive Director", "author", 0.0),
        ("R. N. Ph.D.", "author", 0.0),
    )
    assert author_names(lines, []) == ("Ada M. Okafor", "Jonas D. Lindqvist")


@pytest.mark.parametrize(
    "byline",
    [
        "S. Okafor a , on behalf of the NORTH and South Collaborations.",
        "S. Okafor for the NORTH Collaboration",
        "S. Okafor (NORTH collaboration)",
    ],
)
@pytest.mark.parametrize("label", ["author", "other", "title"])
def test_those_for_whom_somebody_writes_are_no_authors(byline: str, label: Label) -> None:
    lines = _lines(
        ("How Long It Takes to Read a Paper", "title", 1.0),
        (byline, label, 0.6 if label == "title" else 0.0),
        ("Laboratory of Reading, Northfield", "affiliation", 0.0),
    )
    assert title_of(title_lines(lines)) == "How Long It Takes to Read a Paper"
    assert author_names(lines, lines[:1]) == ("S. Okafor",)


def test_a_list_that_names_a_group_in_its_midst_goes_on_after_it() -> None:
    lines = _lines(
        ("Ada Okafor 1 , Jonas Lindqvist 2 ,", "author", 0.0),
        ("Tomoko Hayashi 8,9 (the slow reading task force),", "other", 0.0),
        ("Mira Castell 3 , Taskforce Team of the Slow Reading Sheet", "author", 0.0),
    )
    assert author_names(lines, []) == ("Ada Okafor", "Jonas Lindqvist", "Tomoko Hayashi", "Mira Castell")


def test_a_name_cut_at_its_hyphen_by_the_end_of_a_line_is_whole() -> None:
    lines = _lines(("Ada Okafor 1 , Jonas Marchand-", "author", 0.0), ("Lindqvist 2 , Tomoko Hayashi 1", "author", 0.0))
    assert author_names(lines, []) == ("Ada Okafor", "Jonas Marchand-Lindqvist", "Tomoko Hayashi")


def test_a_list_cut_by_the_end_of_a_line_goes_on_in_the_same_print_whatever_the_rest_reads_as() -> None:
    lines = _lines(
        ("Ada Okafor a, Pilar Castell b, Jonas", "author", 0.0),
        ("Lindqvist a and Tomoko Hayashi a", "abstract", 0.0),
        ("Reading takes long, and few have measured how long it takes.", "abstract", 0.0),
    )
    assert author_names(lines, []) == ("Ada Okafor", "Pilar Castell", "Jonas Lindqvist", "Tomoko Hayashi")


def test_authors_told_once_more_by_surname_and_initial_are_not_added() -> None:
    lines = _lines(
        ("Ada Okafor, Jonas Lindqvist and Tomoko Hayashi", "author", 0.0),
        ("Department of Reading", "affiliation", 0.0),
        ("Okafor A, Lindqvist J, Hayashi T. The length of reading", "author", 0.0),
    )
    assert author_names(lines, []) == ("Ada Okafor", "Jonas Lindqvist", "Tomoko Hayashi")


@pytest.mark.parametrize(
    "line",
    [
        "Ada Okafor. University of Northfield, Norway",
        "Author: Ada Okafor : Reading Science; Northfield",
        "• Ada Okafor , Instituto de Leitura",
    ],
)
def test_a_name_before_its_address_in_one_line_is_found(line: str) -> None:
    lines = _lines(("How Long It Takes to Read a Paper", "title", 1.0), (line, "affiliation", 0.0))
    assert author_names(lines, lines[:1]) == ("Ada Okafor",)


def test_a_name_above_the_title_is_the_authors_if_an_address_follows() -> None:
    lines = _lines(
        ("Ada Okafor", "other", 0.0),
        ("Institute of Reading, Northfield", "affiliation", 0.0),
        ("How Long It Takes to Read a Paper", "title", 1.0),
    )
    assert author_names(lines, lines[2:]) == ("Ada Okafor",)


def test_words_that_say_what_stands_below_are_no_title() -> None:
    lines = _lines(
        ("TITLE:", "title", 0.5),
        ("How long it takes to read", "title", 0.8),
        ("AUTHORS:", "title", 0.9),
        ("Okafor A, Lindqvist J", "author", 0.0),
    )
    assert title_of(title_lines(lines)) == "How long it takes to read"


def test_the_title_in_short_is_none_of_the_title_though_it_has_several_lines() -> None:
    lines = _lines(
        ("How long it takes to read a paper from its first line to its last", "title", 0.8),
        ("Short title:", "other", 0.2),
        ("How long it takes to read", "title", 1.0),
        ("a paper", "title", 1.0),
        ("Ada Okafor, Jonas Lindqvist", "author", 0.0),
    )
    assert title_of(title_lines(lines)) == "How long it takes to read a paper from its first line to its last"


def test_a_subtitle_in_smaller_print_is_of_the_title_if_it_reads_so() -> None:
    lines = _lines(
        ("Encoding models for printed pages", "title", 1.0),
        ("Does the page have a word to say?", "title", 0.7),
        ("Ada Okafor", "author", 0.0),
    )
    page = [replace(line, size=size) for line, size in zip(lines, (16.0, 11.0, 10.0), strict=True)]
    assert title_of(title_lines(page)) == "Encoding models for printed pages Does the page have a word to say?"


def test_a_formula_after_a_little_word_is_no_other_language() -> None:
    lines = _lines(
        ("Effects of impurities on the superconducting temperature of", "title", 1.0),
        ("Na z CoO 2 yH 2 O", "title", 1.0),
        ("Ada Okafor and Jonas Lindqvist", "author", 0.0),
    )
    assert title_of(title_lines(lines)).endswith("temperature of Na z CoO 2 yH 2 O")


def test_a_mark_after_the_last_word_makes_no_list_of_a_title() -> None:
    lines = _lines(
        ("How Growth Slows Reading by Vascular", "title", 1.0),
        ("Smooth Muscle Cell Papers 1,2", "title", 0.5),
        ("Ada Okafor and Jonas Lindqvist", "author", 0.0),
    )
    assert title_of(title_lines(lines)).endswith("Smooth Muscle Cell Papers 1,2")


def test_a_list_with_letters_before_half_a_bracket_goes_on_below_an_address_in_its_print() -> None:
    lines = _lines(
        ("Ada Okafor a) and Tomoko Hayashi", "author", 0.0),
        ("Department of Reading, University of Northfield", "affiliation", 0.0),
        ("Mira Castell", "author", 0.0),
        ("Department of Writing, University of Northfield", "affiliation", 0.0),
        ("P. Marchand and J. Lindqvist b)", "other", 0.0),
        ("Readers Group, Southfield", "affiliation", 0.0),
    )
    page = [replace(line, size=9.0 if line.label == "affiliation" else 10.0) for line in lines]
    assert author_names(page, [])[-2:] == ("P. Marchand", "J. Lindqvist")


def test_a_line_of_a_title_that_a_formula_makes_larger_goes_on_with_the_one_above() -> None:
    lines = _lines(
        ("First reading of the pages of long papers", "title", 1.0),
        ("and of the formula of D and K in them", "title", 1.0),
        ("Ada Okafor", "author", 0.0),
    )
    page = [replace(line, size=size) for line, size in zip(lines, (13.0, 15.0, 10.0), strict=True)]
    assert (
        title_of(title_lines(page)) == "First reading of the pages of long papers and of the formula of D and K in them"
    )

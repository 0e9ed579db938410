"""Where a title ends and a list of authors goes on: kinds of first pages that were once read wrongly."""

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

"""What the model of header lines says of a first page it has never seen."""

import pytest

from app.domain.knowledge import BlockKind
from app.extraction.header import extract_header
from app.extraction.header_lines import MAX_LINES, label_lines
from app.extraction.names import names_in_byline
from tests.extraction.papers import HOSTILE, of_kind, reading

FIRST_PAGE = {
    "Reading Papers Line by Line with Conditional": "title",
    "Random Fields": "title",
    "Ada Okafor, Jonas Lindqvist and Tomoko Hayashi": "author",
    "Department of Computer Science, University of Northfield": "affiliation",
    "{ada,jonas,tomoko}@northfield.example": "affiliation",
    "Abstract": "other",
    "We present a model that tells the parts of a paper's header apart. It reads": "abstract",
    "each line with its neighbours, and it is small enough to ship.": "abstract",
    "1 Introduction": "other",
}


def test_the_parts_of_a_first_page_are_told_by_how_they_read() -> None:
    labels = [line.label for line in label_lines(list(FIRST_PAGE))]
    assert dict(zip(FIRST_PAGE, labels, strict=True)) == FIRST_PAGE


def test_a_title_and_names_in_one_print_are_told_apart() -> None:
    page = reading(("\n".join(FIRST_PAGE), {"font_size": 6.8}))
    header = extract_header(page)
    assert header.title == "Reading Papers Line by Line with Conditional Random Fields"
    assert header.authors == ("Ada Okafor", "Jonas Lindqvist", "Tomoko Hayashi")


def test_a_note_on_how_to_cite_the_paper_is_not_its_title() -> None:
    page = reading(
        ("Cite this article: Okafor A. 2015\nReading papers line by line with\nrandom fields.", {"font_size": 10.0}),
        ("Reading papers line\nby line with random\nfields", {"font_size": 28.0}),
        ("Ada Okafor1, Jonas\nLindqvist2", {"font_size": 14.0}),
        ("1 Department of Reading, University of Northfield", {"font_size": 9.0}),
    )
    header = extract_header(page)
    assert header.title == "Reading papers line by line with random fields"
    assert header.authors == ("Ada Okafor", "Jonas Lindqvist")


def test_an_abstract_needs_no_label() -> None:
    text = "Bears produce the least grown young of all mammals.\nWe hypothesized that their milk reflects it."
    page = reading(
        ("The milk of bears", {"font_size": 28.0}),
        ("Ada Okafor and Jonas Lindqvist", {"font_size": 14.0}),
        ("Department of Bears, University of Northfield", {"font_size": 9.0}),
        (text, {"font_size": 9.0}),
        of_kind(BlockKind.HEADING, "1. Introduction"),
        ("Milk is white.", {"font_size": 9.0}),
    )
    assert extract_header(page).abstract == text.replace("\n", " ")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_has_a_label_for_each_line(text: str) -> None:
    lines = text.split("\n")
    assert len(label_lines(lines)) == min(len(lines), MAX_LINES)


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("Ada Okafor, M.S., Ph.D.,* Jonas Lindqvist, MD†", ("Ada Okafor", "Jonas Lindqvist")),
        ("Ada Okafor a,b,1, Jonas Lindqvist a and Tomoko van der Hayashi c", ("Ada Okafor", "Jonas Lindqvist", "Tomoko van der Hayashi")),
        ("ODILE DESSAUX, PIERRE GOUDMAND ET BRIGITTE MUTEL", ("ODILE DESSAUX", "PIERRE GOUDMAND", "BRIGITTE MUTEL")),
        ("", ()),
    ],
)  # fmt: skip
def test_names_in_a_byline_are_told_from_marks_degrees_and_each_other(byline: str, names: tuple[str, ...]) -> None:
    assert names_in_byline(byline) == names


def test_the_sign_of_an_orcid_beside_a_name_is_no_part_of_it() -> None:
    page = reading(
        ("Anxiety in those who read papers", {"font_size": 18.0}),
        ("Ada OkaforID1*, Jonas Lindqvist ID 2", {"font_size": 11.0}),
        ("1 Department of Reading, University of Northfield", {"font_size": 9.0}),
    )
    assert extract_header(page).authors == ("Ada Okafor", "Jonas Lindqvist")

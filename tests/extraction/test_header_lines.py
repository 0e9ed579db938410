"""What the model of header lines says of a first page it has never seen."""

import pytest

from app.domain.knowledge import BlockKind
from app.extraction.front import FrontLine
from app.extraction.header import extract_header
from app.extraction.header_lines import MAX_LINES, Label, Printed, as_labels, label_lines
from app.extraction.names import names_in_byline
from app.extraction.title import title_lines, title_of
from tests.extraction.papers import HOSTILE, of_kind, reading

pytestmark = pytest.mark.extended

FIRST_PAGE = {
    "Reading Papers Line by Line with Conditional": "title",
    "Random Fields": "title",
    "Ada Okafor, Jonas Lindqvist and Tomoko Hayashi": "author",
    "Department of Computer Science, University of Northfield": "affiliation",
    "{ada,jonas,tomoko}@northfield.example": "affiliation",
    "Abstract": "other",
    "We present a model that tells the parts of a paper's header apart. It reads": "abstract",
    "each line with its neighbours, and it is small enough to ship.": "abstract",
    "1 Introduction": "body",
}


def test_the_parts_of_a_first_page_are_told_by_how_they_read() -> None:
    labels = [line.label for line in label_lines(list(map(Printed, FIRST_PAGE)))]
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
    text = (
        "Bears produce the least grown young of all mammals that bear them alive, and we know little of why.\n"
        "We hypothesized that their milk reflects it, and measured what is in the milk of five giant pandas\n"
        "from the birth of their cubs to the age of six months. It took longer to become mature than that of\n"
        "other mammals, which suggests that the young go on growing outside as others do before they are born."
    )
    page = reading(
        ("The milk of bears", {"font_size": 28.0}),
        ("Ada Okafor and Jonas Lindqvist", {"font_size": 14.0}),
        ("Department of Bears, University of Northfield", {"font_size": 9.0}),
        (text, {"font_size": 9.0}),
        of_kind(BlockKind.HEADING, "1. Introduction"),
        ("Milk is white.", {"font_size": 9.0}),
    )
    assert extract_header(page).abstract == text.replace("\n", " ")


def test_a_title_is_whole_though_one_of_its_lines_reads_as_a_name_and_another_as_the_name_of_a_volume() -> None:
    page = reading(
        ("Volumetric Prediction with\nMonte Carlo Markov\nin Cardiac Subjects", {"font_size": 20.0, "bold": True}),
        ("how far a model goes", {"font_size": 14.0}),
        ("Ada Okafor and Jonas Lindqvist", {"font_size": 12.0}),
        ("Department of Reading, University of Northfield", {"font_size": 9.0}),
    )
    assert str(extract_header(page).title).startswith(
        "Volumetric Prediction with Monte Carlo Markov in Cardiac Subjects"
    )


def test_a_list_of_authors_goes_on_in_the_next_block_and_who_answers_letters_is_not_named_twice() -> None:
    page = reading(
        ("Reading papers line by line with random fields", {"font_size": 20.0}),
        ("Ada Okafor1, Jonas Lindqvist1,2, Tomoko", {"font_size": 11.0}),
        ("Hayashi2 and Maria da Silva1,*", {"font_size": 10.4}),
        ("1 Department of Reading, University of Northfield", {"font_size": 9.0}),
        ("2 Institute of Lines, University of Southfield", {"font_size": 9.0}),
        ("* Corresponding author:\nDr. Maria da Silva, maria@northfield.example", {"font_size": 9.0}),
    )
    assert extract_header(page).authors == ("Ada Okafor", "Jonas Lindqvist", "Tomoko Hayashi", "Maria da Silva")


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (("Abstract—Reading a paper takes long, and few people who write of it say how",), "Reading a paper"),
        (("a b s t r a c t", "Article history:", "Reading a paper takes long, and few people who write of it say how"), "Reading a paper"),
    ],
)  # fmt: skip
def test_an_abstract_begins_on_the_line_of_its_heading_or_below_what_stands_beside_it(
    lines: tuple[str, ...], first: str
) -> None:
    rest = [
        "long it took them. We asked forty people to read a paper each, and counted the",
        "hours until they came back.",
    ]
    page = reading(
        ("How long it takes to read a paper", {"font_size": 20.0}),
        ("Ada Okafor and Jonas Lindqvist", {"font_size": 12.0}),
        ("Department of Reading, University of Northfield", {"font_size": 9.0}),
        ("\n".join([*lines, *rest]), {"font_size": 10.0}),
        ("1 Introduction", {"font_size": 11.0, "bold": True}),
        ("Summary. Papers are read by people, who have other things to do.", {"font_size": 10.0}),
    )
    found = str(extract_header(page).abstract)
    assert found.startswith(first)
    assert found.endswith("came back.")


def test_a_title_may_have_a_line_that_begins_as_an_abstract_does_and_stand_below_a_larger_name_of_a_journal() -> None:
    page = reading(
        ("BIOLOGY", {"font_size": 28.0, "bold": True}),
        ("Using Logic Programs for Intelligent\nAbstract Diagnosis and\nDynamic Coordination", {"font_size": 20.0, "bold": True}),
        ("Ada Okafor1, Jonas Lindqvist2", {"font_size": 10.0}),
        ("1 Department of Reading, University of Northfield", {"font_size": 9.0}),
    )  # fmt: skip
    header = extract_header(page)
    assert header.title == "Using Logic Programs for Intelligent Abstract Diagnosis and Dynamic Coordination"
    assert header.authors == ("Ada Okafor", "Jonas Lindqvist")


def test_a_list_of_authors_ends_with_the_rest_of_a_name_and_marks_may_be_letters() -> None:
    page = reading(
        ("How long it takes to read a paper", {"font_size": 20.0}),
        ("Ada Okafor a,b, Jonas Lindqvist a, Tomoko", {"font_size": 11.0, "bold": True}),
        ("Hayashi b,*", {"font_size": 10.0}),
        ("a Department of Reading, University of Northfield", {"font_size": 9.0}),
    )
    assert extract_header(page).authors == ("Ada Okafor", "Jonas Lindqvist", "Tomoko Hayashi")


def test_a_name_is_found_before_the_address_on_its_line_where_no_line_is_of_names() -> None:
    page = reading(
        ("Encoding models for scholarly literature in the humanities", {"font_size": 20.0}),
        (
            "Ada Okafor [0000−0003−2196−6587], Humanities Computing Centre, University of Northfield",
            {"font_size": 10.0},
        ),
        ("Jonas Lindqvist, Institut de Lecture, Université du Nord", {"font_size": 10.0}),
    )
    assert extract_header(page).authors == ("Ada Okafor", "Jonas Lindqvist")


def test_a_title_does_not_end_in_a_little_word_whatever_the_next_line_reads_as() -> None:
    told: dict[str, tuple[Label, float]] = {
        "Accurate recognition of actions on the": ("title", 1.0),
        "Grassmann Manifold": ("author", 0.1),
        "Ada Okafor": ("author", 0.0),
    }
    lines = [
        FrontLine(text, at, at, at, 1, BlockKind.PARAGRAPH, None, False, label, title)
        for at, (text, (label, title)) in enumerate(told.items())
    ]
    assert title_of(title_lines(lines)) == "Accurate recognition of actions on the Grassmann Manifold"


def test_of_two_languages_the_first_is_taken_and_numbers_of_orcids_are_no_part_of_names() -> None:
    page = reading(
        ("Compromiso de los ayuntamientos con la\ndivulgación de información", {"font_size": 17.0}),
        ("The commitment of city councils on the dissemination of information", {"font_size": 17.0}),
        ("Ada OKAFOR-LUNA1 0000-0002-6670-5818", {"font_size": 9.0}),
        ("Jonás Lindqvist2 https://orcid.org/0000-0002-4924-0908", {"font_size": 9.0}),
        ("Resumen", {"font_size": 14.0, "bold": True}),
        (
            "La divulgación de información se desarrolló en el sector privado, hecho que se ha extendido de\n"
            "forma paulatina al sector público, donde las administraciones locales han actuado al respecto.",
            {"font_size": 9.0},
        ),
        ("Palabras clave: ayuntamientos, información", {"font_size": 9.0}),
        ("Abstract", {"font_size": 14.0, "bold": True}),
        ("Disclosure of information began in the private sector, and has come to the public one.", {"font_size": 9.0}),
    )
    header = extract_header(page)
    assert header.title == "Compromiso de los ayuntamientos con la divulgación de información"
    assert header.authors == ("Ada OKAFOR-LUNA", "Jonás Lindqvist")
    assert str(header.abstract).endswith("han actuado al respecto.")


def test_names_in_their_print_are_authors_though_one_reads_as_something_else() -> None:
    page = reading(
        ("How long it takes to read a paper", {"font_size": 20.0}),
        ("Ada Okafor and Jonas Lindqvist", {"font_size": 12.0, "bold": True}),
        ("Department of Reading, University of Northfield", {"font_size": 12.0}),
        ("Marvel Lune", {"font_size": 12.0, "bold": True}),
        ("Principal Lecturer, Southfield", {"font_size": 12.0}),
    )
    assert extract_header(page).authors == ("Ada Okafor", "Jonas Lindqvist", "Marvel Lune")


def test_headings_within_an_abstract_do_not_end_it() -> None:
    parts = {
        "Introduction:": "Reading a paper takes long, and few people who write of it say how long it took them.",
        "Methods:": "We asked forty people to read a paper each, and counted the hours until they came back.",
        "Results:": "It took between two and thirty hours; nine of them did not come back until we left.",
    }
    abstract: list[tuple[str, dict[str, object]]] = [
        (line, {"font_size": 10.0, "bold": line in parts}) for part in parts.items() for line in part
    ]
    page = reading(
        ("How long it takes to read a paper", {"font_size": 20.0}),
        ("Ada Okafor and Jonas Lindqvist", {"font_size": 12.0}),
        ("Department of Reading, University of Northfield", {"font_size": 9.0}),
        ("Abstract", {"font_size": 11.0, "bold": True}),
        *abstract,
        ("1 Introduction", {"font_size": 11.0, "bold": True}),
        ("Papers are read by people, who have other things to do.", {"font_size": 10.0}),
    )
    found = str(extract_header(page).abstract)
    assert all(text in found for text in parts.values())
    assert "other things to do" not in found


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_has_a_label_for_each_line(text: str) -> None:
    lines = text.split("\n")
    assert len(label_lines(list(map(Printed, lines)))) == min(len(lines), MAX_LINES)


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("Ada Okafor, M.S., Ph.D.,* Jonas Lindqvist, MD†", ("Ada Okafor", "Jonas Lindqvist")),
        ("Ada Okafor a,b,1, Jonas Lindqvist a and Tomoko van der Hayashi c", ("Ada Okafor", "Jonas Lindqvist", "Tomoko van der Hayashi")),
        ("ODILE DESSAUX, PIERRE GOUDMAND ET BRIGITTE MUTEL", ("ODILE DESSAUX", "PIERRE GOUDMAND", "BRIGITTE MUTEL")),
        ("A. Okafor, T. T. Hayashi, J. Lindqvist, P. Roy1, H. Seki", ("A. Okafor", "T. T. Hayashi", "J. Lindqvist", "P. Roy", "H. Seki")),
        ("EVA OKAFOR, ADA LINDQVIST AND HAROLD H. HAYASHI", ("EVA OKAFOR", "ADA LINDQVIST", "HAROLD H. HAYASHI")),
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


def test_a_list_cut_in_other_print_is_whole_and_what_stands_in_its_print_further_down_is_of_no_names() -> None:
    page = reading(
        ("How long it takes to read a paper", {"font_size": 20.0, "bold": True}),
        ("Ada Okafor 1,2, Jonas Lindqvist 1, Seppo-Tapio Luna 1,", {"font_size": 11.0}),
        ("Vesa P Hayashi 2 and J Jussi Torres 1", {"font_size": 11.0, "bold": True}),
        ("1 Department of Reading, University of Northfield", {"font_size": 9.0}),
        ("Abstract", {"font_size": 11.0, "bold": True}),
        ("Reading a paper takes long, and few people who write of associative thesaurus say how.", {"font_size": 10.0}),
        ("Key Messages", {"font_size": 11.0}),
        ("Associative Thesaurus", {"font_size": 11.0}),
    )
    names = ("Ada Okafor", "Jonas Lindqvist", "Seppo-Tapio Luna", "Vesa P Hayashi", "J Jussi Torres")
    assert extract_header(page).authors == names


def test_no_body_begins_before_its_heading() -> None:
    assert list(as_labels(["title", "body", "heading", "body"])) == ["title", "abstract", "body", "body"]

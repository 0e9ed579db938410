"""Title, authors, abstract, year and DOI of hand-made first pages."""

import pytest

from app.domain.knowledge import BlockKind, Metadata
from app.extraction.assemble import build_document
from app.extraction.header import extract_header, find_doi
from app.extraction.people import names_in
from app.extraction.published import find_year
from app.extraction.readers.made import year_in
from tests.extraction.papers import HOSTILE, of_kind, reading, seed, text_reading

pytestmark = pytest.mark.extended


def test_the_seed_paper_tells_its_header() -> None:
    document = build_document(seed())
    assert document.title == "Lattice Reading: Joint Header and Entity Extraction for Scientific Papers"
    assert document.authors == ("Mira Okafor", "Jonas Lindqvist", "Tomoko Hayashi")
    assert (document.year, document.doi, document.pages) == (2023, "10.5555/lattice.2023.0042", 3)
    assert document.abstract is not None
    assert document.abstract.startswith("We present LatticeReader")
    assert document.abstract.endswith("recall of 69.9.")


def test_what_the_file_declares_is_believed_and_the_rest_is_found_by_rule() -> None:
    told = Metadata(title="The declared title", authors=("A. Declared",))
    page = reading(("A printed title of words", {}), ("Ada Printed", {}), ("Abstract\nWe read.", {}), metadata=told)
    header = extract_header(page)
    assert (header.title, header.authors, header.abstract) == ("The declared title", ("A. Declared",), "We read.")


def test_the_largest_print_above_the_abstract_is_the_title() -> None:
    page = reading(
        ("Trials (2015) 16:50", {"font_size": 8.0, "kind": BlockKind.FURNITURE}),
        ("METABOLICA", {"font_size": 38.0}),
        ("A study of reading\nin two lines", {"font_size": 18.0, "bold": True}),
        ("Min Zhang1,*  Jie Zhang2 and Jian van der Su3", {"font_size": 12.0, "bold": True}),
        ("1 Institute for Reading, 21 Some Street\n{min,jie}@reading.example", {"font_size": 10.0}),
        ("Abstract", {"font_size": 12.0}),
        ("We read papers.", {"font_size": 10.0}),
        ("1 Introduction", {"font_size": 12.0}),
        ("Reading is old (Smith, 1999).", {"font_size": 10.0}),
    )
    header = extract_header(page)
    assert header.title == "A study of reading in two lines"
    assert header.authors == ("Min Zhang", "Jie Zhang", "Jian van der Su")
    assert header.abstract == "We read papers."
    assert header.year == 2015


def test_blocks_that_the_reader_marked_are_the_header() -> None:
    page = reading(
        of_kind(BlockKind.TITLE, "On marks"),
        of_kind(BlockKind.AUTHORS, "Ada Lovelace†, Charles Babbage‡"),
        of_kind(BlockKind.ABSTRACT, "Abstract. Marks are read."),
    )
    header = extract_header(page)
    assert (header.title, header.abstract) == ("On marks", "Marks are read.")
    assert header.authors == ("Ada Lovelace", "Charles Babbage")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("Mira Okafor*, Jonas Lindqvist and Tomoko Hayashi", ("Mira Okafor", "Jonas Lindqvist", "Tomoko Hayashi")),
        ("Min ZHANG Jie ZHANG Jian SU", ("Min ZHANG", "Jie ZHANG", "Jian SU")),
        ("BEN D. SMITH AND PAUL S. ROSE", ("BEN D. SMITH", "PAUL S. ROSE")),
        ("Catherine Macleod, Antonio Moreno t", ("Catherine Macleod", "Antonio Moreno")),
        ("A. Casillas(1), K. Gojenola(2)", ("A. Casillas", "K. Gojenola")),
        ("Carlos Aguiar de Medeiros **", ("Carlos Aguiar de Medeiros",)),
        ("Department of Document Engineering, Northfield University", ()),
        ("mira@northfield.example", ()),
        ("We present a method.", ()),
        ("", ()),
    ],
)
def test_a_line_of_names_gives_clean_names_and_any_other_gives_none(line: str, names: tuple[str, ...]) -> None:
    assert names_in(line) == names


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("https://doi.org/10.1186/S13063-015-0567-7.", "10.1186/s13063-015-0567-7"),
        ("(doi:10.1016/s0140(99)00001-2).", "10.1016/s0140(99)00001-2"),
        ("version 10.4/3 of it", None),
        ("", None),
    ],
)
def test_a_doi_comes_without_resolver_and_punctuation(text: str, doi: str | None) -> None:
    assert find_doi(text) == doi


def test_a_year_stands_alone() -> None:
    assert find_year("pages 2270-2282, July 2020") == 2020
    assert find_year("12019 and 10.2019/5") is None


def test_years_of_citations_and_of_references_are_not_the_papers_own() -> None:
    page = text_reading(
        "A title of words\n\nAda Lovelace\n\nAbstract\n\nAs Smith (1999) says.\n\n1 Introduction\n\nIn 1998."
    )
    assert extract_header(page).year is None


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_has_a_header_of_some_kind(name: str) -> None:
    header = extract_header(text_reading(HOSTILE[name]))
    assert header.title is None or 0 < len(header.title) <= 400


@pytest.mark.parametrize(
    ("lines", "year"),
    [
        (["Received 31 August 2006; accepted 30 October 2007; published 10 January 2008."], 2008),
        (["Class. Quantum Grav. 25 (2008) 114037 (8pp)", "Received 11 November 2007"], 2008),
        (["F1000Research 2015, 3:190", "First published: 12 Aug 2014, 3:190"], 2014),
        (["Annals of Botany 103: 1557-1566, 2009", "Downloaded by guest on March 17, 2013"], 2009),
        (["arXiv:2104.10542v1 [cs.LO] 21 Apr 2021"], 2021),
        (["September 24, 2014"], 2014),
        (["c 2009 ACL and AFNLP"], 2009),
        (["Submitted for peer review 19 November 2009"], 2009),
    ],
)
def test_a_year_is_believed_by_what_it_is_said_to_be(lines: list[str], year: int | None) -> None:
    page = text_reading("\n\n".join(["A title of some words", "Ada Lovelace", *lines]))
    assert extract_header(page).year == year, lines


def test_the_year_of_the_file_counts_only_where_the_text_speaks_of_one_shortly_before() -> None:
    page = text_reading("A title of words\n\nAda Lovelace\n\nAbstract\n\nAs Smith (2002) says.")
    years = [extract_header(page.model_copy(update={"made": made})).year for made in (None, 2001, 2002, 2004, 2005)]
    assert years == [None, None, 2002, 2004, None]


def test_the_date_of_a_file_is_read_also_as_old_distillers_wrote_it() -> None:
    dates = ("D:20020923135714-04'00'", "D:191030412200224", "2003", "", "D:", "soon")
    assert [year_in(date) for date in dates] == [2002, 2003, 2003, None, None, None]

"""The list of references: where entries begin, and what each says."""

import pytest

from app.domain.knowledge import BlockKind, Reading, Reference
from app.extraction import references as references_module
from app.extraction.assemble import build_document
from app.extraction.citation_rules import corrected
from app.extraction.citation_words import words
from app.extraction.citations import Citation, fields_of, parse_citation
from app.extraction.reference_lines import Line, label_lines, longest_run
from app.extraction.references import extract_references
from tests.extraction.papers import HOSTILE, of_kind, reading, seed, text_reading

pytestmark = pytest.mark.extended


def references(page: Reading) -> tuple[Reference, ...]:
    return extract_references(page, build_document(page))


def assert_exact(page: Reading) -> None:
    at = 0
    for number, entry in enumerate(references(page), start=1):
        assert entry.number == number
        assert at <= entry.start < entry.end <= len(page.text)
        shown = page.text[entry.start : entry.end]
        for block in page.blocks:
            if block.kind is BlockKind.FURNITURE and entry.start <= block.start < entry.end:
                shown = shown.replace(page.text[block.start : block.end], "", 1)
        assert " ".join(shown.split()) == entry.raw
        at = entry.end


def test_the_seed_paper_has_six_references_and_every_field_of_one() -> None:
    found = references(seed())
    assert [entry.year for entry in found] == [2016, 2018, 2019, 2020, 2021, 2022]
    assert found[1].authors == ("S. Marchetti", "P. Novak", "R. Iyer")
    assert found[1].title == "Named entities in the margins of science"
    assert found[1].venue == "Journal of Invented Informatics"
    assert found[1].doi == "10.5555/jii.2018.1203"
    assert found[2].authors == ("Hayashi, T.", "Weber, K.")
    assert found[4].title == "Timing neural networks fairly"
    assert_exact(seed())


def test_marked_references_are_entries_each() -> None:
    page = reading(
        ("We read [1].", {}),
        of_kind(BlockKind.REFERENCE, "Smith, J. (1999). Reading."),
        of_kind(BlockKind.REFERENCE, "Weber, K. (2001). Writing."),
    )
    assert [(entry.year, entry.title) for entry in references(page)] == [(1999, "Reading"), (2001, "Writing")]
    assert_exact(page)


def test_one_marked_block_may_hold_several_numbered_entries() -> None:
    page = reading(of_kind(BlockKind.REFERENCE, "[1] A. Brandt. Reading. 1999. [2] B. Novak. Writing. 2001."))
    assert [entry.year for entry in references(page)] == [1999, 2001]


@pytest.mark.parametrize(
    "entries",
    [
        "[1] A. Brandt. Reading it\n[12] all. 1999.\n[2] B. Novak. Writing. 2001.",
        "1. Brandt A. Reading it all. 1999.\n2. Novak B. Writing\n2003 times. 2001.",
        "[Bra99] A. Brandt. Reading it all. 1999.\n[Nov01] B. Novak. Writing. 2001.",
        "Brandt, A. 1999. Reading it all.\nNovak, B. and Iyer, R. 2001. Writing\non paper.",
        "Anna Brandt. 1999. Reading\nit all.\nBert Novak and Ruth Iyer. 2001. Writing.",
    ],
)
def test_a_list_is_split_by_its_numbers_or_by_its_authors(entries: str) -> None:
    page = text_reading(f"1 Introduction\n\nWe read.\n\nReferences\n{entries}")
    assert len(references(page)) == 2
    assert_exact(page)


LINES = """[1] A. Brandt and B. Novak. Reading it all, line
by line. Journal of Lines 3, 1–9, 1999.
[2] R. Iyer. Writing on
paper. Journal of Paper 12, 3–9, 2004.
[3] T. Hayashi. Numbers that
were lost. Journal of Numbers 4, 7–12, 2005."""


def test_lines_are_told_by_how_entries_begin_and_which_number_is_next() -> None:
    lines = [Line(text, apart=False) for text in LINES.split("\n")]
    assert label_lines(lines) == ["first", "more"] * 3


@pytest.mark.parametrize(
    ("numbers", "run"),
    [
        ([1, 2, 3], [0, 1, 2]),
        ([2003, 1, 2, 1999, 3], [1, 2, 4]),
        ([1, 2, 5, 3, 4, 5, 6], [0, 1, 3, 4, 5, 6]),
        ([1, 2, 4, 5], [0, 1, 2, 3]),
        ([1, 2, 50], [0, 1]),
        ([], []),
    ],
)
def test_the_run_of_numbers_is_the_longest(numbers: list[int], run: list[int]) -> None:
    assert longest_run(numbers) == run


def test_a_page_number_inside_an_entry_is_none_of_it() -> None:
    page = reading(
        ("References", {}), ("Ada Brandt. 1999. Reading it all. In Proc. of X.", {}), ("Bert Novak and Ruth Iyer. 2001.", {}),
        of_kind(BlockKind.FURNITURE, "2278"), ("Writing on paper. In Proc. of Y.", {}), ("Carl Dee. 2002. Printing. In Z.", {}),
    )  # fmt: skip
    assert [entry.title for entry in references(page)] == ["Reading it all", "Writing on paper", "Printing"]
    assert_exact(page)


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        (
            "[3] Lafferty, J., McCallum, A. and Pereira, F.: Reading lattices. In: Proceedings of X, pp. 1-9 (2001)",
            Citation(
                ("Lafferty, J.", "McCallum, A.", "Pereira, F."),
                "Reading lattices",
                "Proceedings of X",
                2001,
                pages="1-9",
            ),
        ),
        (
            "12. Hoot S, McGuire AT. Recombinant reading fails. PLoS Pathog 9(1): e1003106, 2013",
            Citation(
                ("Hoot S", "McGuire AT"), "Recombinant reading fails", "PLoS Pathog", 2013, None, "9", "1", "e1003106"
            ),
        ),
        (
            "12. Hoot S, McGuire AT. Recombinant reading fails. PLoS Pathog 2013;9(1): e1003106",
            Citation(
                ("Hoot S", "McGuire AT"), "Recombinant reading fails", "PLoS Pathog", 2013, None, "9", "1", "e1003106"
            ),
        ),
        (
            "Teng, Edmond and Larry Squire. 1999. “Memory for places.” Nature 400: 675-677.",
            Citation(
                ("Teng", "Edmond", "Larry Squire"), "Memory for places", "Nature", 1999, None, "400", None, "675-677"
            ),
        ),
        (
            "Brandt A, Osei L. Reading order. In: Novak P, editor. Handbook of Documents. Berlin: Springer; 2016. p. 3-9.",
            Citation(
                ("Brandt A", "Osei L"),
                "Reading order",
                "Handbook of Documents",
                2016,
                pages="3-9",
                editors=("Novak P",),
                publisher="Springer",
            ),
        ),
        ("Contract of 1999, see 10.5555/abc.", Citation((), None, None, 1999, "10.5555/abc")),
    ],
)
def test_an_entry_is_told_apart(raw: str, parsed: Citation) -> None:
    found = parse_citation(raw)
    if parsed.title is None:
        assert (found.year, found.doi) == (parsed.year, parsed.doi)
    else:
        assert found == parsed


def test_a_year_at_the_head_of_a_volume_is_the_date_unless_there_is_another() -> None:
    short = "Nature 2013;9"
    assert fields_of(short, words(short), ["venue", "volume", "volume"]) == {
        "venue": "Nature",
        "volume": "9",
        "date": "2013",
    }
    both = "2012. Nature 2013;9"
    told = fields_of(both, words(both), ["date", "venue", "volume", "volume"])
    assert (told["date"], told["volume"]) == ("2012", "9")


@pytest.mark.parametrize(
    ("citation", "told", "right"),
    [
        ("Phys D85", "venue volume volume", "venue venue volume"),
        ("Phys N1", "venue volume volume", "venue volume volume"),
        ("Phys 85", "venue volume", "venue volume"),
        ("Phys arXiv:1706.02515 [hep]", "venue other pages pages note", "venue url url url note"),
        ("Phys hep-th/9906022", "venue note note pages", "venue url url url"),
        ("Phys (2013), 1209.2258", "venue date pages pages", "venue date url url"),
        ("Phys (2013), 1299.2258", "venue date pages pages", "venue date pages pages"),
        ("Phys (2013), 12/1209.2258", "venue date issue pages pages", "venue date issue pages pages"),
        ("Osei L, eds. Reading", "author author other title", "editor editor other title"),
        ("Osei L (ed.) Reading", "author author other title", "editor editor other title"),
        ("Osei L. Org Synth", "author author venue venue", "author author venue venue"),
        ("Reading. Osei L (Hg.)", "title author author other", "title editor editor other"),
        ("—, and Osei L", "author author author", "other author author"),
        ("Brandt and Osei", "author author author", "author author author"),
        ("p. 12, March xii", "other pages pages pages", "other pages other pages"),
        ("abstract", "pages", "pages"),
    ],
)
def test_what_rules_know_better_than_the_model_replaces_its_labels(citation: str, told: str, right: str) -> None:
    assert corrected(citation, words(citation), told.split()) == right.split()


def test_editors_at_the_head_of_an_entry_are_no_authors() -> None:
    found = parse_citation("Brandt A, Osei L, eds. Handbook of Documents. Berlin: Springer; 2016.")
    assert (found.authors, found.editors) == ((), ("Brandt A", "Osei L"))


def test_a_paper_without_a_list_has_no_references() -> None:
    assert references(text_reading("1 Introduction\n\n[1] is cited here.\n[2] too.")) == ()


def test_an_endless_list_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references_module, "MAX_REFERENCES", 5)
    page = text_reading("References\n\n" + "\n".join(f"[{n}] Reading again." for n in range(1, 20)))
    assert len(references(page)) == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_spans_are_exact_in_a_hostile_text(name: str) -> None:
    assert_exact(text_reading(HOSTILE[name]))


def test_a_text_of_only_references_gives_them() -> None:
    assert [entry.year for entry in references(text_reading(HOSTILE["only references"]))] == [2016, 2018]

"""The yardstick itself: what is held back, and what counts as found."""

from pathlib import Path

import pytest

from app.extraction.citation_words import words
from tests.evaluation.data import VARIABLE, data_folder
from tests.evaluation.matching import matches, similar
from tests.evaluation.model import f1
from tests.evaluation.split import Part, part_of
from tests.training.citation_strings import AnnotatedCitation, learnable

pytestmark = pytest.mark.extended


def test_a_paper_is_in_the_same_part_for_good() -> None:
    assert [part_of(name) for name in ("C00-2148", "C08-1014", "3-190", "scielo-a2")] == [
        "development",
        "test",
        "development",
        "test",
    ]


def test_the_share_that_is_held_back_is_what_was_asked_for() -> None:
    held_back = sum(part_of(f"string {number}", test=0.2) == "test" for number in range(2000))
    assert held_back == pytest.approx(400, abs=40)


def test_a_string_that_is_held_back_is_not_learnt_from_in_another_spelling_of_another_set() -> None:
    def annotated(data: str, part: Part, text: str) -> AnnotatedCitation:
        return AnnotatedCitation(data, part, text, words(text), ["title"] * len(words(text)))

    held_back = annotated("anystyle", "test", "Osei, L. Reading. 2001.")
    copy = annotated("grobid", "development", "Osei L , Reading( 2001 )")
    other = annotated("grobid", "development", "Osei L, Writing (2001)")
    assert learnable([held_back, copy, other]) == [other]


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        ("READING  PAPERS", "Reading papers", True),
        ("Reading papers*", "Reading papers", True),
        ("Reading papers in four languages", "Reading papers", False),
        (None, "Reading papers", False),
    ],
)
def test_a_field_is_found_when_four_fifths_of_it_are_right(found: str | None, wanted: str, same: bool) -> None:
    assert similar(found, wanted) is same


def test_what_is_found_once_counts_once() -> None:
    assert matches(["Methods"], ["Methods", "Methods"]) == 1
    assert f1(right=1, found=1, wanted=2) == pytest.approx(200 / 3)


def test_missing_data_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(SystemExit, match=f"set {VARIABLE} to a folder with papers/truth.json"):
        data_folder()

"""Where the fields of a header stand, and on which page any character does."""

import pytest

from app.domain.knowledge import Document, Turn
from app.extraction.origins import header_origins
from app.extraction.readers.draft import Draft

pytestmark = pytest.mark.extended

FRONT = (
    "Journal of Things 2019\n\nOn the Growth\nof Trees\n\nAda Lovelace1 and Alan\nTuring2\n\nAbstract\n"
    "We grow trees and show that\nthey grow. Page 7 Nothing else grows as fast as trees do here.\n\ndoi:10.1000/ABC.7"
)
ABSTRACT = "We grow trees and show that they grow. Nothing else grows as fast as trees do here."


def found(text: str = FRONT, **fields: object) -> dict[str, str]:
    document = Document.model_validate({"text": text, **fields})
    return {name: text[span.start : span.end] for name, span in header_origins(document).items()}


def test_a_field_is_found_over_the_ends_of_lines_and_in_any_case() -> None:
    assert found(title="On The Growth of Trees", doi="10.1000/abc.7", year=2019) == {
        "title": "On the Growth\nof Trees",
        "doi": "10.1000/ABC.7",
        "year": "2019",
    }


def test_a_long_field_may_have_other_things_in_between() -> None:
    assert found(abstract=ABSTRACT)["abstract"].replace("\n", " ").replace("Page 7 ", "") == ABSTRACT


def test_a_field_the_text_does_not_show_has_no_place() -> None:
    assert found(title="A Title from the Metadata", authors=("Nobody Here",), year=1984) == {}


def test_part_of_a_longer_word_is_no_place() -> None:
    assert found("10.1/x20191", year=2019) == {}


@pytest.mark.parametrize(("character", "page"), [(0, 1), (9, 1), (10, 2), (24, 2), (25, 1), (30, 3), (1000, 3)])
def test_a_character_is_on_the_page_of_the_turn_before_it(character: int, page: int) -> None:
    turns = (Turn(10, 2), Turn(25, 1), Turn(30, 3))
    assert Document(turns=turns).page_at(character) == page


def test_a_paragraph_that_goes_on_overleaf_turns_within() -> None:
    draft = Draft()
    draft.add("one\ntwo", page=1, next_page_at=4)
    draft.add("a note of page one", page=1)
    draft.add("three", page=2)
    assert draft.turns == [(3, 2), (9, 1), (29, 2)]

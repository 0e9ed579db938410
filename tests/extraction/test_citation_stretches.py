"""The stretches that punctuation parts a citation into, as its words see them."""

import pytest

from app.extraction.citation_words import features, words

pytestmark = pytest.mark.extended

CITATION = "Osei, L. A. (2001). Reading at night, slowly: a study. In Proceedings of the Night, Springer, 12-19."


def seen_by(text: str) -> set[str]:
    found = words(CITATION)
    at = next(i for i, word in enumerate(found) if word.text == text)
    return set(features(CITATION, found)[at])


def test_a_word_sees_how_its_stretch_begins_and_ends_and_where_it_stands_in_it() -> None:
    assert {"s.first=reading", "s.last=night", "s.size=3", "s.in=1|1", "s.round=)._|,_"} <= seen_by("at")


def test_a_full_stop_between_two_initials_parts_nothing() -> None:
    assert {"s.first=l", "s.last=a", "s.form=0020"} <= seen_by("A")


def test_a_word_sees_what_kinds_of_stretches_are_before_and_behind_it() -> None:
    seen = seen_by("slowly")
    assert {"s.ahead=meeting", "s.ahead=press"} <= seen
    assert not {feature for feature in seen if feature.startswith("s.behind=")}
    assert "s.behind=meeting" in seen_by("Springer")
    assert not {"s.ahead=meeting", "s.behind=meeting"} & seen_by("Proceedings")


def test_a_word_sees_the_stretches_beside_its_own() -> None:
    seen = seen_by("Springer")
    assert {"s-1.kinds=meeting", "s-1.first=in", "s1.form=D2", "s2:none"} <= seen
    assert "s.forms=3200|1000|D2" in seen


def test_a_word_sees_whether_its_stretch_is_the_longest() -> None:
    assert "s.longest=0" in seen_by("Proceedings")
    assert "s.longest=-1" in seen_by("Reading")
    assert "s.longest=1" in seen_by("Springer")

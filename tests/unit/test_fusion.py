"""Two orders become one: what stands well in both comes first, and neither pushes the other out."""

import random

import pytest

from app.domain.fusion import fuse


def order(*orders: list[str]) -> list[str]:
    return [name for name, _ in fuse(*orders)]


def test_one_order_stays_as_it_is() -> None:
    assert order(["b", "a", "c"], []) == ["b", "a", "c"]
    assert order([], ["b", "a", "c"]) == ["b", "a", "c"]


def test_what_both_have_comes_before_what_one_has() -> None:
    assert order(["a", "b", "c"], ["d", "c", "e"])[0] == "c"


def test_the_scores_are_those_of_cormack_and_others() -> None:
    assert dict(fuse(["a", "b"], ["b"])) == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 1 / 61})


def test_of_equals_the_first_order_s_comes_first() -> None:
    assert order(["a", "b"], ["c", "d"]) == ["a", "c", "b", "d"]


def test_at_any_cut_at_least_half_is_of_the_first_order() -> None:
    draw = random.Random(3)
    names = [f"n{number}" for number in range(60)]
    for _ in range(200):
        first, second = draw.sample(names, 20), draw.sample(names, 20)
        fused = order(first, second)
        assert set(fused) == {*first, *second}
        for cut in range(1, 21):
            of_the_first = sum(name in first for name in fused[:cut])
            assert of_the_first >= cut / 2

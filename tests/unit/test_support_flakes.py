"""What `make flakes` counts."""

import pytest

from tests.support.flakes import count_flakes

pytestmark = pytest.mark.extended

PRINTED = {
    1: (0, "....\n4 passed in 1.00s\n"),
    2: (
        1,
        "FAILED tests/a.py::test_one[a b] - AssertionError: no\nERROR tests/a.py::test_two\n1 failed, 1 error in 2.00s\n",
    ),
    3: (
        1,
        "FAILED tests/a.py::test_one[a b] - TimeoutError\nERROR tests/a.py::test_one[a b] - x\n1 failed, 1 error in 2.00s\n",
    ),
    4: (3, "INTERNALERROR> no\n"),
}


def test_each_flake_is_told_with_the_orders_that_show_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert count_flakes([1, 2, 3, 4], PRINTED.__getitem__) == {
        "tests/a.py::test_one[a b]": [2, 3],
        "tests/a.py::test_two": [2],
        "exit code 3": [4],
    }
    assert [line.partition(",")[0] for line in capsys.readouterr().out.splitlines()] == [
        *("round 1", "round 2", "    tests/a.py::test_one[a b]", "    tests/a.py::test_two"),
        *("round 3", "    tests/a.py::test_one[a b]", "round 4", "    exit code 3"),
    ], "the round that failed names what failed in it, at once"

"""A run leaves out whole files, unimported, only where it would take no test of them."""

import ast
from pathlib import Path

import pytest

from tests.architecture.test_imports import ROOT
from tests.support.lanes import marks_left_out, marks_of_all

pytestmark = pytest.mark.extended

FILES = sorted((ROOT / "tests").glob("**/test_*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT / "tests").as_posix())
def test_what_a_file_is_read_to_be_marked_with_is_what_python_marks_it_with(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    marked = [
        mark
        for line in ast.parse(source).body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "pytestmark"
        for mark in (line.value.elts if isinstance(line.value, ast.List) else [line.value])
    ]
    by_name = {mark.attr for mark in marked if isinstance(mark, ast.Attribute)}
    assert marks_of_all(source) == by_name, "`pytestmark` stands at the left and in no string: else tests are never run"


@pytest.mark.parametrize(
    ("line", "marks"),
    [
        ("pytestmark = pytest.mark.slow", {"slow"}),
        ("pytestmark = [pytest.mark.anyio, pytest.mark.slow]", {"anyio", "slow"}),
        ("pytestmark = [\n    pytest.mark.slow,\n    pytest.mark.skipif(True, reason='no')\n]", {"slow"}),
        ("pytestmark = pytest.mark.slow if BIG else pytest.mark.anyio", set()),
        ("pytestmark = [pytest.mark.anyio, *([pytest.mark.slow] if BIG else [])]", set()),
        ("pytestmark = pytest.mark.parametrize('k', [1, pytest.param(2, marks=pytest.mark.slow)])", set()),
    ],
)
def test_a_mark_that_only_some_tests_have_is_none_of_the_file(line: str, marks: set[str]) -> None:
    assert marks_of_all(f"import pytest\n\n{line}\n") == marks


@pytest.mark.parametrize(
    ("expression", "live", "left_out"),
    [
        ("", False, {"live"}),
        ("", True, {"in_process"}),
        ("not slow", False, {"live", "slow"}),
        ("not slow and not extended", False, {"live", "slow", "extended"}),
        ("not slow or smoke", False, {"live"}),
        ("slow and not extended", False, {"live"}),
        ("not (slow or extended)", False, {"live"}),
        ("slow or extended", False, {"live"}),
    ],
)
def test_a_run_leaves_out_the_marks_it_says_it_does_not_want(expression: str, live: bool, left_out: set[str]) -> None:
    assert marks_left_out(expression, live=live) == left_out

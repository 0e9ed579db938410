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
        ast.unparse(line.value)
        for line in ast.parse(source).body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "pytestmark"
    ]
    assert marks_of_all(source) == marks_of_all(f"pytestmark = {''.join(marked)}"), (
        "`pytestmark` is one line or list of its own at the left, and stands in no string: else tests are never run"
    )


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

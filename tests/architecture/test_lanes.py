"""The fast lane leaves out nothing but what is slow."""

import re

import pytest

from tests.architecture.test_imports import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NOT_IMPORTED = re.findall(r"^SLOW +:= (.+)$", MAKEFILE, re.MULTILINE)[0].split()


@pytest.mark.parametrize("folder", NOT_IMPORTED)
def test_all_in_a_folder_that_the_fast_lane_does_not_import_is_marked_slow(folder: str) -> None:
    files = sorted((ROOT / folder).glob("**/test_*.py"))
    assert files, f"the Makefile names {folder}, where no test is"
    unmarked = [
        file.name for file in files if not re.search(r"^pytestmark = .*\bslow\b", file.read_text(), re.MULTILINE)
    ]
    assert unmarked == [], (
        f"`make test` never runs these of {folder}, nor does `make test-slow`: mark them slow, or move them"
    )

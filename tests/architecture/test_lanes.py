"""The fast lane leaves out nothing but what is slow."""

import re

import pytest

from tests.architecture.test_imports import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NOT_IMPORTED = re.findall(r"^SLOW +:= (.+)$", MAKEFILE, re.MULTILINE)[0].split()


@pytest.mark.parametrize("name", NOT_IMPORTED)
def test_all_that_the_fast_lane_does_not_import_is_marked_slow(name: str) -> None:
    place = ROOT / name
    files = [place] if place.is_file() else sorted(place.glob("**/test_*.py"))
    assert files, f"the Makefile names {name}, where no test is"
    unmarked = [
        file.name for file in files if not re.search(r"^pytestmark = .*\bslow\b", file.read_text(), re.MULTILINE)
    ]
    assert unmarked == [], (
        f"`make test` never runs these of {name}, nor does `make test-slow`: mark them slow, or move them"
    )

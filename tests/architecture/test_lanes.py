"""The fast lane leaves out nothing but what is slow or beside an event's way."""

import re

import pytest

from tests.architecture.test_imports import ROOT

pytestmark = pytest.mark.extended

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NOT_IMPORTED = " ".join(re.findall(r"^LATER +[:+]= (.+)$", MAKEFILE, re.MULTILINE)).split()


@pytest.mark.parametrize("name", NOT_IMPORTED)
def test_all_that_the_fast_lane_does_not_import_is_marked(name: str) -> None:
    files = [file for place in ROOT.glob(name) for file in ([place] if place.is_file() else place.glob("**/test_*.py"))]
    assert files, f"the Makefile names {name}, where no test is"
    unmarked = [
        file.name
        for file in files
        if not re.search(r"^pytestmark = .*\b(?:slow|extended)\b", file.read_text(), re.MULTILINE)
    ]
    assert unmarked == [], (
        f"`make test` never runs these of {name}, nor does `make test-slow`: mark them slow or extended, or move them"
    )

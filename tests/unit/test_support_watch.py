"""`make watch`."""

import re
from pathlib import Path

import pytest
from pytest_watcher.parse import parse_arguments

from tests.support import watch

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]


def test_make_watch_gives_the_watcher_the_folder_it_asks_for() -> None:
    recipe = re.search(r"^watch:.*\n\t@exec \$\(BIN\)/python -m (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None, "make watch starts something else, or with more arguments"
    assert recipe.group(1) == watch.__name__
    place, more = parse_arguments(watch.ARGUMENTS)
    assert (place.path, more) == (Path(), [])

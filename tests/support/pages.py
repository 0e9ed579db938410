"""Tables that a command measures and a page of the docs holds."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column to the left, all others to the right, as numbers are."""
    rule = ["---", *("--:" for _ in headings[1:])]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (headings, rule, *rows))


def put(page: Path, name: str, text: str) -> None:
    """Replaces what stands between `<!-- name -->` and `<!-- /name -->`. Raises `ValueError` when there is no such place."""
    place = re.compile(rf"(?<=<!-- {name} -->\n).*(?=<!-- /{name} -->)", re.DOTALL)
    changed, found = place.subn(lambda _: text, page.read_text(encoding="utf-8"))
    if found != 1:
        raise ValueError(f"{page.name} has {found} places named {name}")
    page.write_text(changed, encoding="utf-8")

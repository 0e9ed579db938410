"""Running heads, running feet and page numbers: told by what stands at the same place of several pages."""

import re
from collections import Counter

from app.extraction.readers.layout import Fragment, Page

ZONE = 0.12
"""Of the page's height, at its top and at its bottom."""
_STEP = 4.0
"""Points that a running head may stand higher or lower from page to page."""
_NUMBER = re.compile(r"\d+|\b[ivxlc]{1,7}\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?[-–—|\[(]?\s*(?:\d{1,5}|[ivxlc]{1,7})\s*[-–—|\])]?(?:\s*(?:of|/)\s*\d{1,5})?", re.IGNORECASE
)
_IMPRINT = re.compile(
    r"(?:in\s+)?proceedings of\b|(?:c\s*)?(?:©|\(c\)|copyright)\s|https?://(?:dx\.)?doi\.org|c ?\d{4} association for|arxiv:\d",
    re.IGNORECASE,
)


def find_furniture(pages: list[Page]) -> set[int]:
    """The `id()`s of the fragments that are on the page but not of the paper."""
    found: set[int] = set()
    seen: Counter[tuple[str, int]] = Counter()
    candidates = [(page, fragment) for page in pages for fragment in page.fragments if _in_zone(page, fragment)]
    for key in {(page.number, *near) for page, fragment in candidates for near in _keys(fragment)}:
        seen[key[1:]] += 1
    enough = 2 if len(pages) < 6 else 3
    imprint: Fragment | None = None
    for page, fragment in sorted(candidates, key=lambda candidate: (candidate[0].number, candidate[1].middle)):
        repeated = max(seen[key] for key in _keys(fragment)) >= enough and not _in_column(page, fragment)
        if _IMPRINT.match(fragment.text) or (imprint and _goes_on(imprint, fragment)):
            imprint = fragment
            found.add(id(fragment))
        elif repeated or (_PAGE_NUMBER.fullmatch(fragment.text) and _is_outermost(page, fragment)):
            found.add(id(fragment))
    return found


def _in_column(page: Page, fragment: Fragment) -> bool:
    """Whether the fragment is the last word of a paragraph, as `Linguistics.` at the end of many a reference."""
    return any(
        0.7 < (fragment.middle - other.middle) / fragment.size < 1.4
        and abs(fragment.x0 - other.x0) < 2 * fragment.size
        and abs(fragment.size - other.size) < 0.3
        and len(other.text) > 25
        for other in page.fragments
    )


def _goes_on(imprint: Fragment, fragment: Fragment) -> bool:
    """Whether the fragment is the imprint's next line."""
    return 0 <= fragment.middle - imprint.middle < 1.6 * imprint.size and abs(fragment.size - imprint.size) < 0.3


def _in_zone(page: Page, fragment: Fragment) -> bool:
    middle = fragment.middle + page.height  # y is 0 at the bottom, and negative above it
    return middle < ZONE * page.height or middle > (1 - ZONE) * page.height


def _keys(fragment: Fragment) -> list[tuple[str, int]]:
    """Its words, whatever the numbers among them, at its height and at the next step."""
    words = _NUMBER.sub("#", fragment.text).lower()
    step = int(fragment.middle // _STEP)
    return [(words, step), (words, step + 1)]


def _is_outermost(page: Page, fragment: Fragment) -> bool:
    others = [other.middle for other in page.fragments if not other.beside(fragment)]
    return not others or fragment.middle < min(others) or fragment.middle > max(others)

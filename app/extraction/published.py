"""The year of a paper: what a date on the first page is said to be; else when the file was made."""

import re
from collections.abc import Iterator

from app.domain.knowledge import BlockKind, Reading
from app.extraction.front import FrontLine, above_abstract

_YEAR = re.compile(r"(?<![\d.,/–-])(19[5-9]\d|20\d\d)(?![\d/–]|[.,]\d|-\d)")
_SAID: tuple[tuple[int | None, str], ...] = (
    (None, r"\b(?:downloaded|accessed|retrieved|guest|printed)\b|https?:|\bsince\b|\bbetween\b|\bfrom\b"),
    (0, r"\bpubli(?:shed|cation)\b|\bavailable online\b|\bepub\b"),
    (1, r"©|\(c\)|\bcopyright\b|\bcit(?:e|ation)\b"),
    (2, r"\barxiv:|\bhal-\d|\bpreprint\b"),
    (3, r"\bproceedings\b|\bconference\b|\bworkshop\b|\bjournal\b|\bvol(?:ume|\.)|\bissue\b|\bissn\b|\bpages\b|\bpp\."),
    (5, r"\baccepted\b|\bapproved\b"),
    (6, r"\breceived\b|\brevised\b|\bsubmitted\b|\bin final form\b|\bpeer review\b"),
)
"""What a year is, by the nearest words before it: the lowest number is believed first, None is none of the paper's."""
_WORDS = re.compile("|".join(f"(?P<_{at}>{pattern})" for at, (_, pattern) in enumerate(_SAID)), re.IGNORECASE)
_HOLDER = re.compile(r"(?:^|\W)[cßÓ] $|^ (?:the authors?|association|elsevier|springer|ieee|acm)\b", re.IGNORECASE)
"""A © that the font gives as a letter, or who has the rights, after the year."""
_ISSUE = re.compile(r"\d\s?\($|^(?:,|;|:|\) )\s?\d+\s?[(:)]?")
"""As in `77, 024030 (2008)` and `2015, 3:190`."""
_DATE = re.compile(
    r"\W*(?:\d{1,2}(?:st|nd|rd|th)?\W+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*\W+(?:\d{1,2}\W+)?(?:19|20)\d\d\W*",
    re.IGNORECASE,
)
_ISSUE_RANK, _DATE_RANK, _ABOVE_RANK = 3, 4, 7
_LONGEST = 300
_YEARS_AFTER = 2
"""That a paper is printed after the latest year it speaks of, at the most, if the file's date is to be believed."""


def find_year(text: str) -> int | None:
    """The first year from 1950 to 2099 that stands alone in the text."""
    match = _YEAR.search(text)
    return int(match.group(1)) if match else None


def year_of(reading: Reading, front: list[FrontLine]) -> int | None:
    """From the lines of the first page; else the year in which the file was made, where the text fits it."""
    above = above_abstract(front)
    found = [told for line in front for told in _told(line, line in above)]
    if found:
        best = min(rank for rank, _ in found)
        return max(year for rank, year in found if rank == best)
    return _made(reading)


def _told(line: FrontLine, is_above: bool) -> Iterator[tuple[int, int]]:
    """Each year of a line: how much it is worth, and the year."""
    if line.kind is BlockKind.REFERENCE or len(line.text) > _LONGEST:
        return
    for match in _YEAR.finditer(line.text):
        rank = _rank(line, line.text[: match.start()], line.text[match.end() :], is_above)
        if rank is not None:
            yield rank, int(match.group(1))


def _rank(line: FrontLine, before: str, after: str, is_above: bool) -> int | None:
    is_prose = line.label in {"abstract", "body"} and line.kind is not BlockKind.FURNITURE
    said = list(_WORDS.finditer(before))
    if said:
        rank = _SAID[int((said[-1].lastgroup or "_0")[1:])][0]
        return None if is_prose and rank not in {0, 1} else rank
    if _HOLDER.search(before) or _HOLDER.search(after):
        return 1
    if is_prose or line.label == "title":
        return None
    if _ISSUE.search(before) or _ISSUE.search(after):
        return _ISSUE_RANK
    if _DATE.fullmatch(line.text) or line.kind is BlockKind.FURNITURE:
        return _DATE_RANK
    return _ABOVE_RANK if is_above else None


def _made(reading: Reading) -> int | None:
    """A file may have been made long after the paper: then the paper speaks of no year so late."""
    made = reading.made
    years = {int(year) for year in _YEAR.findall(reading.text)} if made else set()
    return made if made and any(made - _YEARS_AFTER <= year <= made for year in years) else None

"""Of works that share a key, those that are the same: what both graphs do with what they have found."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from app.domain.citing import Work, same_work
from app.domain.graph import Citations, CitedPaper

Direction = Literal["cites", "cited_by"]


class Match(NamedTuple):
    """A paper that may be cited, or may cite: an entry shares a key with it."""

    direction: Direction
    paper_id: str
    title: str | None
    number: int
    listed: Work
    itself: Work


def citations(matches: Iterable[Match], limit: int) -> Citations:
    """Each paper once a direction, by the first entry that is it."""
    found: dict[tuple[str, str], CitedPaper] = {}
    for match in sorted(matches, key=lambda match: (match.number, match.paper_id)):
        evidence = same_work(match.listed, match.itself)
        if evidence is not None:
            cited = CitedPaper(paper_id=match.paper_id, title=match.title, number=match.number, evidence=evidence)
            found.setdefault((match.direction, match.paper_id), cited)
    cites = [cited for (direction, _), cited in found.items() if direction == "cites"]
    cited_by = sorted((cited for (d, _), cited in found.items() if d == "cited_by"), key=lambda cited: cited.paper_id)
    return Citations(cites=tuple(cites[:limit]), cited_by=tuple(cited_by[:limit]))

"""The papers that are followed, each as snapshots and events have made it so far."""

import asyncio
from collections.abc import Callable

from app.domain.events import PaperEvent
from app.domain.lifecycle import TERMINAL
from app.domain.paper import Paper
from app.domain.projection import apply


class Board:
    """Folds events into snapshots with the domain's own `apply`, and knows when everything is over."""

    def __init__(self, on_change: Callable[[Paper], None]) -> None:
        self._on_change = on_change
        self._papers: dict[str, Paper] = {}
        self._awaited: dict[str, int] = {}
        """The run whose end is waited for, by paper."""
        self._deleted: set[str] = set()
        self._over = asyncio.Event()
        self._over.set()

    def follow(self, paper: Paper, run: int) -> None:
        """From now on the paper is on the board, until that run or a later one has ended."""
        self._awaited[paper.id] = run
        self.update(paper)

    def abandon(self, paper_id: str) -> None:
        """Nothing of this paper is waited for any more."""
        self._awaited.pop(paper_id, None)
        self._look()

    def update(self, paper: Paper) -> None:
        """Takes a snapshot that the service gave, unless the board knows more."""
        known = self._papers.get(paper.id)
        if paper.id in self._awaited and (known is None or known.seq < paper.seq):
            self._change(paper)

    def fold(self, event: PaperEvent) -> bool:
        """Takes an event. False when one before it is missing: fetch the snapshot."""
        known = self._papers.get(event.data.paper_id)
        if known is None:
            return True  # somebody else's paper
        if event.data.seq > known.seq + 1:
            return False
        paper = apply(known, event)
        if paper is None:
            self.delete(known.id)
        elif paper is not known:
            self._change(paper)
        return True

    def delete(self, paper_id: str) -> None:
        """The paper is gone, and with it the run that was waited for."""
        self._deleted.add(paper_id)
        self._look()

    @property
    def unfinished(self) -> list[str]:
        return [paper_id for paper_id in self._awaited if not self._is_over(paper_id)]

    @property
    def papers(self) -> list[tuple[Paper, bool]]:
        """Each paper that was followed to its end, in the order they came, and whether it was deleted."""
        return [(self._papers[paper_id], paper_id in self._deleted) for paper_id in self._awaited]

    async def until_over(self) -> None:
        """Returns when nothing is unfinished."""
        await self._over.wait()

    def _change(self, paper: Paper) -> None:
        self._papers[paper.id] = paper
        self._on_change(paper)
        self._look()

    def _look(self) -> None:
        if self.unfinished:
            self._over.clear()
        else:
            self._over.set()

    def _is_over(self, paper_id: str) -> bool:
        if paper_id in self._deleted:
            return True
        paper = self._papers[paper_id]
        return paper.status in TERMINAL and paper.run >= self._awaited[paper_id]

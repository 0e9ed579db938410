"""Which vectors are nearest to one: every one is looked at, so the answer is exact, and takes time in proportion."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from app.domain.embedding import Embedding

BATCH = 1_000
"""Vectors that are read at once: in between others have their turn."""

Place = tuple[str, int]
"""A paper and its run."""


class Nearest:
    """Collects batch by batch how near each vector is."""

    def __init__(self, meaning: Embedding) -> None:
        import numpy as np  # of the extra that made the vectors

        self._numpy = np
        self._wanted = np.frombuffer(meaning.vector, dtype="<f4")
        self._places: list[Place] = []
        self._cosines = [np.empty(0, dtype="<f4")]

    def add(self, places: Sequence[Place], vectors: Sequence[bytes]) -> None:
        """Vectors of the same model, one for each place."""
        rows = self._numpy.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(vectors), -1)
        self._places += places
        self._cosines.append(rows @ self._wanted)

    async def visible(self, limit: int, shown: Callable[[Sequence[Place]], Awaitable[Collection[Place]]]) -> list[str]:
        """The papers, nearest first; `shown` says of some places at which of them a document is visible.

        What is at right angles or beyond has nothing to do with what is wanted, and is left out.
        """
        cosines = self._numpy.concatenate(self._cosines)
        order = (-cosines).argsort(kind="stable")[: int((cosines > 0).sum())].tolist()
        papers: list[str] = []
        for start in range(0, len(order), limit):
            some = [self._places[index] for index in order[start : start + limit]]
            there = await shown(some)
            papers += [paper_id for paper_id, run in some if (paper_id, run) in there]
            if len(papers) >= limit:
                break
        return papers[:limit]

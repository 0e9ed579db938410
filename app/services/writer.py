"""The one way to change a paper: read the record, decide, write it back if nobody was faster."""

import random
from collections.abc import Callable
from uuid import uuid4

from app.domain.decisions import Change
from app.domain.errors import ContendedError, PaperNotFoundError, UnavailableError
from app.domain.paper import PaperRecord
from app.ports import Clock, PaperStore
from app.tracing import note_events, part

TRIES = 30


class Writer:
    """Writes changes of papers, each whole or not at all."""

    def __init__(self, store: PaperStore, clock: Clock, on_events: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._on_events = on_events

    async def insert(self, change: Change) -> None:
        """Stores a new paper; after a broken connection it is asked whether it arrived. Raises `UnavailableError`."""
        paper_id = change.record.paper.id
        with part("write", paper_id) as span:
            note_events(span, change.events[0].data.seq, change.events[-1].data.seq)
            try:
                await self._store.insert(change)
            except UnavailableError:
                if await self._store.get(paper_id) is None:
                    raise
        self._on_events()

    async def write(self, paper_id: str, decide: Callable[[PaperRecord], Change]) -> Change:
        """Writes what `decide` makes of the record as it is now; asks it again when the record moved meanwhile.

        Raises what `decide` raises, `PaperNotFoundError`, `ContendedError`, `UnavailableError`.
        """
        with part("write", paper_id) as span:
            change = await self._write(paper_id, decide)
            if change.events:
                note_events(span, change.events[0].data.seq, change.events[-1].data.seq)
        return change

    async def _write(self, paper_id: str, decide: Callable[[PaperRecord], Change]) -> Change:
        broken = False
        for attempt in range(TRIES):
            record = await self._store.get(paper_id)
            if record is None:
                raise PaperNotFoundError(paper_id)
            change = decide(record)
            if change.record == record:
                return change
            try:
                written = await self._replace(paper_id, change)
            except UnavailableError:
                if broken:
                    raise  # a connection may break once; a store that fails again is no rival's doing
                broken, written = True, False
            if written:
                if change.events:
                    self._on_events()
                return change
            if attempt > 2:
                await self._clock.pause(random.uniform(0, 0.02 * attempt))  # spreads rivals, hides nothing
        raise ContendedError

    async def _replace(self, paper_id: str, change: Change) -> bool:
        """The write, and after a broken connection the question whether it arrived. Raises `UnavailableError` if not."""
        write_id = uuid4().hex
        try:
            return await self._store.replace(change, write_id)
        except UnavailableError:
            if not await self._store.has_written(paper_id, write_id):
                raise
            return True

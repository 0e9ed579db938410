"""Moves stored events to the log: at least once into the hands of the log, exactly once into it."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby

from app.domain.errors import UnavailableError
from app.domain.events import PaperEvent
from app.logs import about
from app.ports import Clock, EventLog, PaperStore
from app.services.loop import Loop
from app.services.wake import Wake
from app.tracing import note_events, step

logger = logging.getLogger(__name__)

SWEEP_EVERY = timedelta(seconds=1)
BATCH = 500
SAFE_AFTER = timedelta(seconds=10)
"""How long a log may take to make an entry durable: after a restart, newer ones are offered again."""


class Relay:
    """Any number of relays run at once, in every process, with no leader: an append is idempotent."""

    def __init__(self, store: PaperStore, log: EventLog, clock: Clock, wake: Wake) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._loop = Loop(clock, "relay")
        self._wake = wake
        self._epoch: str | None = None
        self._swept_at: datetime | None = None
        """When a restart of the log was last looked for; None when there may have been one since."""

    async def run(self) -> None:
        while True:
            # Once a second, however busy the relay is: not at each event, which would cost a call each.
            late = self._swept_at is None or self._clock.now() - self._swept_at >= SWEEP_EVERY
            await self._loop.step(self.sweep if late else self.relay)
            await self._wake.wait(SWEEP_EVERY.total_seconds())

    async def sweep(self) -> None:
        """Empties the outbox; when the log may have lost its newest entries, offers those again first."""
        now = self._clock.now()
        epoch = await self._log.epoch()
        if epoch != self._epoch:
            await self._offer_again()
            self._epoch = epoch
        self._swept_at = now
        await self.relay()

    async def relay(self) -> None:
        """Empties the outbox."""
        try:
            await self._empty_outbox()
        except UnavailableError:
            self._swept_at = None  # a log that comes back may have lost entries: no mark before those are offered again
            raise

    async def _empty_outbox(self) -> None:
        full = True
        while full:
            waiting = await self._store.outbox(BATCH)
            await self._offer(waiting)
            full = len(waiting) == BATCH

    async def _offer_again(self) -> None:
        # No mark is set while the log is away, so the newest mark tells when it was last there.
        last = await self._store.last_relayed_at()
        if last is None:
            return
        for paper_id, events in _by_paper(await self._store.relayed_since(last - SAFE_AFTER)):
            with about(paper=paper_id):
                await self._append_in_order(paper_id, events)
        await self._store.mark_again(last - SAFE_AFTER, self._clock.now())  # the log may lose them once more

    async def _offer(self, waiting: Iterable[PaperEvent]) -> None:
        for paper_id, events in _by_paper(waiting):
            with about(paper=paper_id):
                with step("relay", paper_id) as span:
                    last = await self._append_in_order(paper_id, events)
                    await self._store.mark_relayed(paper_id, last, self._clock.now())
                    note_events(span, events[0].data.seq, last)
                logger.info("events %d to %d are in the log", events[0].data.seq, last)

    async def _append_in_order(self, paper_id: str, events: list[PaperEvent]) -> int:
        """Appends one paper's events; goes back in the store when the log misses earlier ones. Answers the last `seq`."""
        position = 0
        while position < len(events):
            answer = await self._log.append(events[position])
            if answer.accepted:
                position += 1
                continue
            events = list(await self._store.events(paper_id, answer.last, BATCH))
            position = 0
        return events[-1].data.seq if events else 0


def _by_paper(events: Iterable[PaperEvent]) -> Iterator[tuple[str, list[PaperEvent]]]:
    for paper_id, group in groupby(events, key=lambda event: event.data.paper_id):
        yield paper_id, list(group)

"""Tells workers of runs that could be claimed. `queued` in the store is the queue; a message is only a hint."""

import logging
from datetime import datetime, timedelta
from functools import partial

import anyio
from anyio.abc import TaskGroup
from opentelemetry.trace import SpanKind

from app.domain.due import Due
from app.domain.errors import UnavailableError
from app.logs import about
from app.ports import Clock, PaperStore, TaskQueue
from app.services.loop import Loop
from app.services.wake import Wake
from app.tracing import step

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
BATCH = 200
LOST_AFTER = timedelta(seconds=2)
"""Before the hint for a run is taken for lost, provided that no hint waits in the queue any more."""


class Dispatcher:
    """Runs in every process, so that no run depends on the one that accepted it.

    The process that queued a run is woken and sends its hint. The others only note that they saw the run; when it is
    still to be had a while later and its queue is empty, its hint was lost, and they send another. A run that its
    worker lost or gave back gets one at once from whoever sees it.
    """

    def __init__(self, store: PaperStore, queue: TaskQueue, clock: Clock, wake: Wake) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._loop = Loop(clock, "dispatcher")
        self._wake = wake
        self._seen: dict[Due, datetime] = {}
        """When each run that is due was seen first, or its last hint was sent."""
        self._hinted: set[Due] = set()
        """Those of them whose hint this process sent: a sweep may see a run just before the process is woken for it."""

        self._queued_here = False

    def queued(self) -> None:
        """A run was queued by this process, so its hint is this one's to send."""
        self._queued_here = True
        self._wake.set()

    def look(self) -> None:
        """A run was given back, and waits for another worker."""
        self._wake.set()

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            while True:
                woken, self._queued_here = self._queued_here, False
                await self._loop.step(partial(self.dispatch, tasks, woken=woken))
                await self._wake.wait(SWEEP_SECONDS)

    async def dispatch(self, tasks: TaskGroup, *, woken: bool) -> None:
        """One look at what is due; the hints are sent by tasks of the group."""
        now = self._clock.now()
        due = await self._store.due(now, BATCH)
        self._seen = {run: at for run, at in self._seen.items() if run in due}
        new = [run for run in due if run not in self._seen]
        late = [run for run, at in self._seen.items() if now - at >= LOST_AFTER]
        self._seen.update(dict.fromkeys(new, now))
        self._hinted.intersection_update(due)
        hints = [run for run in due if (woken and run not in self._hinted) or (run.begun and run in new)]
        for load in {run.load for run in late}:
            if await self._queue.length(load) == 0:
                hints += [run for run in late if run.load is load and run not in hints]
        for run in hints:
            self._seen[run] = now
            self._hinted.add(run)
            tasks.start_soon(self._send, run)

    async def _send(self, run: Due) -> None:
        with about(paper=run.paper_id, run=run.run):
            try:
                with step("hint", run.paper_id, run.run, kind=SpanKind.PRODUCER):
                    await self._queue.send(run.paper_id, run.run, run.load, run.priority)
            except UnavailableError as error:
                logger.warning("the hint to the workers was not sent: %s", error.detail)
            except Exception:
                logger.exception("the hint to the workers was not sent")

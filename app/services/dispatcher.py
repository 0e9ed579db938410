"""Tells workers of runs that could be claimed. `queued` in the store is the queue; a message is only a hint."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
from anyio.abc import TaskGroup

from app.ports import Clock, Due, PaperStore, TaskQueue
from app.services.loop import keep_going
from app.services.wake import Wake

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
BATCH = 200
AGAIN_AFTER = timedelta(seconds=3)
"""Before a hint is taken for lost, provided that no hint waits in the queue any more."""


@dataclass
class _Hint:
    attempts: int
    sent_at: datetime


class Dispatcher:
    """Runs in every process, so that no run depends on the one that accepted it."""

    def __init__(self, store: PaperStore, queue: TaskQueue, clock: Clock, wake: Wake) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._wake = wake
        self._hints: dict[tuple[str, int], _Hint] = {}
        self.sending = 0
        """Hints on their way."""

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            while True:
                await keep_going(self._clock, "dispatcher", lambda: self._dispatch(tasks))
                await self._wake.wait(SWEEP_SECONDS)

    async def _dispatch(self, tasks: TaskGroup) -> None:
        now = self._clock.now()
        due = await self._store.due(now, BATCH)
        known = {(run.paper_id, run.run) for run in due}
        self._hints = {key: hint for key, hint in self._hints.items() if key in known}
        taken = due and await self._queue.length() == 0
        for run in due:
            if self._is_new(run) or (taken and self._is_old(run, now)):
                self._hints[run.paper_id, run.run] = _Hint(run.attempts, now)
                self.sending += 1
                tasks.start_soon(self._send, run)

    def _is_new(self, run: Due) -> bool:
        hint = self._hints.get((run.paper_id, run.run))
        return hint is None or hint.attempts != run.attempts

    def _is_old(self, run: Due, now: datetime) -> bool:
        return now - self._hints[run.paper_id, run.run].sent_at > AGAIN_AFTER

    async def _send(self, run: Due) -> None:
        try:
            await self._queue.send(run.paper_id, run.run)
        except Exception:
            logger.exception("the hint for run %d of paper %s was not sent; it will be again", run.run, run.paper_id)
            self._hints.pop((run.paper_id, run.run), None)
        finally:
            self.sending -= 1

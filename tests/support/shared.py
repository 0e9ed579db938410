"""One in-process service for the many tests that need nothing of their own: the same tests bear a shared one live."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

from app.settings import Settings
from tests.support.in_process import Applications, InProcessLane, InProcessService, open_service
from tests.support.leaks import KEPT, MAY_TAKE, tasks_left

NO_FOLDER = Path("/nonexistent")
TESTS = 20
"""How many share one: what they leave in its stores makes each look at them a little longer."""


class SharedService:
    """Opened by the first test that asks; anew after so many of them, and after one that failed."""

    def __init__(self) -> None:
        self.tasks_may_take = MAY_TAKE
        self._applications = Applications()
        self._opened = ExitStack()
        self._service: InProcessService | None = None
        self._tasks: Counter[str] = Counter()
        self._tests = 0

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[InProcessLane]:
        """A test's view of it; fails the test for what it leaves behind and for any transcript that breaks a guarantee."""
        if self._tests == TESTS:
            self.close()
        service = self._current()
        self._tests += 1
        try:
            async with InProcessLane(service) as lane:
                yield lane
            service.leaks += await self._left(service)
            service.check()
            lane.check_transcripts()
        except BaseException:
            self.abandon()
            raise

    def close(self) -> None:
        """Raises for what the tests left behind that only its end shows."""
        self._service, self._tests = None, 0
        self._opened.close()

    def abandon(self) -> None:
        """After a test that failed, so that the next one does not fail for it."""
        with suppress(AssertionError):  # the test has told
            self.close()

    def _current(self) -> InProcessService:
        if self._service is None:
            threads = set(threading.enumerate())
            service = self._opened.enter_context(open_service(self._applications, Settings(data_dir=NO_FOLDER)))
            for portal, side in ((service.portal, service.api), (service.worker_portal, service.worker)):
                portal.call(side.graph.check)  # begins the thread of its database
            KEPT.update(set(threading.enumerate()) - threads)
            self._service, self._tasks = service, _tasks_of(service)
        return self._service

    async def _left(self, service: InProcessService) -> list[str]:
        """Tasks that were not there before the first test, and do not end in time."""
        deadline = time.monotonic() + self.tasks_may_take
        while left := _tasks_of(service) - self._tasks:
            if time.monotonic() > deadline:
                return list(left.elements())
            await asyncio.sleep(0.001)
        return []


def _tasks_of(service: InProcessService) -> Counter[str]:
    return Counter(service.portal.call(tasks_left, "api") + service.worker_portal.call(tasks_left, "worker"))

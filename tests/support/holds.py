"""Places where a test can hold a run: at a stage, or before it is handed to a worker."""

import asyncio
import threading
from collections.abc import Mapping
from datetime import datetime

from app.domain.decisions import Findings
from app.domain.errors import UnavailableError
from app.domain.paper import PRIORITY
from app.domain.stages import Load
from app.ports import TaskQueue
from app.services.stages import Stage, Work
from tests.support.patience import within
from tests.support.sockets import DEADLINE


class Hold:
    """One held place, known on the test's loop and passed on others."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._test_loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._lock = threading.Lock()
        self._open = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def parked(self) -> int:
        """How many runs stand here."""
        return len(self._waiting)

    async def reached(self, seconds: float = DEADLINE) -> None:
        """Waits, on the test's loop, until a run stands here."""
        try:
            with within(seconds):
                await self._arrived.wait()
        except TimeoutError:
            raise TimeoutError(f"no run came to {self.name} within {seconds:g} s") from None

    def release(self) -> None:
        """Lets everyone go, now and later."""
        with self._lock:
            self._open = True
            waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    async def passing(self) -> None:
        """Called where runs pass."""
        with self._lock:
            if self._open:
                return
            event = asyncio.Event()
            place = (asyncio.get_running_loop(), event)
            self._waiting.append(place)
        self._test_loop.call_soon_threadsafe(self._arrived.set)
        try:
            await event.wait()
        finally:
            with self._lock:
                if place in self._waiting:
                    self._waiting.remove(place)


class Holds:
    """All held places of a test, by name: a stage's, or `dispatch`."""

    def __init__(self) -> None:
        self._holds: dict[str, Hold] = {}

    def at(self, name: str) -> Hold:
        hold = self._holds[name] = Hold(name)
        return hold

    def forget(self, name: str) -> None:
        """Holds nobody there who comes later; who stands there already stays."""
        self._holds.pop(name, None)

    async def pass_by(self, name: str) -> None:
        hold = self._holds.get(name)
        if hold is not None:
            await hold.passing()

    @property
    def parked(self) -> int:
        return sum(hold.parked for hold in self._holds.values())

    def release_all(self) -> None:
        for hold in self._holds.values():
            hold.release()


class HeldStage(Stage):
    """A stage that a test can hold before its work."""

    def __init__(self, inner: Stage, holds: Holds) -> None:
        self._inner = inner
        self._holds = holds
        self.plan = inner.plan  # type: ignore[misc]  # each instance stands for another stage

    async def work(self, work: Work) -> Findings:
        await self._holds.pass_by(self.plan.name)
        return await self._inner.work(work)


class HeldQueue:
    """A `TaskQueue` whose hints a test can hold, or see."""

    def __init__(self, inner: TaskQueue, holds: Holds) -> None:
        self._inner = inner
        self._holds = holds
        self.sent: list[tuple[str, int]] = []
        self.loads: list[Load] = []
        self.priorities: list[int] = []
        self.fails = False

    async def send(self, paper_id: str, run: int, load: Load, priority: int = PRIORITY) -> None:
        self.sent.append((paper_id, run))
        self.loads.append(load)
        self.priorities.append(priority)
        if self.fails:
            raise UnavailableError("The broker is away, as this test wants it.")
        await self._holds.pass_by("dispatch")
        await self._inner.send(paper_id, run, load, priority)

    async def length(self, load: Load) -> int:
        return await self._inner.length(load)

    async def announce(self, worker: str, out_of_memory_at: datetime | None = None) -> None:
        await self._inner.announce(worker, out_of_memory_at)

    async def workers(self) -> int:
        return await self._inner.workers()

    async def out_of_memory(self) -> Mapping[str, datetime]:
        return await self._inner.out_of_memory()

    async def close(self) -> None:
        await self._inner.close()

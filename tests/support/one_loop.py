"""One event loop whose time, threads and chance come from a seed: the same seed, the same run, to the last step.

Nobody waits here: when no task can go on, the clock jumps to the next timer. Whatever leaves a process crosses its `Wire`,
which takes as long as the seed says. So every order of events that a run takes is one that real processes could take.
"""

import asyncio
import os
import random
import selectors
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from unittest.mock import patch

import anyio
from anyio._backends._asyncio import AsyncIOBackend

from app.domain.errors import UnavailableError
from app.domain.model import to_milliseconds

T = TypeVar("T")

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)


class Wire:
    """The way out of one process, or out of one client: to stores, log, queue, sockets."""

    def __init__(self, chance: random.Random, seconds: float, *, pauses: float = 0.0) -> None:
        self._chance = chance
        self._seconds = seconds
        self._pauses = pauses
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._dead = False

    async def cross(self) -> None:
        """Half of what is sent arrives at once, the rest takes `seconds` on average; rarely, a hundred times as long."""
        draw = self._chance.random()
        if draw < self._pauses:
            await asyncio.sleep(100 * self._seconds * self._chance.random())
        elif draw < 0.5:
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(self._chance.expovariate(1 / self._seconds))
        await self._thawed.wait()
        if self._dead:
            raise UnavailableError("The process is dead.")

    def freeze(self) -> None:
        """The process stops where it is, as after SIGSTOP."""
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    def die(self) -> None:
        """Nothing gets out any more."""
        self._dead = True
        self._thawed.set()


WIRE: ContextVar[Wire | None] = ContextVar("WIRE", default=None)
"""Of the process that a task belongs to; none for who looks on from outside."""


async def cross() -> None:
    """On the way from the present process to another, or back."""
    wire = WIRE.get()
    await (asyncio.sleep(0) if wire is None else wire.cross())


def on(wire: Wire) -> Context:
    """The context of a process's tasks."""
    context = copy_context()
    context.run(WIRE.set, wire)
    return context


class LoopClock:
    """`Clock` of the running loop."""

    def now(self) -> datetime:
        return to_milliseconds(BEGIN + timedelta(seconds=asyncio.get_running_loop().time()))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class DeadlockError(AssertionError):
    """Nobody can go on, and no timer will ever ring."""


class _Jumping(selectors.BaseSelector):
    """Waits for no file: it moves the clock on by as long as the loop wanted to wait."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, fileobj, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise DeadlockError("every task waits for another")
        self.now += max(timeout, 0.0)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class OneLoop(asyncio.SelectorEventLoop):
    """Threads are turns of the loop here: what was to run in one runs whole, between two steps of tasks."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        self._turns: set[asyncio.Task[None]] = set()
        self._in_line: defaultdict[Executor | None, asyncio.Lock] = defaultdict(asyncio.Lock)

    def time(self) -> float:
        return self._jumping.now

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Calls of an executor with one thread keep their order, so all do."""
        answer: asyncio.Future[T] = self.create_future()

        async def turn() -> None:
            try:
                async with self._in_line[executor]:
                    await cross()
                    result = func(*args)
                await cross()
            except Exception as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(result)

        task = self.create_task(turn())
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)
        return answer


async def _turn_for_thread(
    func: Callable[..., T], args: tuple[Any, ...], abandon_on_cancel: bool = False, limiter: Any = None
) -> T:
    """What anyio does in a worker thread, in a turn of the loop."""
    with anyio.CancelScope(shield=not abandon_on_cancel):
        await cross()
    return func(*args)


class _Determined:
    """While it is entered, ids, jitter and the fakes' own clock come from the seed too."""

    def __init__(self, loop: OneLoop, seed: int) -> None:
        self._loop = loop
        self._ids = random.Random(f"{seed} ids")
        self._jitter = random.Random(f"{seed} jitter").getstate()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        elsewhere = random.getstate()
        random.setstate(self._jitter)
        with (
            patch.object(os, "urandom", self._ids.randbytes),
            patch.object(time, "time", lambda: BEGIN.timestamp() + self._loop.time()),
            patch.object(AsyncIOBackend, "run_sync_in_worker_thread", _turn_for_thread),
        ):
            try:
                yield
            finally:
                self._jitter = random.getstate()
                random.setstate(elsewhere)


@contextmanager
def one_loop(seed: int) -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """Runs coroutines, one after the other, on a loop of that seed; in between everything stands still."""
    loop = OneLoop()
    determined = _Determined(loop, seed)
    runner = asyncio.Runner(loop_factory=lambda: loop)

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        with determined():
            return runner.run(coroutine)

    try:
        yield run
    finally:
        with determined():
            runner.close()

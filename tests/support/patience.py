"""Deadlines in time that this process had: while a busy machine gives it no core, nothing hangs and nothing is late."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio

TICK = 1.0
_THREADS = Path("/proc/self/task")


def waited_for_a_core() -> float:
    """Seconds that the threads of this process were ready to run and could not; 0 where the system does not tell."""
    nanoseconds = 0
    with suppress(OSError):
        for thread in _THREADS.iterdir():
            with suppress(OSError):  # it ended meanwhile
                nanoseconds += int((thread / "schedstat").read_text().split()[1])
    return nanoseconds / 1e9


@contextmanager
def within(
    seconds: float, message: str = "", tick: float = TICK, waited: Callable[[], float] = waited_for_a_core
) -> Iterator[None]:
    """Raises `TimeoutError` after so many seconds, looked at tick by tick; what is over by the first tick costs nothing."""
    loop = asyncio.get_running_loop()
    left, length = seconds, min(tick, seconds)
    before: tuple[float, float] | None = None
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal left, length, before, timer
        now = loop.time(), waited()
        had = length if before is None else min(length, max(0.0, now[0] - before[0] - (now[1] - before[1])))
        left, before = left - had, now
        if left <= 1e-6:
            scope.cancel()
            return
        length = min(tick, left)
        timer = loop.call_later(length, look)

    with anyio.CancelScope() as scope:
        timer = loop.call_later(length, look)
        try:
            yield
        finally:
            timer.cancel()
    if scope.cancelled_caught:
        raise TimeoutError(message)

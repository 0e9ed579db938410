"""A clock that tests move. It stands still between two moves, for those who sleep on it and for those who look at it:
on a slow machine too no lease ends and no worker is given up while its heart sleeps.
"""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

from app.domain.model import to_milliseconds


class ManualClock:
    """`Clock` for several event loops at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start = to_milliseconds(datetime.now(UTC))
        self._ahead = timedelta()
        self._sleepers: list[tuple[timedelta, asyncio.AbstractEventLoop, asyncio.Event]] = []

    def now(self) -> datetime:
        return to_milliseconds(self._start + self._ahead)

    @property
    def sleepers(self) -> int:
        """How many sleep now."""
        with self._lock:
            return len(self._sleepers)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        with self._lock:
            sleeper = (self._ahead + timedelta(seconds=seconds), asyncio.get_running_loop(), woken)
            self._sleepers.append(sleeper)
        try:
            await woken.wait()
        finally:
            with self._lock:
                if sleeper in self._sleepers:
                    self._sleepers.remove(sleeper)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Moves time on, and wakes everyone whose sleep ends by then."""
        with self._lock:
            self._ahead += timedelta(seconds=seconds)
            due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._ahead]
            for sleeper in due:
                self._sleepers.remove(sleeper)
        for _, loop, woken in due:
            loop.call_soon_threadsafe(woken.set)

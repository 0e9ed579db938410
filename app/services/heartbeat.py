"""A worker's sign of life, and of what it lacks."""

from datetime import datetime

from app.ports import Clock, TaskQueue
from app.services.loop import Loop
from app.services.wake import Wake

EVERY_SECONDS = 5.0


class Heartbeat:
    """Says now and then that this worker lives, and at once that it ran out of memory."""

    def __init__(self, queue: TaskQueue, clock: Clock, worker: str) -> None:
        self._queue = queue
        self._clock = clock
        self._loop = Loop(clock, "heartbeat")
        self._worker = worker
        self._wake = Wake(clock)
        self._out_of_memory_at: datetime | None = None

    async def run(self) -> None:
        while True:
            await self._loop.step(self.beat)
            await self._wake.wait(EVERY_SECONDS)

    def out_of_memory(self) -> None:
        """This worker got no more memory; told with every beat from now on, as it may be too short of it for the next."""
        self._out_of_memory_at = self._clock.now()
        self._wake.set()

    async def beat(self) -> None:
        await self._queue.announce(self._worker, self._out_of_memory_at)

"""A worker's sign of life."""

from app.ports import Clock, TaskQueue
from app.services.loop import keep_going

EVERY_SECONDS = 5.0


class Heartbeat:
    """Says now and then that this worker lives."""

    def __init__(self, queue: TaskQueue, clock: Clock, worker: str) -> None:
        self._queue = queue
        self._clock = clock
        self._worker = worker

    async def run(self) -> None:
        while True:
            await keep_going(self._clock, "heartbeat", self.beat)
            await self._clock.sleep(EVERY_SECONDS)

    async def beat(self) -> None:
        await self._queue.announce(self._worker)

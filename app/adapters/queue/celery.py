"""Hints as Celery messages; the workers' signs of life beside them in Redis."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from kombu.exceptions import OperationalError
from kombu.transport.redis import PRIORITY_STEPS, Channel
from redis.asyncio import Redis

from app.adapters.redis_errors import redis_available
from app.domain.errors import UnavailableError
from app.domain.paper import PRIORITIES, PRIORITY
from app.domain.stages import Load
from app.ports import Clock

if TYPE_CHECKING:
    from celery import Task

WORKERS = "{papers}:workers"
HEARD_OF_WITHIN = timedelta(seconds=15)
OUT_OF_MEMORY = "{papers}:workers:out-of-memory"
REMEMBERED_FOR = timedelta(minutes=1)
SENDERS = 64
"""Threads that may wait for the broker at once."""


class CeleryQueue:
    """`TaskQueue` on a Celery task and the Redis that is its broker, where messages wait in a list for each load."""

    def __init__(self, task: "Task[[str, int], None]", redis: Redis, clock: Clock) -> None:
        self._task = task
        self._redis = redis
        self._clock = clock
        self._senders = CapacityLimiter(SENDERS)

    async def send(self, paper_id: str, run: int, load: Load, priority: int = PRIORITY) -> None:
        send = partial(self._task.apply_async, (paper_id, run), queue=load.queue, priority=PRIORITIES[-1] - priority)
        # Celery's client blocks, and an eager task runs to its end: neither may hold the loop.
        try:
            with redis_available():
                await to_thread.run_sync(send, limiter=self._senders)
        except OperationalError as error:  # kombu's own, where it had to connect first
            raise UnavailableError(f"The broker does not answer ({error}); check PAPERS_REDIS_URL.") from error

    async def length(self, load: Load) -> int:
        with redis_available():
            return sum([await self._redis.llen(name) for name in self._lists(load)])

    @staticmethod
    def _lists(load: Load) -> list[str]:
        """One for each step of priority, of which Celery's first is the highest, and has the queue's bare name."""
        return [f"{load.queue}{Channel.sep}{step}" if step else load.queue for step in PRIORITY_STEPS]

    async def announce(self, worker: str, out_of_memory_at: datetime | None = None) -> None:
        now = self._clock.now()
        with redis_available():
            await self._redis.zadd(WORKERS, {worker: now.timestamp()})
            await self._redis.zremrangebyscore(WORKERS, "-inf", (now - HEARD_OF_WITHIN * 4).timestamp())
            if out_of_memory_at is not None:
                await self._redis.zadd(OUT_OF_MEMORY, {worker: out_of_memory_at.timestamp()})
            await self._redis.zremrangebyscore(OUT_OF_MEMORY, "-inf", (now - REMEMBERED_FOR).timestamp())

    async def workers(self) -> int:
        since = (self._clock.now() - HEARD_OF_WITHIN).timestamp()
        with redis_available():
            return int(await self._redis.zcount(WORKERS, since, "+inf"))

    async def out_of_memory(self) -> Mapping[str, datetime]:
        since = (self._clock.now() - REMEMBERED_FOR).timestamp()
        with redis_available():
            found: Any = await self._redis.zrange(OUT_OF_MEMORY, f"({since}", "+inf", byscore=True, withscores=True)
        return {str(worker, "utf-8"): datetime.fromtimestamp(at, UTC) for worker, at in found}

    async def close(self) -> None:
        await self._redis.aclose()

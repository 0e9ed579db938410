"""A `TaskQueue` without Celery: hints go to any worker, may be lost and may come twice, as Redis and Celery would have it."""

import asyncio
import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from app.domain.paper import PRIORITY
from app.domain.stages import Load
from app.ports import Clock
from tests.support.one_loop import cross

HEARD_OF_WITHIN = timedelta(seconds=15)
REMEMBERED_FOR = timedelta(minutes=1)


class Broker:
    """What all clients share."""

    def __init__(self, chance: random.Random, lost: float = 0.0, doubled: float = 0.0) -> None:
        self._chance = chance
        self._lost = lost
        self._doubled = doubled
        self._hints: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.alive: dict[str, datetime] = {}
        self.out_of_memory: dict[str, datetime] = {}

    def put(self, hint: tuple[str, int]) -> None:
        draw = self._chance.random()
        copies = 0 if draw < self._lost else 2 if draw > 1 - self._doubled else 1
        for _ in range(copies):
            self._hints.put_nowait(hint)

    async def take(self) -> tuple[str, int]:
        return await self._hints.get()

    def __len__(self) -> int:
        return self._hints.qsize()


class HintQueue:
    """One process's client of the broker."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock

    async def send(self, paper_id: str, run: int, load: Load, priority: int = PRIORITY) -> None:
        await cross()
        self._broker.put((paper_id, run))
        await cross()

    async def length(self, load: Load) -> int:
        await cross()
        return len(self._broker)

    async def announce(self, worker: str, out_of_memory_at: datetime | None = None) -> None:
        await cross()
        self._broker.alive[worker] = self._clock.now()
        if out_of_memory_at is not None:
            self._broker.out_of_memory[worker] = out_of_memory_at

    async def workers(self) -> int:
        await cross()
        since = self._clock.now() - HEARD_OF_WITHIN
        return sum(at >= since for at in self._broker.alive.values())

    async def out_of_memory(self) -> Mapping[str, datetime]:
        await cross()
        since = self._clock.now() - REMEMBERED_FOR
        return {worker: at for worker, at in self._broker.out_of_memory.items() if at > since}

    async def close(self) -> None: ...

"""What the service wrote down, read beside it: the store and the log's entries, without asking any process of it."""

import asyncio
import json
from abc import ABC, abstractmethod
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.adapters.event_log.redis import EVENT, STREAM
from tests.support.transcript import Message


class Books(ABC):
    """Looks often: its connections stay open until `close`. What the store is asked waits until it answers."""

    def __init__(self, redis_url: str) -> None:
        self.redis_url = redis_url
        self._log = Redis.from_url(redis_url)

    async def close(self) -> None:
        await self._log.aclose()

    @abstractmethod
    async def stored(self) -> int:
        """How many events were ever stored."""

    @abstractmethod
    async def waiting(self) -> int:
        """How many of them are not marked as being in the log."""

    @abstractmethod
    async def statuses(self) -> dict[str, str]:
        """Of every paper."""

    @abstractmethod
    async def seqs(self) -> dict[str, int]:
        """How far each paper is."""

    @abstractmethod
    async def leases(self) -> dict[str, int]:
        """The papers that are worked on, each with the id of the process that has its lease."""

    @abstractmethod
    async def events(self) -> dict[str, list[Message]]:
        """Every event of every paper as it is stored, in order."""

    async def held_by(self, *processes: int) -> set[str]:
        """The papers whose lease one of these processes has."""
        return {paper_id for paper_id, process in (await self.leases()).items() if process in processes}

    async def length(self) -> int:
        """How many entries the log has; 0 while it does not answer."""
        try:
            return int(await self._log.xlen(STREAM))
        except RedisError:
            return 0

    async def logged(self) -> dict[str, list[int]]:
        """The `seq` of each paper's entries in the log, in their order."""
        found: dict[str, list[int]] = {}
        for _, fields in await self._entries():
            if EVENT in fields:
                data = json.loads(fields[EVENT])["data"]
                found.setdefault(data["paper_id"], []).append(data["seq"])
        return found

    async def _entries(self) -> Any:
        """Asked again where a connection turns out to be one to a server that is dead meanwhile."""
        while True:
            try:
                return await self._log.xrange(STREAM)
            except RedisError:
                await asyncio.sleep(0.1)


def process_of(owner: str) -> int:
    """The id of the process that a lease's owner is."""
    return int(owner.split(":")[1])

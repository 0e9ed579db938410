"""The log as one Redis stream. An append is a script, so any number of relays can offer the same event."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from app.adapters.redis_errors import redis_available
from app.domain.events import PAPER_EVENT, PaperEvent
from app.ports import Appended, LogEntry

STREAM = "{papers}:log"
LAST_SEQ = "{papers}:seq:"
EVENT = b"event"

# The braces keep all keys in one slot of a cluster. The keys of the last seq outlive the stream's entries.
_APPEND = """
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local seq = tonumber(ARGV[1])
if seq <= last then return {1, last} end
if seq > last + 1 then return {0, last} end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('XADD', KEYS[1], '*', 'genesis', '1') end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'event', ARGV[2])
redis.call('SET', KEYS[2], seq)
return {1, seq}
"""
_BEGIN = """
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('XADD', KEYS[1], '*', 'genesis', '1') end
return redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]
"""
BLOCK_MILLISECONDS = 1000
"""Well below the client's socket timeout: a longer one never returns."""


class RedisEventLog:
    """`EventLog` on a Redis or Valkey server; `retention` is about how many entries it keeps."""

    def __init__(self, redis: Redis, retention: int) -> None:
        self._redis = redis
        self._retention = retention
        self._append = redis.register_script(_APPEND)
        self._begin = redis.register_script(_BEGIN)

    async def append(self, event: PaperEvent) -> Appended:
        keys = [STREAM, LAST_SEQ + event.data.paper_id]
        with redis_available():
            accepted, last = await self._append(
                keys=keys, args=[event.data.seq, event.model_dump_json(), self._retention]
            )
        return Appended(accepted=bool(accepted), last=last)

    async def tail(self) -> str:
        with redis_available():
            newest: Any = await self._redis.xrevrange(STREAM, count=1)
            entry = newest[0][0] if newest else await self._begin(keys=[STREAM], args=[])
        return str(entry, "ascii")

    async def holds(self, entry_id: str) -> bool:
        with redis_available():
            return bool(await self._redis.xrange(STREAM, entry_id, entry_id))

    async def read(self, after: str, limit: int) -> Sequence[LogEntry]:
        with redis_available():
            return _entries(await self._redis.xrange(STREAM, f"({after}", "+", count=limit))

    async def wait(self, after: str, limit: int) -> Sequence[LogEntry]:
        with redis_available():
            answer: Any = await self._redis.xread({STREAM: after}, count=limit, block=BLOCK_MILLISECONDS)
        return _entries(answer[0][1]) if answer else ()

    async def oldest_at(self) -> datetime | None:
        with redis_available():
            oldest: Any = await self._redis.xrange(STREAM, count=1)
        if not oldest or EVENT not in oldest[0][1]:
            return None
        milliseconds = int(oldest[0][0].partition(b"-")[0])
        return datetime.fromtimestamp(milliseconds / 1000, UTC)

    async def last_seqs(self, paper_ids: Sequence[str]) -> Mapping[str, int]:
        if not paper_ids:
            return {}
        with redis_available():
            found = await self._redis.mget([LAST_SEQ + paper_id for paper_id in paper_ids])
        return {paper_id: int(last or 0) for paper_id, last in zip(paper_ids, found, strict=True)}

    async def forget(self, paper_id: str) -> None:
        with redis_available():
            await self._redis.delete(LAST_SEQ + paper_id)

    async def now(self) -> datetime:
        with redis_available():
            seconds, microseconds = await self._redis.time()
        return datetime.fromtimestamp(seconds + microseconds / 1_000_000, UTC)

    async def epoch(self) -> str:
        with redis_available():
            return str((await self._redis.info("server"))["run_id"])

    async def eviction(self) -> str:
        with redis_available():  # INFO is answered where a provider forbids CONFIG
            return str((await self._redis.info("memory"))["maxmemory_policy"])

    async def check(self) -> None:
        with redis_available():
            await self._redis.ping()

    async def close(self) -> None:
        await self._redis.aclose()


def _entries(rows: Any) -> Sequence[LogEntry]:
    """From the rows of XRANGE and XREAD: `(id, {field: value})`, all bytes."""
    return [
        LogEntry(id=entry.decode(), event=PAPER_EVENT.validate_json(fields[EVENT]) if EVENT in fields else None)
        for entry, fields in rows
    ]

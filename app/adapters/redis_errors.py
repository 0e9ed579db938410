"""How a Redis that does not answer is told to the rest of the house."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, RedisError, TimeoutError

from app.domain.errors import UnavailableError

CLOSE_SECONDS = 1.0


@contextmanager
def redis_available() -> Iterator[None]:
    """Raises `UnavailableError` where Redis is away, still loading, or refuses to write."""
    try:
        yield
    except (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OSError) as error:
        raise UnavailableError(f"Redis does not answer ({error}); check PAPERS_REDIS_URL and that it runs.") from error
    except RedisError as error:
        if str(error).startswith(("OOM", "MISCONF", "NOREPLICAS", "MASTERDOWN")):
            raise UnavailableError(f"Redis does not accept writes ({error}).") from error
        raise


async def take_leave(redis: Redis) -> None:
    """Closes the client. Over TLS the server has to answer that: one that stands still is left all the same."""
    # A scope of anyio would not know redis-py's cancellation for its own, and let it through.
    with suppress(RedisError, asyncio.TimeoutError):
        await asyncio.wait_for(redis.aclose(), CLOSE_SECONDS)

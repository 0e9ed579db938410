"""fakeredis with what it lacks: it is asked which server answers, and what that does when its memory is full."""

from typing import Any
from uuid import uuid4

from fakeredis import FakeAsyncRedis, FakeServer
from fakeredis.aioredis import FakeAsyncRedisConnection
from redis.asyncio import BlockingConnectionPool


class Server(FakeServer):
    """A fake server that can restart, as a real one does that was killed."""

    def __init__(self) -> None:
        super().__init__()
        self.run_id = uuid4().hex
        self.maxmemory_policy = "noeviction"

    def restart(self) -> None:
        """Another process on the same data."""
        self.run_id = uuid4().hex


class Redis(FakeAsyncRedis):
    """A client of a `Server`, for one event loop."""

    def __init__(self, server: Server) -> None:
        # A fake connection costs a millisecond to make: one for the hub that waits, one for all others in turn.
        pool = BlockingConnectionPool(
            connection_class=FakeAsyncRedisConnection,
            server=server,
            version=(7,),
            server_type="redis",
            lua_modules=None,
            client_class=FakeAsyncRedis,
            max_connections=2,
            timeout=None,
        )
        super().__init__(server=server, connection_pool=pool)
        self.auto_close_connection_pool = True
        self._fake_server = server

    async def info(self, section: str | None = None, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Of `INFO`, the parts that the log asks for."""
        await self.ping()
        return {"run_id": self._fake_server.run_id, "maxmemory_policy": self._fake_server.maxmemory_policy}

"""fakeredis with what it lacks: it is asked which server answers."""

from typing import Any
from uuid import uuid4

from fakeredis import FakeAsyncRedis, FakeServer


class Server(FakeServer):
    """A fake server that can restart, as a real one does that was killed."""

    def __init__(self) -> None:
        super().__init__()
        self.run_id = uuid4().hex

    def restart(self) -> None:
        """Another process on the same data."""
        self.run_id = uuid4().hex


class Redis(FakeAsyncRedis):
    """A client of a `Server`, for one event loop."""

    def __init__(self, server: Server) -> None:
        super().__init__(server=server)
        self._fake_server = server

    async def info(self, section: str | None = None, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Of `INFO server`, the part that the log asks for."""
        await self.ping()
        return {"run_id": self._fake_server.run_id}

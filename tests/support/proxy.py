"""A network that can be cut: a TCP proxy before a server, in a thread of this process."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from anyio.from_thread import BlockingPortal, start_blocking_portal

CHUNK = 64 * 1024


class Proxy:
    """Passes bytes on, until it is cut: then it refuses connections, and those there were are reset.

    Muted, it does neither: what either side says is not heard before the proxy joins them again, as where a cable is out.
    """

    def __init__(self, portal: BlockingPortal, host: str, port: int) -> None:
        self._portal = portal
        self._host, self._port = host, port
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._heard: asyncio.Event = portal.call(_set_event)
        self.port = 0

    def join(self) -> None:
        self._portal.call(self._join)

    def cut(self) -> None:
        self._portal.call(self._cut)

    def mute(self) -> None:
        self._portal.call(self._heard.clear)

    async def _join(self) -> None:
        self._heard.set()
        if self._listener is None:
            self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        self._heard.set()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, upstream}
        try:
            await asyncio.gather(self._pump(reader, upstream), self._pump(upstream_reader, writer))
        finally:
            self._open -= {writer, upstream}

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self._heard.wait()
                target.write(data)
                await target.drain()
        target.close()


async def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@contextmanager
def proxied(url: str) -> Iterator[tuple[str, Proxy]]:
    """The URL by which the server of another URL is reached through a proxy."""
    server = urlsplit(url)
    with start_blocking_portal() as portal:
        proxy = Proxy(portal, server.hostname or "127.0.0.1", server.port or 0)
        proxy.join()
        try:
            user = server.netloc.rpartition("@")[0]
            place = f"{user}@" * bool(user) + f"127.0.0.1:{proxy.port}"
            yield server._replace(netloc=place).geturl(), proxy
        finally:
            proxy.cut()

"""A client as clients are: it reads, breaks off, and comes back with `?after=` to wherever somebody answers."""

import asyncio
import json
import time
from itertools import cycle
from random import Random
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from app.domain.position import decode_position, entry_order
from app.realtime.protocol import Close
from tests.faults.desk import Desk
from tests.support.transcript import NOT_LOGGED, Message, Transcript

FETCHED = "fetched"
"""Not an event: the snapshots a client of `/ws` fetches after a `resync`, as part of what it knows."""
_FINAL = {close.code for close in Close if not close.reconnect}


class Watcher:
    """One client on one path; its transcript runs through all of its connections."""

    def __init__(self, desk: Desk, path: str, rng: Random, restless: float | None = None) -> None:
        self._desk = desk
        self._rng = rng
        self._restless = restless
        self._urls = cycle(rng.sample(desk.urls, len(desk.urls)))
        self._position: str | None = None
        self._socket: ClientConnection | None = None
        self._reached = (0, 0)
        self.transcript = Transcript(path)
        self.connections = 0
        self.ended = False
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Returns when the service says that coming back would not help."""
        for url in self._urls:
            after = f"?after={quote(self._position)}" if self._position else ""
            try:
                async with connect(
                    url.replace("http", "ws", 1) + self.transcript.path + after, max_size=None, open_timeout=10
                ) as self._socket:
                    self.connections += 1
                    await self._listen(self._socket)
            except (OSError, InvalidHandshake, ConnectionClosed, TimeoutError):
                pass
            finally:
                code = self._socket.close_code if self._socket else None
                self._socket = None
            if code in _FINAL:
                self.ended = True
                return
            await asyncio.sleep(self._rng.uniform(0.1, 0.5))

    async def reach(self, tail: str) -> None:
        """Returns when nothing up to that entry of the log is still to come."""
        while not self.ended and self._reached < entry_order(tail):
            if self._socket is not None:
                try:
                    await self._socket.send('{"action": "ping"}')
                except ConnectionClosed:
                    pass  # `run` comes back, and then another ping goes out
            await asyncio.sleep(0.05)

    def heard(self, kind: str) -> int:
        return sum(message["event_type"] == kind for message in self.transcript.messages)

    async def _listen(self, socket: ClientConnection) -> None:
        leaves_at = time.monotonic() + self._rng.uniform(0.3, self._restless) if self._restless else None
        while True:
            rest = None if leaves_at is None else max(0.0, leaves_at - time.monotonic())
            await self._take(json.loads(await asyncio.wait_for(socket.recv(), rest)))

    async def _take(self, message: Message) -> None:
        """The position moves on last: what fails before is heard again."""
        self.transcript.add(message)
        kind, data = message["event_type"], message["data"]
        if kind == "connection":
            self.connected.set()
            self._position = data["position"]
        elif kind == "resync":
            if data["snapshot"] is None:
                self.transcript.add(
                    {"event_type": FETCHED, "id": None, "data": {"snapshots": await self._desk.papers()}}
                )
            self._position = data["position"]
        elif kind == "pong":
            self._position = data["position"]
            self._reached = entry_order(decode_position(data["position"]).entry)
        elif kind not in NOT_LOGGED:
            self._position = message["id"]

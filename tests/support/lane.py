"""A running service as tests see it, whichever way it runs."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx

from app.domain.position import decode_position, entry_order
from tests.support.patience import within
from tests.support.sockets import Socket
from tests.support.transcript import Message, check_transcript

S = TypeVar("S", bound=Socket)

FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.008
"""Between two looks at the service's state: looking takes its time away from the work that is waited for."""


class Lane(ABC):
    """HTTP client, sockets, and the ways to know that nothing more is coming."""

    client: httpx.AsyncClient
    deadline: float

    def __init__(self) -> None:
        self.sockets: list[Socket] = []

    @abstractmethod
    async def open_socket(self, path: str, headers: dict[str, str] | None = None) -> Socket:
        """Raises `ConnectionRefused` where the handshake is answered with an HTTP status."""

    @property
    @abstractmethod
    def parked(self) -> int:
        """Runs that the test holds."""

    @asynccontextmanager
    async def connect(self, path: str, headers: dict[str, str] | None = None) -> AsyncIterator[Socket]:
        """An open socket, closed at the end; its transcript is checked whatever the test asserts."""
        async with self.keep(await self.open_socket(path, headers)) as socket:
            yield socket

    @asynccontextmanager
    async def keep(self, socket: S) -> AsyncIterator[S]:
        """The same for a socket that the test opened by itself."""
        self.sockets.append(socket)
        try:
            yield socket
        finally:
            await socket.close()

    async def status(self) -> dict[str, Any]:
        answer = await self.client.get("/system/status")
        body: dict[str, Any] = answer.raise_for_status().json()
        return body

    async def look(self) -> dict[str, Any]:
        """What of the status tells whether something is on its way."""
        return await self.status()

    async def settled(self) -> dict[str, Any]:
        """Waits until nothing is on its way: no run but those held, no event outside the log or before the hub."""
        status: dict[str, Any] = {}
        pause = FIRST_PAUSE
        try:
            with within(self.deadline):
                while not self._is_settled(status := await self.look()):
                    await asyncio.sleep(pause)  # a look at the state, not a wait for luck
                    pause = min(2 * pause, LONGEST_PAUSE)
        except TimeoutError:
            raise TimeoutError(f"the service did not settle within {self.deadline:g} s: {status}") from None
        return status

    def _is_settled(self, status: dict[str, Any]) -> bool:
        known = status.get("services", {}).get("store") != "down"  # what is not known counts as nothing
        moving = status["queue_length"] + status["active_tasks"] - self.parked
        is_told = status["waiting"] == 0 and status["hub_position"] == status["log_position"]
        return bool(known and moving <= 0 and is_told)

    async def fence(self, socket: Socket) -> list[Message]:
        """All events that were still to come on the socket; when it returns, no other is on its way."""
        tail = (await self.settled())["log_position"]
        return await self.ping_until(socket, tail)

    async def ping_until(self, socket: Socket, tail: str) -> list[Message]:
        """Pings until a pong's position has reached the entry; answers what came before that pong."""
        messages: list[Message] = []
        deadline = time.monotonic() + self.deadline
        while time.monotonic() < deadline:
            await socket.send_json({"action": "ping"})
            while (message := await socket.receive_json())["event_type"] != "pong":
                messages.append(message)
            if entry_order(decode_position(message["data"]["position"]).entry) >= entry_order(tail):
                return messages
            await asyncio.sleep(0.001)
        raise TimeoutError(f"no pong reached {tail} within {self.deadline:g} s\n{socket.transcript.table()}")

    async def process(self, paper_id: str) -> dict[str, Any]:
        """Opens a run."""
        answer = await self.client.post(f"/papers/{paper_id}/process")
        body: dict[str, Any] = answer.raise_for_status().json()
        return body

    async def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Takes a paper in; answers its snapshot."""
        answer = await self.client.post("/papers/", files={"file": (name, content)})
        body: dict[str, Any] = answer.raise_for_status().json()
        return body

    def check_transcripts(self) -> None:
        for socket in self.sockets:
            check_transcript(socket.transcript)

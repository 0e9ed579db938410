"""A WebSocket as tests see it, the same in-process and live: every receive has a deadline, a failure shows the transcript."""

import asyncio
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from tests.support.patience import within
from tests.support.transcript import Message, Transcript

DEADLINE = 5.0


class SocketClosed(Exception):
    """The service closed the socket."""

    def __init__(self, code: int, reason: str, transcript: Transcript) -> None:
        super().__init__(f"closed with {code} ({reason})\n{transcript.table()}")
        self.code = code
        self.reason = reason


class ConnectionRefused(Exception):
    """The service answered the handshake with an HTTP status instead."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"refused with HTTP {status}: {body}")
        self.status = status
        self.body = body


@dataclass
class Closed:
    """What came last."""

    code: int
    reason: str


class Socket(ABC):
    """One open WebSocket."""

    def __init__(self, path: str, deadline: float = DEADLINE) -> None:
        self.path = path
        self.transcript = Transcript(path)
        self.deadline = deadline
        self.closed: Closed | None = None
        self._inbox: asyncio.Queue[Message | Closed] = asyncio.Queue()

    # -- what a transport provides

    @abstractmethod
    async def send_text(self, text: str) -> None: ...

    @abstractmethod
    async def send_bytes(self, data: bytes) -> None: ...

    @abstractmethod
    async def close(self) -> None:
        """Leaves, as a client does. Doing it twice does no harm."""

    # -- what a transport calls, on the test's loop

    def received_text(self, text: str) -> None:
        message = json.loads(text)
        self.transcript.add(message)
        self._inbox.put_nowait(message)

    def received_close(self, code: int, reason: str) -> None:
        if self.closed is None:
            self.closed = Closed(code, reason)
            self.transcript.ending = f"closed {code} {reason}"
            self._inbox.put_nowait(self.closed)

    # -- what tests use

    async def send_json(self, message: Any) -> None:
        await self.send_text(json.dumps(message))

    async def receive_json(self, timeout: float | None = None) -> Message:
        """The next event. Raises `TimeoutError` with the transcript, or `SocketClosed`."""
        if self._inbox.empty():  # a deadline costs more than to take what is there
            item = await self._await_next(self.deadline if timeout is None else timeout)
        else:
            item = self._inbox.get_nowait()
        if isinstance(item, Closed):
            self._inbox.put_nowait(item)
            raise SocketClosed(item.code, item.reason, self.transcript)
        return item

    async def _await_next(self, seconds: float) -> Message | Closed:
        try:
            with within(seconds):
                return await self._inbox.get()
        except TimeoutError:
            raise TimeoutError(f"no further event within {seconds:g} s\n{self.transcript.table()}") from None

    async def receive_until(self, event_type: str, timeout: float | None = None, **where: Any) -> Message:
        """The next event of that type whose data holds `where`; those before it are passed over."""
        while True:
            message = await self.receive_json(timeout)
            if message["event_type"] == event_type and where.items() <= message["data"].items():
                return message

    async def receive_close(self) -> int:
        """Waits until the service closes the socket, and answers with which code."""
        while True:
            try:
                await self.receive_json()
            except SocketClosed as closed:
                return closed.code

    def pending(self) -> int:
        """Events that came but were not received yet."""
        return self._inbox.qsize() - (1 if self.closed else 0)

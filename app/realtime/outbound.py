"""The one queue of a socket: bounded in frames, bytes and age, drained by the socket's writer."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio

from app.domain.model import Value


class Limits(Value):
    """How much may wait for one reader."""

    frames: int
    bytes: int
    seconds: float
    """How old a frame may get before the transport has taken it."""


class SlowConsumerError(Exception):
    """The reader does not keep up with its events."""


@dataclass
class _Waiting:
    text: str
    queued_at: float
    kind: str | None = None
    """Of a frame of which only the newest matters."""


class Outbound:
    """Frames on their way to one socket, in order."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._frames: deque[_Waiting] = deque()
        self._newest: dict[str, _Waiting] = {}
        self._bytes = 0
        self._changed = anyio.Event()
        self._closed = False

    def offer(self, text: str) -> None:
        """Queues a frame at once. Raises `SlowConsumerError` when there is no room."""
        if len(self._frames) >= self._limits.frames or self._bytes + len(text) > self._limits.bytes:
            raise SlowConsumerError
        self._push(_Waiting(text, anyio.current_time()))

    def offer_newest(self, kind: str, text: str) -> None:
        """Queues a frame of which only the newest matters: it replaces one of its kind that still waits."""
        waiting = self._newest.get(kind)
        if waiting is None:
            self._newest[kind] = waiting = _Waiting("", anyio.current_time(), kind)
            self._push(waiting)
        self._bytes += len(text) - len(waiting.text)
        waiting.text = text

    async def put_all(self, texts: Sequence[str]) -> None:
        """Queues frames whatever their size, once all before them are sent: for a catch-up at the reader's own pace."""
        await self.drained()
        for text in texts:
            self._push(_Waiting(text, anyio.current_time()))

    async def room(self) -> None:
        """Returns when at most half of the frames allowed wait."""
        while len(self._frames) > self._limits.frames // 2:
            await self._changed.wait()

    async def drained(self) -> None:
        """Returns when nothing waits."""
        while self._frames:
            await self._changed.wait()

    def close(self) -> None:
        """No more frames: the writer ends when it has sent those that wait."""
        self._closed = True
        self._notify()

    async def write(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Sends frames until closed and empty. Raises `SlowConsumerError` when one is not taken before it is too old."""
        while self._frames or not self._closed:
            if not self._frames:
                await self._changed.wait()
                continue
            waiting = self._frames[0]
            if waiting.kind is not None:
                self._newest.pop(waiting.kind, None)
            with anyio.CancelScope(deadline=waiting.queued_at + self._limits.seconds) as scope:
                await send(waiting.text)
            if scope.cancelled_caught:
                raise SlowConsumerError
            self._frames.popleft()
            self._bytes -= len(waiting.text)
            self._notify()

    def _push(self, waiting: _Waiting) -> None:
        self._frames.append(waiting)
        self._bytes += len(waiting.text)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

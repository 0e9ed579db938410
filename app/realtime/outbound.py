"""The one queue of a socket: bounded in frames, bytes and age, drained by the socket's writer.

Where nothing waits and the transport takes all, a frame goes out at once, without a turn of the writer.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from app.domain.model import Value
from app.realtime.frames import Frames
from app.realtime.wire import Wire

WRITE_BYTES = 64 * 1024
"""About as much goes out in one transport write: a close frame never waits behind much more."""


class Limits(Value):
    """How much may wait for one reader."""

    frames: int
    bytes: int
    seconds: float
    """How old a frame may get before the transport has taken it."""


class SlowConsumerError(Exception):
    """The reader does not keep up with its events."""


@dataclass(slots=True)
class _Waiting:
    frames: Frames
    queued_at: float
    kind: str | None = None
    """Of a frame of which only the newest matters."""


_NOTHING = Frames((), b"")


class Outbound:
    """Frames on their way to one socket, in order. They count until the transport has taken them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: deque[_Waiting] = deque()
        self._free: Wire | None = None
        """The wire, while everything was taken and its writer waits for more."""
        self._untaken: _Waiting | None = None
        """What went out at once and was not taken at once."""
        self._newest: dict[str, _Waiting] = {}
        self._frames = 0
        self._bytes = 0
        self._changed: anyio.Event | None = None
        self._closed = False

    def offer(self, frames: Frames) -> None:
        """Queues frames at once. Raises `SlowConsumerError` when there is no room."""
        if (
            self._frames + len(frames.texts) > self._limits.frames
            or self._bytes + len(frames.data) > self._limits.bytes
        ):
            raise SlowConsumerError
        self._push(frames)

    def offer_newest(self, kind: str, frames: Frames) -> None:
        """Queues a frame of which only the newest matters: it replaces one of its kind that still waits."""
        waiting = self._newest.get(kind)
        if waiting is None:
            self._push(frames, kind)
        else:
            self._bytes += len(frames.data) - len(waiting.frames.data)
            waiting.frames = frames

    async def put_all(self, frames: Frames) -> None:
        """Queues frames whatever their size, once all before them are sent: for a catch-up at the reader's own pace."""
        await self.drained()
        if frames.texts:
            self._push(frames)

    async def room(self) -> None:
        """Returns when at most half of the frames allowed wait."""
        while self._frames > self._limits.frames // 2:
            await self._change()

    async def drained(self) -> None:
        """Returns when nothing waits."""
        while self._frames:
            await self._change()

    def close(self) -> None:
        """No more frames: the writer ends when it has sent those that wait."""
        self._closed = True
        self._notify()

    async def write(self, wire: Wire) -> None:
        """Hands all that waits to the transport at once, again and again, until closed and empty.

        Raises `SlowConsumerError` when a frame is not taken before it is too old.
        """
        while await self._any(wire):
            if self._untaken is not None:
                waiting, self._untaken = self._untaken, None
                await self._in_time(waiting.queued_at, wire.drained)
                self._sent(len(waiting.frames.texts), len(waiting.frames.data))
                continue
            queued_at, frames, data = self._take()
            if not wire.write(data):
                await self._in_time(queued_at, wire.drained)
            self._sent(frames, len(data))

    async def send_each(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Like `write`, by one call a frame, where the server offers no more."""
        while await self._any():
            waiting = self._pop()
            for text in waiting.frames.texts:
                await self._in_time(waiting.queued_at, lambda text=text: send(text))  # type: ignore[misc]
                self._sent(1, 0)
            self._sent(0, len(waiting.frames.data))

    async def _any(self, wire: Wire | None = None) -> bool:
        """Waits until something waits; false when nothing will. The wire is free meanwhile."""
        self._free = wire
        try:
            while not self._waiting and not self._untaken and not self._closed:
                await self._change()
        finally:
            self._free = None
        return bool(self._waiting or self._untaken)

    def _take(self) -> tuple[float, int, bytes]:
        """What waits, up to about `WRITE_BYTES`: since when the oldest does, how many frames, and their bytes."""
        first = self._pop()
        frames, data = len(first.frames.texts), first.frames.data
        if self._waiting:
            parts, size = [data], len(data)
            while self._waiting and size < WRITE_BYTES:
                more = self._pop().frames
                frames += len(more.texts)
                size += len(more.data)
                parts.append(more.data)
            data = b"".join(parts)
        return first.queued_at, frames, data

    def _pop(self) -> _Waiting:
        waiting = self._waiting.popleft()
        if waiting.kind is not None:
            del self._newest[waiting.kind]
        return waiting

    async def _in_time(self, queued_at: float, take: Callable[[], Awaitable[None]]) -> None:
        with anyio.CancelScope(deadline=queued_at + self._limits.seconds) as scope:
            await take()
        if scope.cancelled_caught:
            raise SlowConsumerError

    def _push(self, frames: Frames, kind: str | None = None) -> None:
        """Hands it over where the wire is free, and otherwise queues it."""
        wire, self._free = self._free, None
        if wire is not None and wire.write(frames.data):
            self._free = wire
            return
        waiting = _Waiting(frames, anyio.current_time(), kind)
        if wire is not None:
            self._untaken = waiting
        else:
            self._waiting.append(waiting)
            if kind is not None:
                self._newest[kind] = waiting
        self._frames += len(frames.texts)
        self._bytes += len(frames.data)
        self._notify()

    def _sent(self, frames: int, size: int) -> None:
        self._frames -= frames
        self._bytes -= size
        self._notify()

    async def _change(self) -> None:
        if self._changed is None:
            self._changed = anyio.Event()
        await self._changed.wait()

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None

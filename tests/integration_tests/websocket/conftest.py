"""What the WebSocket tests are written with."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.settings import Settings
from tests.integration_tests.websocket.recording import Recording, record
from tests.support.differences import Transport
from tests.support.lane import Lane
from tests.support.once import once
from tests.support.patience import within
from tests.support.shared import NO_FOLDER
from tests.support.sockets import Socket, SocketClosed
from tests.support.transcript import Message

Where = Callable[[Message], bool] | dict[str, Any]


class WebSocketMessageQueue:
    """Collects what a socket receives, so that a test can look at it later or wait for it."""

    def __init__(self, websocket: Socket) -> None:
        self.websocket = websocket
        self.messages: list[Message] = []
        self._task: asyncio.Task[None] | None = None
        self._more = asyncio.Condition()

    async def start_listening(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._listen())

    async def stop_listening(self) -> None:
        """Whatever has arrived by now is in `messages`."""
        if self._task is None:
            return
        while self.websocket.pending() and not self._task.done():
            await asyncio.sleep(0)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def get_messages_by_type(self, event_type: str) -> list[Message]:
        return [message for message in self.messages if message["event_type"] == event_type]

    async def wait_for(
        self, event_type: str, where: Where | None = None, count: int = 1, timeout: float | None = None
    ) -> Message:
        """The `count`-th event of that type that fits; `where` is a predicate, or fields its `data` must have.

        Looks at what has come already too. Raises `TimeoutError` with the transcript.
        """
        seconds = self.websocket.deadline if timeout is None else timeout
        try:
            async with self._more:
                with within(seconds):
                    while True:
                        found = [m for m in self.get_messages_by_type(event_type) if _fits(m, where)]
                        if len(found) >= count:
                            return found[count - 1]
                        await self._more.wait()
        except TimeoutError:
            raise TimeoutError(
                f"no {event_type} ({count}×, {where}) within {seconds:g} s\n{self.websocket.transcript.table()}"
            ) from None

    async def _listen(self) -> None:
        while True:
            try:
                message = await self.websocket.receive_json(timeout=3600)
            except SocketClosed:
                return
            async with self._more:
                self.messages.append(message)
                self._more.notify_all()


def _fits(message: Message, where: Where | None) -> bool:
    if where is None:
        return True
    if callable(where):
        return where(message)
    return set(where) <= set(message["data"]) and all(message["data"][name] == value for name, value in where.items())


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    """The settings of the in-process service, which keeps nothing on disk; `with_settings` changes some."""
    return Settings(data_dir=NO_FOLDER, **getattr(request, "param", {}))


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> Transport:
    """Which side of `tests.support.differences` holds."""
    return "live" if request.config.getoption("--live") else "in_process"


@pytest.fixture
async def new_recording(lane: Lane) -> Recording:
    return await record(lane)


recording = once("new_recording")

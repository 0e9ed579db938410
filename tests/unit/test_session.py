"""The seam between a snapshot and the events after it: what happens while the store is being read is not lost."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import pytest
from anyio.lowlevel import checkpoint
from starlette.websockets import WebSocket

from app.adapters.clock import SystemClock
from app.domain.errors import UnavailableError
from app.domain.paper import Paper
from app.domain.position import Position
from app.realtime.hub import Hub
from app.realtime.outbound import Limits
from app.realtime.protocol import MAX_MESSAGE_BYTES, Close
from app.realtime.session import Session
from app.realtime.shared import Realtime
from app.realtime.wire import EXTENSION
from app.services.papers import Papers
from tests.support.builders import SAMPLE, a_paper
from tests.support.log_by_hand import LogByHand, as_log, entry, hub_over
from tests.support.patience import within

pytestmark = pytest.mark.anyio

MOST_FRAMES = 50
"""That may wait for a client: fewer than the hub hands out at once."""


class SlowStore:
    """Papers at `seq` 1; while each is on its way to who asked, its second event happens and the hub tells it."""

    def __init__(self, log: LogByHand, hub: Hub) -> None:
        self._log = log
        self._hub = hub

    async def get(self, paper_id: str) -> Paper:
        snapshot = a_paper(id=paper_id, seq=1)
        self._log.entries.append(entry(3, paper_id, 2))
        await self._hub._read()
        return snapshot


class AwayStore:
    """Answers once, and is away from then on."""

    def __init__(self, log: LogByHand, hub: Hub) -> None:
        self._asked = 0

    async def get(self, paper_id: str) -> Paper:
        self._asked += 1
        if self._asked > 1:
            raise UnavailableError("The store is away.")
        return a_paper(id=paper_id, seq=1)


class Client:
    """The other end of a session's socket."""

    scope: Mapping[str, Any] = {}

    def __init__(self, log: LogByHand, hub: Hub) -> None:
        self.log, self.hub = log, hub
        self.session = anyio.CancelScope()
        """In which the server runs it."""
        self._to_server, self._inbox = anyio.create_memory_object_stream[dict[str, Any]](10)
        self._outbox, self._from_server = anyio.create_memory_object_stream[dict[str, Any]](100)

    async def accept(self) -> None: ...

    async def send_text(self, text: str) -> None:
        await self._outbox.send(json.loads(text))

    async def receive(self) -> dict[str, Any]:
        return await self._inbox.receive()

    async def close(self, code: int, reason: str) -> None:
        await self._outbox.send({"closed": code})

    async def say(self, **message: Any) -> None:
        await self._to_server.send({"type": "websocket.receive", "text": json.dumps(message)})

    async def hear(self) -> dict[str, Any]:
        with within(5):
            return await self._from_server.receive()

    async def send(self, data: bytes) -> None:
        await self._to_server.send({"type": "websocket.receive", "bytes": data})

    async def leave(self, **why: Any) -> None:
        await self._to_server.send({"type": "websocket.disconnect", **why})

    def drop(self) -> None:
        for stream in (self._to_server, self._inbox, self._outbox, self._from_server):
            stream.close()


class TickingLog(LogByHand):
    """While it is asked for a position, the system is told to everyone."""

    hub: Hub

    async def holds(self, entry_id: str) -> bool:
        self.hub.tell_system(SAMPLE)
        return await super().holds(entry_id)


@asynccontextmanager
async def a_session(
    paper_id: str | None,
    after: str | None = None,
    log_type: type[LogByHand] = LogByHand,
    store_type: type[SlowStore] | type[AwayStore] = SlowStore,
    client_type: type[Client] = Client,
    close_seconds: float = 2.0,
) -> AsyncIterator[Client]:
    log = log_type(entry(2, "a", 1))
    hub = hub_over(log)
    if isinstance(log, TickingLog):
        log.hub = hub
    await hub.start()
    shared = Realtime(
        hub=hub,
        log=as_log(log),
        papers=cast(Papers, store_type(log, hub)),
        clock=SystemClock(),
        limits=Limits(frames=MOST_FRAMES, bytes=100_000, seconds=10),
        replay_limit=100,
        max_connections=10,
        allowed_origins=(),
        close_seconds=close_seconds,
    )
    client = client_type(log, hub)
    session = Session(cast(WebSocket, client), paper_id, after, shared)

    async def serve() -> None:
        with client.session:
            await session.run()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        yield client
        await client.leave()
    client.drop()
    assert hub.connections == 0


async def test_an_event_that_comes_while_the_snapshot_is_read_follows_the_connection() -> None:
    async with a_session("a") as client:
        assert (await client.hear())["data"]["snapshot"]["seq"] == 1
        assert (await client.hear())["data"]["seq"] == 2


async def test_an_event_that_comes_while_the_snapshots_of_a_subscription_are_read_follows_them() -> None:
    async with a_session(None) as client:
        await client.hear()
        await client.say(action="subscribe", paper_ids=["a"])
        assert (await client.hear())["data"]["snapshots"][0]["seq"] == 1
        assert (await client.hear())["data"]["seq"] == 2


async def test_a_tick_of_the_system_while_a_socket_opens_does_not_come_before_its_connection() -> None:
    async with a_session(None, Position(entry="2-0").encode(), TickingLog) as client:
        heard = [(await client.hear())["event_type"] for _ in range(3)]
    assert heard == ["connection", "system_status", "system_metrics"]


async def test_a_log_that_is_lost_while_the_store_is_away_ends_the_socket_with_a_word_to_come_back() -> None:
    async with a_session("a", store_type=AwayStore) as client:
        assert (await client.hear())["event_type"] == "connection"
        await client.say(action="ping")
        assert (await client.hear())["event_type"] == "pong", "from here on it follows the hub"
        client.log.entries[:] = [entry(9, "a", 1)]
        await client.hub._read()
        assert await client.hear() == {"closed": Close.UNAVAILABLE.code}


class Late(Client):
    """Takes its close frame only when it is let."""

    def __init__(self, log: LogByHand, hub: Hub) -> None:
        super().__init__(log, hub)
        self.asked, self.let = anyio.Event(), anyio.Event()

    async def close(self, code: int, reason: str) -> None:
        self.asked.set()
        await self.let.wait()
        await super().close(code, reason)


async def test_a_client_that_does_not_take_its_close_frame_is_not_waited_for() -> None:
    async with a_session("a", client_type=Late, close_seconds=0.01) as client:
        await client.hear()
        client.hub.stop()


async def test_a_close_frame_that_is_under_way_gets_there_though_the_server_cancels_what_still_runs() -> None:
    async with a_session("a", client_type=Late) as client:
        assert isinstance(client, Late)
        await client.hear()
        client.hub.stop()
        await client.asked.wait()
        client.session.cancel()
        await checkpoint()
        client.let.set()
        while "closed" not in (heard := await client.hear()):
            assert heard["event_type"] == "paper_status"
    assert heard == {"closed": Close.GOING_AWAY.code}


class SentAway(Client):
    """As soon as its message has been read, the service stops."""

    async def receive(self) -> dict[str, Any]:
        message = await super().receive()
        asyncio.get_running_loop().call_soon(self.hub.stop)
        return message


async def test_of_two_reasons_to_end_a_connection_the_first_is_told() -> None:
    async with a_session("a", client_type=SentAway) as client:
        await client.send(bytes(MAX_MESSAGE_BYTES + 1))
        while "closed" not in (heard := await client.hear()):
            pass
    assert heard == {"closed": Close.TOO_BIG.code}


async def test_a_client_that_leaves_is_not_called_a_slow_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.realtime.session")
    async with a_session("a") as client:
        await client.leave(code=1001)
    assert caplog.messages == ["the socket is closed: the client left"]


class WithWire(Client):
    """A client of a server that takes ready-made bytes."""

    def __init__(self, log: LogByHand, hub: Hub) -> None:
        super().__init__(log, hub)
        self.scope = {"extensions": {EXTENSION: {"wire": self}}}

    async def send_text(self, text: str) -> None:
        raise AssertionError("a frame was not shared")

    def write(self, data: bytes) -> bool:
        self._outbox.send_nowait({"written": data})
        return True

    def cut(self, code: int, reason: str) -> None:
        self._outbox.send_nowait({"cut": (code, reason)})


async def test_where_the_server_takes_bytes_everything_goes_over_its_wire_the_close_frame_too() -> None:
    async with a_session("a", client_type=WithWire) as client:
        written = (await client.hear())["written"]
        assert b'"event_type":"connection"' in written
        client.hub.stop()
        while "cut" not in (heard := await client.hear()):
            assert "written" in heard
    assert heard == {"cut": (Close.GOING_AWAY.code, Close.GOING_AWAY.reason)}


async def test_a_reader_that_its_server_finds_too_slow_is_one_for_us_too() -> None:
    async with a_session("a") as client:
        await client.leave(code=Close.SLOW_CONSUMER.code)
        while "closed" not in (heard := await client.hear()):
            pass
    assert heard == {"closed": Close.SLOW_CONSUMER.code}


async def test_bytes_beyond_the_limit_end_the_connection_as_text_does() -> None:
    async with a_session("a") as client:
        await client.send(bytes(MAX_MESSAGE_BYTES))
        while (heard := await client.hear()).get("event_type") != "error":
            assert "closed" not in heard, "that many are allowed"
        await client.send(bytes(MAX_MESSAGE_BYTES + 1))
        while "closed" not in (heard := await client.hear()):
            pass
    assert heard == {"closed": Close.TOO_BIG.code}

"""The seam between a snapshot and the events after it: what happens while the store is being read is not lost."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import pytest
from starlette.websockets import WebSocket

from app.adapters.clock import SystemClock
from app.domain.events import SystemMetricsData, SystemMetricsEvent, SystemStatusData, SystemStatusEvent
from app.domain.paper import Paper
from app.domain.position import Position
from app.realtime.hub import Hub
from app.realtime.outbound import Limits
from app.realtime.session import Realtime, Session
from app.services.papers import Papers
from app.services.system import Sample
from tests.support.builders import NOW, a_paper
from tests.support.log_by_hand import LogByHand, as_log, entry, hub_over

pytestmark = pytest.mark.anyio


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


class Client:
    """The other end of a session's socket."""

    scope: Mapping[str, Any] = {}

    def __init__(self) -> None:
        self._to_server, self._inbox = anyio.create_memory_object_stream[dict[str, Any]](10)
        self._outbox, self._from_server = anyio.create_memory_object_stream[dict[str, Any]](100)

    async def accept(self) -> None: ...

    async def send_text(self, text: str) -> None:
        await self._outbox.send(json.loads(text))

    async def receive(self) -> dict[str, Any]:
        return await self._inbox.receive()

    async def say(self, **message: Any) -> None:
        await self._to_server.send({"type": "websocket.receive", "text": json.dumps(message)})

    async def hear(self) -> dict[str, Any]:
        with anyio.fail_after(1):
            return await self._from_server.receive()

    async def leave(self) -> None:
        await self._to_server.send({"type": "websocket.disconnect"})

    def close(self) -> None:
        for stream in (self._to_server, self._inbox, self._outbox, self._from_server):
            stream.close()


class TickingLog(LogByHand):
    """While it is asked for a position, the system is told to everyone."""

    hub: Hub

    async def holds(self, entry_id: str) -> bool:
        self.hub.tell_system(SAMPLE)
        return await super().holds(entry_id)


SAMPLE = Sample(
    status=SystemStatusEvent(
        timestamp=NOW,
        message="well",
        data=SystemStatusData(
            status="ok", queue_length=0, active_tasks=0, workers=1, connections=0, services={"store": "ok"}
        ),
    ),
    metrics=SystemMetricsEvent(
        timestamp=NOW, message="idle", data=SystemMetricsData(cpu_usage=0, memory_usage=0, events_per_second=0)
    ),
    waiting=0,
)


@asynccontextmanager
async def a_session(
    paper_id: str | None, after: str | None = None, log_type: type[LogByHand] = LogByHand
) -> AsyncIterator[Client]:
    log = log_type(entry(2, "a", 1))
    hub = hub_over(log)
    if isinstance(log, TickingLog):
        log.hub = hub
    await hub.start()
    shared = Realtime(
        hub=hub,
        log=as_log(log),
        papers=cast(Papers, SlowStore(log, hub)),
        clock=SystemClock(),
        limits=Limits(frames=100, bytes=100_000, seconds=10),
        replay_limit=100,
        max_connections=10,
        allowed_origins=(),
    )
    client = Client()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Session(cast(WebSocket, client), paper_id, after, shared).run)
        yield client
        await client.leave()
    client.close()
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

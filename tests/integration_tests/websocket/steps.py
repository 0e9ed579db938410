"""Steps that the WebSocket scenarios share."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from app.domain.decisions import Change
from app.domain.paper import PaperRecord
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.sockets import Socket
from tests.support.transcript import Message

PAPER_EVENTS = {"paper_status", "paper_progress", "entity_extraction", "relationship_extraction", "paper_deleted"}
SHORT = b"We train BERT on SQuAD.\n"
"""A paper that is worked through faster than the seed paper."""
EMPTY_INSIDE = b" \n \n"
"""A file that is taken in, and that nobody can read."""


def with_settings(**fields: Any) -> pytest.MarkDecorator:
    """Runs the test's in-process service with these settings."""
    return pytest.mark.parametrize("settings", [pytest.param(fields, id=",".join(fields))], indirect=True)


def of(paper_id: str, messages: Iterable[Message]) -> list[Message]:
    """The events of one paper: on `/ws`, others may be about."""
    return [m for m in messages if m["event_type"] in PAPER_EVENTS and m["data"]["paper_id"] == paper_id]


def seqs(events: Iterable[Message]) -> list[int]:
    return [event["data"]["seq"] for event in events]


def types(messages: Iterable[Message]) -> list[str]:
    return [message["event_type"] for message in messages]


def statuses(events: Iterable[Message]) -> list[str]:
    return [event["data"]["status"] for event in events if event["event_type"] == "paper_status"]


async def snapshot(lane: Lane, paper_id: str) -> dict[str, Any]:
    """What a fresh GET answers."""
    answer = await lane.client.get(f"/papers/{paper_id}")
    body: dict[str, Any] = answer.raise_for_status().json()
    return body


async def upload(lane: Lane, content: bytes = SHORT, name: str = "short.txt") -> str:
    """A paper of the test's own; answers its id."""
    paper_id: str = (await lane.upload(name, content))["id"]
    return paper_id


async def delete(lane: Lane, paper_id: str) -> None:
    answer = await lane.client.delete(f"/papers/{paper_id}")
    assert answer.status_code == 204, answer.text


async def cancel(lane: Lane, paper_id: str) -> dict[str, Any]:
    answer = await lane.client.post(f"/papers/{paper_id}/cancel")
    body: dict[str, Any] = answer.raise_for_status().json()
    return body


async def run(lane: Lane, paper_id: str, socket: Socket, until: str = "completed") -> Message:
    """Opens a run and watches it to its end, which is answered."""
    await lane.process(paper_id)
    return await socket.receive_until("paper_status", paper_id=paper_id, status=until)


async def ping(socket: Socket) -> Message:
    """The next pong; what came before it stays in the transcript alone."""
    await socket.send_json({"action": "ping"})
    return await socket.receive_until("pong")


async def opened(socket: Socket) -> Message:
    """The first event, which is the connection on every socket."""
    message = await socket.receive_json()
    assert message["event_type"] == "connection", socket.transcript.table()
    return message


async def missed(lane: Lane, path: str, after: str) -> tuple[Message, list[Message]]:
    """Reconnects with a position while the service is at rest: the connection event, and all that came behind it."""
    async with lane.connect(f"{path}?after={after}") as socket:
        first = await opened(socket)
        await socket.send_json({"action": "ping"})
        replayed: list[Message] = []
        while (message := await socket.receive_json())["event_type"] != "pong":
            replayed.append(message)
        return first, [message for message in replayed if not message["event_type"].startswith("system_")]


async def workers_rest(lane: InProcessLane) -> None:
    """Waits until no run is at work, one that lost its lease included: what it was to write is written or refused."""
    deadline = time.monotonic() + lane.deadline
    while lane.worker.services.pipeline.active:
        assert time.monotonic() < deadline, "a worker still works"
        await asyncio.sleep(0.001)


async def store_unnoticed(
    lane: InProcessLane, paper_id: str, *decide: Callable[[PaperRecord, datetime], Change]
) -> None:
    """Writes to the store as the service does, but wakes no relay: the events stay unpublished until the clock moves."""

    async def write() -> None:
        for decision in decide:
            record = await lane.api.store.get(paper_id)
            assert record is not None
            assert await lane.api.store.replace(decision(record, lane.clock.now()), uuid4().hex)

    lane.call_api(write)

"""What cannot be resumed from is answered by `resync`, never by silence, and the socket lives on from there."""

from typing import Any

import pytest

from app.adapters.event_log.redis import STREAM
from app.domain.position import Position
from conftest import Connect
from tests.integration_tests.websocket.steps import (
    delete,
    missed,
    of,
    opened,
    ping,
    run,
    seqs,
    snapshot,
    statuses,
    types,
    upload,
    with_settings,
)
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.once import each, once
from tests.support.sockets import Socket
from tests.support.transcript import Message, fold

NEVER_THERE = Position(entry="1-1").encode()


BEYOND = Position(entry=f"{2**64}-0").encode()
"""It has a position's form, but no log goes so far."""
INVALID = ["nonsense", "", "MS0x!", "%00", "%F0%9F%92%A5", "-1", "x" * 4000, BEYOND]


@pytest.fixture
async def new_invalid(lane: Lane) -> dict[str, Any]:
    paper_id = await upload(lane)
    await lane.settled()
    fresh = await snapshot(lane, paper_id)

    async def ask(after: str) -> tuple[dict[str, Any], Message, list[Message]]:
        return fresh, *await missed(lane, f"/ws/{paper_id}", after)

    return await each(INVALID, ask)


invalid = once("new_invalid")


@pytest.mark.parametrize("after", INVALID)
def test_a_position_that_is_none_gets_resync_and_the_socket_lives_on(invalid: dict[str, Any], after: str) -> None:
    answer = invalid[after]
    assert not isinstance(answer, str), answer
    fresh, first, (resync,) = answer
    assert first["data"]["snapshot"] == fresh
    assert resync["event_type"] == "resync"
    assert resync["id"] is None
    assert resync["data"] == {
        "paper_id": fresh["id"],
        "reason": "invalid_position",
        "position": first["data"]["position"],
        "snapshot": fresh,
    }


@pytest.mark.anyio
@pytest.mark.parametrize("entry", ["1-1", "99999999999999-0"], ids=["before the log", "after its end"])
async def test_a_position_that_the_log_does_not_hold_gets_resync_and_never_the_next_best_entry(
    lane: Lane, test_paper_id: str, entry: str
) -> None:
    _, others = await missed(lane, f"/ws/{test_paper_id}", Position(entry=entry).encode())
    assert types(others) == ["resync"]
    assert others[0]["data"]["reason"] == "position_not_in_log"
    assert others[0]["data"]["snapshot"] == await snapshot(lane, test_paper_id)


@pytest.mark.anyio
async def test_resync_on_ws_carries_no_snapshot_and_is_of_no_paper(lane: Lane) -> None:
    _, (resync,) = await missed(lane, "/ws", NEVER_THERE)
    assert (resync["data"]["paper_id"], resync["data"]["snapshot"]) == (None, None)


@pytest.mark.anyio
async def test_on_ws_the_connection_before_a_resync_tells_no_new_position(lane: Lane) -> None:
    """Whoever is cut off between the two and resumes from it would take all it missed for heard."""
    connection, (resync,) = await missed(lane, "/ws", NEVER_THERE)
    assert connection["data"]["position"] == NEVER_THERE
    assert resync["data"]["position"] != NEVER_THERE


@pytest.mark.anyio
async def test_after_a_resync_events_go_on(lane: Lane, connect: Connect) -> None:
    paper_id = await upload(lane)
    async with connect(f"/ws/{paper_id}?after={NEVER_THERE}") as socket:
        await socket.receive_until("resync")
        await delete(lane, paper_id)
        await socket.receive_close()
        assert seqs(of(paper_id, socket.transcript.messages)) == [2]


@pytest.mark.anyio
@pytest.mark.in_process
@with_settings(replay_limit=5)
async def test_who_is_too_far_behind_gets_resync_and_who_is_not_gets_the_events(in_process: InProcessLane) -> None:
    paper_id = await upload(in_process)
    async with in_process.connect("/ws") as socket:
        await run(in_process, paper_id, socket)
        await in_process.fence(socket)
        events = of(paper_id, socket.transcript.messages)
    path = f"/ws/{paper_id}"
    assert (await missed(in_process, path, events[-6]["id"]))[1] == events[-5:]
    _, others = await missed(in_process, path, events[-7]["id"])
    assert types(others) == ["resync"], "it replays more than it may"
    resync = others[0]
    assert resync["data"]["reason"] == "too_far_behind"
    assert resync["data"]["snapshot"] == await snapshot(in_process, paper_id)
    assert (await missed(in_process, path, resync["data"]["position"]))[1] == []


async def lose_stream(lane: InProcessLane) -> None:
    lane.call_api(lane.api.redis.delete, STREAM)


async def lose_everything(lane: InProcessLane) -> None:
    lane.call_api(lane.api.redis.flushall)


@pytest.mark.anyio
@pytest.mark.in_process
@pytest.mark.parametrize("lose", [pytest.param(lose_stream, marks=pytest.mark.slow), lose_everything])
async def test_a_log_that_is_lost_under_open_sockets_is_told_and_then_events_go_on(
    in_process: InProcessLane, lose: object
) -> None:
    """Redis comes back without the log, or with nothing at all: then what was told lately is offered to it again."""
    hold = in_process.hold("entities")
    paper_id = await upload(in_process)
    async with (
        in_process.connect("/ws") as everything,
        in_process.connect(f"/ws/{paper_id}") as paper,
        in_process.connect("/ws") as narrowed,
    ):
        await narrowed.send_json({"action": "subscribe", "paper_ids": [paper_id]})
        await narrowed.receive_until("subscribed")
        await in_process.process(paper_id)
        await hold.reached()
        await in_process.fence(paper)
        assert callable(lose)
        await lose(in_process)
        in_process.backing.redis.restart()
        hold.release()

        for socket, about in ((everything, None), (paper, paper_id), (narrowed, None)):
            resync = await socket.receive_until("resync")
            assert (resync["data"]["reason"], resync["data"]["paper_id"]) == ("log_lost", about)
        await in_process.settled()
        fresh = await snapshot(in_process, paper_id)
        await ends_as(in_process, paper, paper_id, fresh["seq"])
        folded = fold(paper.transcript.messages, paper_id)
        assert folded is not None
        assert folded.model_dump(mode="json") == fresh
        await in_process.fence(everything)
        assert statuses(everything.transcript.messages)[-1] == "completed"

        await in_process.fence(narrowed)
        other = await upload(in_process)
        assert seqs(of(other, await in_process.fence(everything))) == [1]
        assert await in_process.fence(narrowed) == [], "a narrowed socket is no wider after a resync"


async def ends_as(lane: InProcessLane, socket: Socket, paper_id: str, seq: int) -> None:
    await lane.fence(socket)
    last = [message for message in socket.transcript.messages if message["event_type"] != "pong"][-1]
    told = last["data"]["snapshot"]["seq"] if last["event_type"] == "resync" else last["data"]["seq"]
    assert told == seq, socket.transcript.table()


@pytest.mark.anyio
@pytest.mark.in_process
async def test_who_comes_back_after_the_log_was_lost_gets_resync(in_process: InProcessLane) -> None:
    paper_id = await upload(in_process)
    async with in_process.connect(f"/ws/{paper_id}") as socket:
        position = (await opened(socket))["data"]["position"]
    await lose_everything(in_process)
    in_process.backing.redis.restart()
    in_process.clock.advance(1)
    _, (resync, *_) = await missed(in_process, f"/ws/{paper_id}", position)
    assert resync["data"]["reason"] in {"position_not_in_log", "log_lost"}
    assert resync["data"]["snapshot"] == await snapshot(in_process, paper_id)


@pytest.mark.anyio
@pytest.mark.in_process
async def test_an_entry_of_the_log_that_nobody_can_read_is_told_and_then_events_go_on(
    in_process: InProcessLane,
) -> None:
    """As one of a later version may be, while two versions run."""
    paper_id = await upload(in_process)
    async with in_process.connect("/ws") as everything, in_process.connect(f"/ws/{paper_id}") as paper:
        await in_process.fence(everything)
        position = (await ping(everything))["data"]["position"]
        in_process.call_api(in_process.api.redis.xadd, STREAM, {"event": "from the future"})
        for socket in (everything, paper):
            assert (await socket.receive_until("resync"))["data"]["reason"] == "log_lost"
        async with in_process.connect(f"/ws?after={position}") as back:
            assert (await back.receive_until("resync"))["data"]["reason"] == "log_lost"
            await run(in_process, paper_id, paper)
            await back.receive_until("paper_status", status="completed")

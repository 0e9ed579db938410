"""G3: what a client holds (a snapshot, and the events after it folded by `apply`) is what a fresh GET answers."""

from typing import Any

import pytest

from conftest import Connect
from tests.integration_tests.websocket.recording import Recording
from tests.integration_tests.websocket.steps import (
    EMPTY_INSIDE,
    cancel,
    delete,
    of,
    opened,
    run,
    seqs,
    snapshot,
    types,
    upload,
)
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.sockets import Socket
from tests.support.transcript import Message, fold


def held(messages: list[Message], paper_id: str) -> dict[str, Any] | None:
    paper = fold(messages, paper_id)
    return None if paper is None else paper.model_dump(mode="json")


@pytest.mark.parametrize("moment", ["uploaded", "completed", "again"])
def test_events_from_the_first_on_need_no_snapshot_at_all(recording: Recording, moment: str) -> None:
    fresh = getattr(recording, moment)
    assert held(recording.everything[: fresh["seq"]], recording.paper_id) == fresh


def test_a_client_that_follows_a_life_to_its_end_holds_nothing(recording: Recording) -> None:
    assert held(recording.paper, recording.paper_id) is None
    assert held(recording.everything, recording.paper_id) is None


def test_older_events_laid_over_a_newer_snapshot_change_nothing(recording: Recording) -> None:
    """As when a client on `/ws` GETs a paper while its events come in."""
    snapshot_first: Message = {"event_type": "connection", "id": None, "data": {"snapshot": recording.completed}}
    older = recording.everything[1 : recording.completed["seq"] - 3]
    assert held([snapshot_first, *older], recording.paper_id) == recording.completed


@pytest.mark.anyio
@pytest.mark.in_process
async def test_every_client_holds_what_a_fresh_get_answers_at_every_stage_whenever_it_came(
    in_process: InProcessLane, connect: Connect
) -> None:
    """One that watches from the start on, one that leaves and resumes at each stage, and one that comes new to each."""
    paper_id = await upload(in_process)
    path = f"/ws/{paper_id}"
    stages = ("dispatch", "read", "references", "entities", "relationships", "knowledge_graph")
    holds = {stage: in_process.hold(stage) for stage in stages}
    async with connect(path) as steady, connect(path) as first:
        position = (await opened(first))["data"]["position"]
        comes_and_goes = first.transcript.messages
        await in_process.process(paper_id)
        for stage in (*stages, None):
            if stage is not None:
                await holds[stage].reached()
            fresh = await came_to_rest(in_process, paper_id)
            await in_process.fence(steady)
            assert held(steady.transcript.messages, paper_id) == fresh, f"held at {stage}"
            async with connect(f"{path}?after={position}") as back, connect(path) as new:
                await in_process.fence(back)
                comes_and_goes += back.transcript.messages
                assert held(comes_and_goes, paper_id) == fresh, f"resumed at {stage}"
                position = of(paper_id, comes_and_goes)[-1]["id"]
                await in_process.fence(new)
                assert held(new.transcript.messages, paper_id) == fresh, f"came at {stage}"
            if stage is not None:
                holds[stage].release()
        assert fresh["status"] == "completed"
        assert set(types(of(paper_id, steady.transcript.messages))) == {
            "paper_status",
            "paper_progress",
            "entity_extraction",
            "relationship_extraction",
        }
        assert seqs(of(paper_id, comes_and_goes)) == seqs(of(paper_id, steady.transcript.messages))


async def came_to_rest(lane: InProcessLane, paper_id: str) -> dict[str, Any]:
    await lane.settled()
    return await snapshot(lane, paper_id)


@pytest.mark.anyio
async def test_a_failed_run_converges(lane: Lane, connect: Connect) -> None:
    paper_id = await upload(lane, EMPTY_INSIDE)
    async with connect(f"/ws/{paper_id}") as socket:
        await run(lane, paper_id, socket, until="failed")
        await converged(lane, socket, paper_id, "failed")


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.in_process
async def test_a_cancelled_run_converges_and_so_do_the_next_run_and_the_deletion(
    in_process: InProcessLane, connect: Connect
) -> None:
    hold = in_process.hold("structure")
    paper_id = await upload(in_process)
    async with connect("/ws") as everything, connect(f"/ws/{paper_id}") as socket:
        await in_process.process(paper_id)
        await hold.reached()
        await cancel(in_process, paper_id)
        await converged(in_process, socket, paper_id, "cancelled")
        hold.release()
        await run(in_process, paper_id, socket)
        await converged(in_process, socket, paper_id, "completed")
        await delete(in_process, paper_id)
        await socket.receive_close()
        assert held(socket.transcript.messages, paper_id) is None
        await in_process.fence(everything)
        assert "paper_deleted" in types(everything.transcript.messages)


async def converged(lane: Lane, socket: Socket, paper_id: str, status: str) -> None:
    await lane.fence(socket)
    fresh = await snapshot(lane, paper_id)
    assert fresh["status"] == status
    assert held(socket.transcript.messages, paper_id) == fresh, socket.transcript.table()

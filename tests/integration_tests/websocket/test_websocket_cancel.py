"""Cancelling: the terminal event is written at once, and whoever still works writes nothing more."""

import logging
from collections.abc import Iterator

import httpx
import pytest

from conftest import Connect
from tests.integration_tests.websocket.steps import (
    cancel,
    of,
    opened,
    run,
    snapshot,
    statuses,
    upload,
    workers_rest,
)
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.sockets import Socket

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def nothing_unforeseen(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Losing a run is nothing that a worker should be surprised by."""
    yield
    assert [record.message for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.mark.in_process
async def test_a_queued_run_is_cancelled_before_any_worker_has_it(in_process: InProcessLane, connect: Connect) -> None:
    hold = in_process.hold("dispatch")
    paper_id = await upload(in_process)
    async with connect(f"/ws/{paper_id}") as socket:
        await opened(socket)
        await in_process.process(paper_id)
        await hold.reached()
        answer = await cancel(in_process, paper_id)
        assert (answer["status"], answer["run"]) == ("cancelled", 1)
        hold.release()
        await workers_rest(in_process)
        await in_process.fence(socket)
        assert statuses(socket.transcript.messages) == ["queued", "cancelled"]


@pytest.mark.in_process
@pytest.mark.parametrize(
    ("stage", "status", "progress"),
    [
        pytest.param("read", "processing", 0, marks=pytest.mark.slow),
        ("entities", "extracting_entities", 55),
        pytest.param("knowledge_graph", "building_knowledge_graph", 90, marks=pytest.mark.slow),
    ],
)
async def test_a_running_paper_is_cancelled_at_any_stage_and_its_worker_writes_nothing_more(
    in_process: InProcessLane, connect: Connect, stage: str, status: str, progress: int
) -> None:
    hold = in_process.hold(stage)
    paper_id = await upload(in_process)
    async with connect(f"/ws/{paper_id}") as socket:
        await in_process.process(paper_id)
        await hold.reached()
        await cancel(in_process, paper_id)
        event = await socket.receive_until("paper_status", status="cancelled")
        assert (event["data"]["previous_status"], event["data"]["progress"]) == (status, progress)
        assert event["data"]["changes"]["stage"] is None
        before = await snapshot(in_process, paper_id)
        hold.release()
        await workers_rest(in_process)
        assert await in_process.fence(socket) == [], "the worker told something after the run was cancelled"
        assert await snapshot(in_process, paper_id) == before


@pytest.mark.in_process
async def test_a_new_run_is_told_alone_while_the_worker_of_the_cancelled_one_comes_back(
    in_process: InProcessLane, connect: Connect
) -> None:
    hold = in_process.hold("references")
    paper_id = await upload(in_process)
    async with connect(f"/ws/{paper_id}") as socket:
        await in_process.process(paper_id)
        await hold.reached()
        await cancel(in_process, paper_id)
        assert (await in_process.process(paper_id))["run"] == 2
        await socket.receive_until("paper_progress", run=2, stage="structure")
        hold.release()  # both workers go on at the same moment
        await socket.receive_until("paper_status", status="completed", run=2)
        await workers_rest(in_process)
        assert await in_process.fence(socket) == []
        events = of(paper_id, socket.transcript.messages)
        assert [event["data"]["run"] for event in events] == sorted(event["data"]["run"] for event in events)


async def test_there_is_nothing_to_cancel_before_a_run_or_after_it_and_nothing_is_told(
    lane: Lane, api_client: httpx.AsyncClient, paper_websocket_client: Socket, test_paper_id: str
) -> None:
    await opened(paper_websocket_client)
    refused = await api_client.post(f"/papers/{test_paper_id}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "paper_not_running")
    assert await lane.fence(paper_websocket_client) == []
    await run(lane, test_paper_id, paper_websocket_client)
    assert (await api_client.post(f"/papers/{test_paper_id}/cancel")).status_code == 409
    assert await lane.fence(paper_websocket_client) == []

"""How a test knows that nothing comes: a pong alone proves nothing about an event that is late, the fence does."""

import asyncio

import anyio
import pytest

from app.domain import decisions
from tests.integration_tests.websocket.steps import of, opened, ping, seqs, store_unnoticed, types, upload
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.sockets import Socket
from tests.support.starlette_client import InProcessSocket

pytestmark = [pytest.mark.anyio, pytest.mark.extended]


@pytest.mark.in_process
async def test_a_late_event_is_overtaken_by_a_bare_pong_and_not_by_the_fence(in_process: InProcessLane) -> None:
    paper_id = await upload(in_process)
    async with in_process.connect(f"/ws/{paper_id}") as socket:
        await opened(socket)
        await in_process.fence(socket)
        await store_unnoticed(in_process, paper_id, decisions.queue, decisions.cancel)
        await ping(socket)
        assert of(paper_id, socket.transcript.messages) == [], "the pong did not overtake: the test proves nothing"
        fence = asyncio.create_task(in_process.fence(socket))
        for _ in range(3):
            await in_process.status()
        assert not fence.done(), "the fence let events pass that are stored and not told yet"
        in_process.clock.advance(1)  # now the relay looks by itself
        assert seqs(of(paper_id, await fence)) == [2, 3]


@pytest.mark.in_process
@pytest.mark.parametrize(("action", "reply"), [("ping", "pong"), ("sing", "error")])
async def test_a_reply_stands_behind_every_event_that_came_before_its_message(
    in_process: InProcessLane, action: str, reply: str
) -> None:
    slow = await InProcessSocket.open(in_process.test_client, "/ws", buffer=3)  # as many as come at the opening
    async with in_process.keep(slow):
        papers = [await upload(in_process) for _ in range(3)]
        await in_process.settled()
        await slow.send_json({"action": action})
        await in_process.settled()
        await slow.read_on()
        await slow.receive_until(reply)
        before = slow.transcript.messages[: types(slow.transcript.messages).index(reply)]
        assert [of(paper_id, before) != [] for paper_id in papers] == [True] * 3, slow.transcript.table()


@pytest.mark.in_process
async def test_the_fence_fails_when_an_event_never_comes_and_says_where_it_is(in_process: InProcessLane) -> None:
    paper_id = await upload(in_process)
    async with in_process.connect(f"/ws/{paper_id}") as socket:
        await in_process.fence(socket)
        await store_unnoticed(in_process, paper_id, decisions.queue, decisions.cancel)
        in_process.deadline = 0.05
        with pytest.raises(TimeoutError, match=r"did not settle.*'waiting': 2"):
            await in_process.fence(socket)


@pytest.mark.in_process
async def test_the_fence_waits_for_a_run_but_not_for_one_that_the_test_holds(in_process: InProcessLane) -> None:
    hold = in_process.hold("entities")
    paper_id = await upload(in_process)
    async with in_process.connect(f"/ws/{paper_id}") as socket:
        await in_process.process(paper_id)
        await hold.reached()
        await in_process.fence(socket)
        hold.release()
        assert (await in_process.fence(socket))[-1]["data"]["status"] == "completed"


async def test_the_fence_answers_what_came_before_it(lane: Lane, websocket_client: Socket) -> None:
    await lane.fence(websocket_client)
    paper_id = await upload(lane)
    assert seqs(of(paper_id, await lane.fence(websocket_client))) == [1]
    assert of(paper_id, await lane.fence(websocket_client)) == []


@pytest.mark.in_process
async def test_pongs_that_never_tell_the_end_of_the_log_end_the_fence_with_what_came(in_process: InProcessLane) -> None:
    async with in_process.connect("/ws") as socket:
        in_process.deadline = 0.05
        with (
            anyio.fail_after(3),
            pytest.raises(TimeoutError, match=r"no pong reached 9999999999999-0 within 0.05 s\n(?s:.*pong)"),
        ):
            await in_process.ping_until(socket, "9999999999999-0")

"""A reader that stalls is cut off with 4408, nobody waits for it, and it comes back without having missed anything."""

import pytest

from tests.integration_tests.websocket.steps import (
    missed,
    of,
    opened,
    run,
    seqs,
    snapshot,
    types,
    upload,
    with_settings,
)
from tests.support.deadlines import until
from tests.support.in_process import InProcessLane
from tests.support.starlette_client import InProcessSocket

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]


async def cut_off(lane: InProcessLane, open_before: int) -> None:
    """Waits until the service has given up on a socket: the frames it had for it are dropped."""

    async def fewer() -> bool:
        return bool((await lane.status())["connections"] < open_before)

    await until(fewer, "the end of the stalled socket")


@with_settings(socket_queue_frames=10, socket_max_age=600)  # so that it is the number of frames
async def test_a_stalled_reader_is_cut_off_with_4408_and_comes_back_to_all_it_missed(
    in_process: InProcessLane,
) -> None:
    paper_id = await upload(in_process)
    path = f"/ws/{paper_id}"
    stalled = await InProcessSocket.open(in_process.test_client, path, buffer=2)
    async with in_process.connect(path) as reader, in_process.keep(stalled):
        await opened(reader)
        await in_process.settled()
        await run(in_process, paper_id, reader)  # nobody waits for the stalled one
        await cut_off(in_process, open_before=2)
        await stalled.read_on()
        assert await stalled.receive_close() == 4408
        connection, *events = stalled.transcript.messages
        got = seqs(events)
    assert got, "the test is to stall in the midst of the run"
    _, replayed = await missed(in_process, path, events[-1]["id"])
    assert got + seqs(replayed) == list(range(2, (await snapshot(in_process, paper_id))["seq"] + 1))
    _, replayed = await missed(in_process, path, connection["data"]["position"])
    assert replayed == of(paper_id, reader.transcript.messages)


@with_settings(socket_max_age=0.05)
async def test_a_reader_that_does_not_take_a_frame_in_time_is_cut_off_however_little_waits(
    in_process: InProcessLane,
) -> None:
    stalled = await InProcessSocket.open(in_process.test_client, "/ws", buffer=1)
    async with in_process.connect("/ws") as reader, in_process.keep(stalled):
        await opened(reader)
        await cut_off(in_process, open_before=2)
        await stalled.read_on()
        assert await stalled.receive_close() == 4408
        await in_process.fence(reader)


@pytest.mark.slow
@with_settings(socket_queue_frames=10)
async def test_a_replay_longer_than_the_queue_goes_at_the_pace_of_its_reader(in_process: InProcessLane) -> None:
    paper_id = await upload(in_process)
    async with in_process.connect(f"/ws/{paper_id}") as reader:
        position = (await opened(reader))["data"]["position"]
        await run(in_process, paper_id, reader)
    path = f"/ws/{paper_id}?after={position}"
    late = await InProcessSocket.open(in_process.test_client, path, buffer=1)
    async with in_process.keep(late):
        await in_process.settled()
        await late.read_on()
        await in_process.fence(late)
        assert of(paper_id, late.transcript.messages) == of(paper_id, reader.transcript.messages)


@with_settings(socket_queue_frames=10)
async def test_a_client_that_asks_faster_than_it_reads_waits_for_its_own_answers_and_lives(
    in_process: InProcessLane,
) -> None:
    greedy = await InProcessSocket.open(in_process.test_client, "/ws", buffer=3)  # as many as come at the opening
    async with in_process.keep(greedy):
        await in_process.settled()
        for _ in range(50):
            await greedy.send_json({"action": "ping"})
        await in_process.settled()
        await greedy.read_on()
        for _ in range(50):
            await greedy.receive_until("pong")
        assert greedy.closed is None


async def test_replies_stand_behind_what_is_replayed(in_process: InProcessLane) -> None:
    async with in_process.connect("/ws") as socket:
        position = (await opened(socket))["data"]["position"]
    papers = [await upload(in_process) for _ in range(4)]
    await in_process.settled()
    late = await InProcessSocket.open(in_process.test_client, f"/ws?after={position}", buffer=1)
    async with in_process.keep(late):
        await late.send_json({"action": "ping"})
        await late.send_json({"action": "sing"})
        await in_process.settled()
        await late.read_on()
        await late.receive_until("error")
        told = late.transcript.messages
        for reply in ("pong", "error"):
            before = told[: types(told).index(reply)]
            assert all(of(paper_id, before) for paper_id in papers), f"{reply} overtook an event"

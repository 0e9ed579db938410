"""Readers that stall over real TCP are cut off, a hundred others keep pace, and the stalled ones miss nothing."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from app.realtime.protocol import Close
from tests.live.traffic import TITLE, row, traffic
from tests.support.live import LiveLane, LiveServer
from tests.support.prometheus import samples
from tests.support.raw_reader import RawReader
from tests.support.transcript import Transcript, check_transcript

pytestmark = [pytest.mark.anyio, pytest.mark.live]

READERS = 100
RATE = 20
SECONDS = 2.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("slow"), PAPERS_SOCKET_MAX_AGE="1") as server:
        yield server


@pytest.fixture
async def lane(server: LiveServer) -> AsyncIterator[LiveLane]:
    async with LiveLane(server) as lane:
        yield lane
        lane.check_transcripts()


def told(transcript: Transcript, paper_id: str) -> list[int]:
    events = (message["data"] for message in transcript.messages if message["id"] is not None)
    return [data["seq"] for data in events if data["paper_id"] == paper_id]


async def cut_off(lane: LiveLane, count: int) -> int:
    """How many were, as soon as it is `count` or more: how many are left would be sampled, and might never be seen."""
    with anyio.fail_after(lane.deadline):
        while True:
            metrics = samples((await lane.client.get("/metrics")).text)
            found = int(metrics.get(f"sockets_closed_total,{Close.SLOW_CONSUMER.code}", 0))
            if found >= count:
                return found
            await anyio.sleep(0.05)


async def test_stalled_readers_are_cut_off_nobody_waits_for_them_and_they_miss_nothing(
    server: LiveServer, lane: LiveLane, capsys: pytest.CaptureFixture[str]
) -> None:
    async with AsyncExitStack() as stack:
        events = await stack.enter_async_context(traffic(server.folder / "data", size=8000))
        readers = [await stack.enter_async_context(lane.connect("/ws")) for _ in range(READERS)]

        async with events.at(RATE):
            await anyio.sleep(SECONDS)
        before = len(events.sent)

        stalled = [
            await stack.enter_async_context(RawReader(server.port, "/ws", receive_buffer))
            for receive_buffer in (None, 4096)
        ]
        async with events.at(RATE):
            assert await cut_off(lane, len(stalled)) == len(stalled)
            during = len(events.sent)
            resumed = []
            for one in stalled:
                await one.read_to_the_end()
                assert one.close is not None, one.transcript.table()
                assert (one.close.code, one.close.reason) == (Close.SLOW_CONSUMER.code, Close.SLOW_CONSUMER.reason)
                after = one.transcript.messages[-1]["id"] or one.transcript.messages[0]["data"]["position"]
                resumed.append(await stack.enter_async_context(lane.connect(f"/ws?after={after}")))
            await anyio.sleep(SECONDS)
        total = len(events.sent)

        for reader in (*readers, *resumed):
            await reader.receive_until("paper_progress", seq=total)
        for reader in readers:
            assert told(reader.transcript, events.paper_id) == list(range(1, total + 1))
        for one, rest in zip(stalled, resumed, strict=True):
            whole = Transcript("/ws", rows=[*one.transcript.rows, *rest.transcript.rows], ending="resumed")
            check_transcript(whole)
            first = told(one.transcript, events.paper_id)[0]
            assert told(whole, events.paper_id) == list(range(first, total + 1))

    with capsys.disabled():
        print(f"\n{TITLE}")
        print(row(f"{READERS} readers, none stalled", events.latencies(readers, 1, before)))
        print(row(f"the same, beside {len(stalled)} stalled", events.latencies(readers, before + 1, during)))


async def test_a_service_that_stops_tells_every_socket_1012_and_the_next_one_has_what_they_missed(
    tmp_path: Path,
) -> None:
    with LiveServer(tmp_path) as first:
        async with LiveLane(first) as lane, RawReader(first.port, "/ws") as stalled:
            paper_id = (await lane.upload("short.txt", b"We train BERT on SQuAD.\n"))["id"]
            async with lane.connect("/ws") as everything, lane.connect(f"/ws/{paper_id}") as paper:
                await lane.fence(everything)
                await lane.fence(paper)
                position = paper.transcript.messages[0]["data"]["position"]
                await anyio.to_thread.run_sync(first.stop)
                for socket in (everything, paper):
                    assert await socket.receive_close() == Close.GOING_AWAY.code
                    assert socket.closed is not None
                    assert socket.closed.reason == Close.GOING_AWAY.reason
            await stalled.read_to_the_end()
            assert stalled.close is not None
            assert stalled.close.code == Close.GOING_AWAY.code
            lane.check_transcripts()
    with LiveServer(tmp_path) as second:
        async with LiveLane(second) as lane, lane.connect(f"/ws/{paper_id}?after={position}") as back:
            assert (await back.receive_json())["data"]["snapshot"] is None
            await lane.process(paper_id)
            await back.receive_until("paper_status", status="completed")
            seqs = told(back.transcript, paper_id)
            assert seqs == list(range(2, len(seqs) + 2))
            lane.check_transcripts()

"""Relay, dispatcher and sweeper run in every process: an API process alone, or a worker alone, leaves nothing undone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from app.adapters.event_log.redis import RedisEventLog
from app.main import run_api_side
from app.realtime.outbound import Limits
from app.settings import Settings
from app.worker.runtime import run_worker_side
from tests.support.bench import Bench
from tests.support.deadlines import until
from tests.support.in_process import Side
from tests.support.shared import NO_FOLDER

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["api", "worker"])
async def process(request: pytest.FixtureRequest, bench: Bench, settings: Settings) -> AsyncIterator[Side]:
    """The one process that runs; whoever else wrote to the stores is gone."""
    bench.backing.holds.at("dispatch")
    side = bench.another_side(request.param)
    context = run_api_side(settings, side.services) if request.param == "api" else run_worker_side(side.services)
    async with context:
        yield side


async def in_time(bench: Bench, condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Moves time on until the condition holds."""

    async def holds() -> bool:
        bench.clock.advance(0.5)
        return await condition()

    await until(holds, what)


async def test_what_the_settings_allow_is_what_sockets_and_uploads_get(bench: Bench) -> None:
    settings = Settings(
        data_dir=NO_FOLDER,
        max_upload_mb=1,
        max_connections=2,
        replay_limit=3,
        socket_queue_frames=40,
        socket_queue_bytes=50_000,
        socket_max_age=6,
    )
    async with run_api_side(settings, bench.services) as state:
        realtime = state["realtime"]
        assert (state["max_upload_mb"], realtime.max_connections, realtime.replay_limit) == (1, 2, 3)
        assert realtime.limits == Limits(frames=40, bytes=50_000, seconds=6)


async def test_what_another_process_stored_is_published(bench: Bench, process: Side) -> None:
    paper_id = await bench.submit()

    async def published() -> bool:
        return await bench.logged() == [(paper_id, 1)]

    await in_time(bench, published, "the event in the log")


async def test_a_run_that_another_process_queued_gets_its_hint(bench: Bench, process: Side) -> None:
    paper_id = await bench.submit_and_queue()

    async def hinted() -> bool:
        return (paper_id, 1) in process.queue.sent

    await in_time(bench, hinted, "a hint from this process")


async def test_what_another_process_deleted_is_cleared_up(bench: Bench, process: Side) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.claim(paper_id, "a worker that dies")
    await bench.services.papers.delete(paper_id)

    async def swept() -> bool:
        return (await bench.record(paper_id)).swept

    await in_time(bench, swept, "a swept tombstone")


@pytest.mark.parametrize("process", ["worker"], indirect=True)
async def test_a_worker_is_heard_of(bench: Bench, process: Side) -> None:
    async def heard_of() -> bool:
        return await bench.side.queue.workers() == 1

    await until(heard_of, "a sign of life")


class SlowLog(RedisEventLog):
    """Takes its time to say where it ends."""

    async def tail(self) -> str:
        await asyncio.sleep(0.05)
        return await super().tail()


async def test_the_first_socket_after_a_start_finds_the_hub_at_the_end_of_the_log(
    bench: Bench, settings: Settings
) -> None:
    side = bench.another_side("api")
    services = replace(side.services, log=SlowLog(side.redis, retention=1000))
    async with run_api_side(settings, services) as state:
        assert state["hub"].position == await side.log.tail(), "until it is there, sockets are turned away"

"""What seldom happens, at the edges of small parts: each has an answer, and no part takes what it cannot hold."""

import asyncio
import io
import json
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import redis.exceptions
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import ConnectionError, ResponseError

from app.adapters import redis_errors
from app.adapters.reader import frames
from app.adapters.redis_errors import redis_available, take_leave
from app.domain.errors import ReadError, UnavailableError
from app.domain.model import to_milliseconds
from app.domain.paper import PaperRecord
from app.settings import SettingsError, load_settings
from app.worker.runtime import Runtime
from tests.support.answers import body
from tests.support.in_process import InProcessLane
from tests.support.patience import within


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionError("refused"), r"Redis does not answer \(refused\)"),
        (ResponseError("OOM command not allowed"), r"Redis does not accept writes \(OOM"),
        (ResponseError("MISCONF errors writing to the AOF file"), r"Redis does not accept writes \(MISCONF"),
    ],
)
def test_a_redis_that_cannot_serve_is_unavailable(error: Exception, told: str) -> None:
    with pytest.raises(UnavailableError, match=told), redis_available():
        raise error


def test_a_mistake_of_ours_is_not_redis_being_away() -> None:
    with pytest.raises(ResponseError, match="wrong number of arguments"), redis_available():
        raise ResponseError("wrong number of arguments")


class Unclosing(ConnectionPool):
    """Of a server behind TLS that stands still: redis-py waits for seconds, and then raises."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def disconnect(self, inuse_connections: bool = True) -> None:
        try:
            await anyio.sleep(self._seconds)
        except asyncio.CancelledError:
            raise asyncio.CancelledError from None  # as out of redis-py's `gather`: it no longer says who cancelled
        raise redis.exceptions.TimeoutError("Timed out closing connection")


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [0, 5])
async def test_a_redis_that_takes_no_leave_is_left(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_errors, "CLOSE_SECONDS", 0.01)
    with within(5):
        await take_leave(Redis.from_pool(Unclosing(seconds)))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("STORE_URL", "oracle://x", "its scheme is one of"),
        ("FILES_URL", "files", "it is a URL"),
        ("HOST", "a..b", "a part of it is empty or too long"),
        ("GROBID_URL", "grobid:8070", "begins with http:// or https://"),
        ("TAGGER", "/nowhere", "there is no such file or folder"),
        ("EMBEDDER", "/nowhere", "there is no such file or folder"),
    ],
)
def test_a_setting_that_names_nothing_we_know_is_told(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PAPERS_{name}", value)
    with pytest.raises(SettingsError, match=rf"PAPERS_{name} is '{value}', which cannot be: .*{told}"):
        load_settings()


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValueError, match="a time needs its time zone"):
        to_milliseconds(datetime(2026, 1, 31))  # noqa: DTZ001


def test_a_file_is_given_up_for_known_reasons_only() -> None:
    with pytest.raises(ValueError, match="'boredom' is not a reason to give up on a file"):
        ReadError("boredom", "It was dull.")


def test_a_process_that_only_sends_hints_works_on_none() -> None:
    with pytest.raises(RuntimeError, match="sends hints but works on none"):
        Runtime().process("p1", 1)


@pytest.mark.anyio
async def test_a_worker_that_stops_leaves_the_hints_that_still_come(in_process: InProcessLane) -> None:
    """Else it takes up the run that its neighbour has just given back, and is killed over it."""
    in_process.hold("dispatch")
    paper_id = (await in_process.upload("a.txt", b"A paper."))["id"]
    await in_process.process(paper_id)
    in_process.service.runtime.stop()
    await anyio.to_thread.run_sync(in_process.service.work_on, paper_id, 1)
    assert body(await in_process.client.get(f"/papers/{paper_id}"))["status"] == "queued"


@pytest.mark.anyio
async def test_a_worker_that_stops_gives_its_run_back_before_it_goes_on_to_close_the_stores(
    in_process: InProcessLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen with a MongoDB of 0.4 s an answer: its client was closed under the write, and the attempt counted."""
    dispatch, hold, store = in_process.hold("dispatch"), in_process.hold("entities"), in_process.worker.store
    paper_id = (await in_process.upload("a.txt", b"A paper."))["id"]
    await in_process.process(paper_id)
    await dispatch.reached()
    get = store.get

    async def slow(paper_id: str) -> PaperRecord | None:
        await anyio.sleep(0.1)
        return await get(paper_id)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, in_process.service.work_on, paper_id, 1)
        await hold.reached()
        monkeypatch.setattr(store, "get", slow)
        in_process.service.runtime.stop()
    record = in_process.call_api(in_process.api.store.get, paper_id)
    assert record is not None
    assert (record.lease, record.attempts) == (None, 0)


def test_a_signal_that_comes_while_a_run_is_begun_gives_it_back_too() -> None:
    """Else the worker would go on with it to its end, and be killed over it."""
    runtime, begun = Runtime(), Future[None]()

    class Portal:
        def start_task_soon(self, *arguments: Any) -> Future[None]:
            runtime.stop()
            arguments[-1].set()  # it ended
            return begun

    runtime.attach(Portal(), SimpleNamespace(pipeline=SimpleNamespace(run=None)))  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as worker:
        at_work = worker.submit(runtime.process, "p1", 1)
        try:
            at_work.result(timeout=2)
        finally:
            begun.cancel()


def test_a_frame_of_the_readers_child_is_a_letter_a_length_and_so_many_bytes() -> None:
    pipe = io.BytesIO()
    frames.write(pipe, frames.PROGRESS, json.dumps([1, 2]).encode())
    frames.write(pipe, frames.OUT_OF_MEMORY)
    kind, length = frames.HEADER.unpack(pipe.getvalue()[: frames.HEADER.size])
    assert (kind, pipe.getvalue()[frames.HEADER.size :][:length]) == (frames.PROGRESS, b"[1, 2]")
    assert pipe.getvalue()[-frames.HEADER.size :] == frames.HEADER.pack(frames.OUT_OF_MEMORY, 0)

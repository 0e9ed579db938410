"""What fails a test whatever it asserts: what it leaves behind, crashed runs, broken transcripts, time."""

import asyncio
import logging
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import anyio
import pytest
from anyio.lowlevel import checkpoint

import app
from app.logs import about
from app.realtime.hub import Consumer
from app.settings import Settings
from conftest import HANDLES, pytest_runtest_teardown
from tests.support import in_process
from tests.support.deadlines import ends_within
from tests.support.in_process import Applications, open_in_process_lane
from tests.support.leaks import MAY_TAKE, leaves_no_task, tasks_left, threads_left
from tests.support.lines_of_papers import LINES, WAY

pytestmark = [pytest.mark.anyio, pytest.mark.extended]


class Forgotten:
    """A socket that nobody closed, as the hub knows it."""

    papers = None

    def deliver(self, news: object) -> None: ...

    def deliver_system(self, frames: object) -> None: ...

    def go_away(self) -> None: ...


@pytest.mark.slow
async def test_a_test_that_leaves_nothing_behind_passes_the_gates(
    applications: Applications, settings: Settings
) -> None:
    async with open_in_process_lane(applications, settings) as lane, lane.connect("/ws") as socket:
        await socket.receive_json()


@pytest.mark.slow
async def test_a_task_that_a_request_leaves_behind_fails_its_test(
    applications: Applications, settings: Settings
) -> None:
    kept: list[asyncio.Task[None]] = []

    async def forgotten() -> None:
        await asyncio.sleep(3600)

    async def leave_one() -> None:
        kept.append(asyncio.create_task(forgotten()))

    with pytest.raises(AssertionError, match=r"the test left behind:\n  api: task .*forgotten"):
        async with open_in_process_lane(applications, settings) as lane:
            lane.call_api(leave_one)


@pytest.mark.slow
async def test_a_thread_that_is_left_behind_fails_its_test(
    applications: Applications, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process, "threads_left", partial(threads_left, within=0.01))
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="forgotten")
    with pytest.raises(AssertionError, match=r"the test left behind:\n  thread forgotten"):
        async with open_in_process_lane(applications, settings):
            thread.start()
    stop.set()
    thread.join()


@pytest.mark.slow
async def test_a_subscription_that_is_left_with_the_hub_fails_its_test(
    applications: Applications, settings: Settings
) -> None:
    with pytest.raises(AssertionError, match=r"the test left behind:\n  hub: 1 sockets are still counted"):
        async with open_in_process_lane(applications, settings) as lane:
            lane.service.hub.open(cast(Consumer, Forgotten()))


@pytest.mark.slow
async def test_a_crash_of_a_run_in_the_worker_fails_the_test(applications: Applications, settings: Settings) -> None:
    with pytest.raises(AssertionError, match="a run crashed in the worker"):
        async with open_in_process_lane(applications, settings) as lane:
            lane.service.crashes.append(ZeroDivisionError())


@pytest.mark.slow
async def test_a_broken_transcript_fails_a_test_that_asserts_nothing(
    applications: Applications, settings: Settings
) -> None:
    with pytest.raises(AssertionError, match="the first event is not `connection`"):  # noqa: PT012  # leaving raises
        async with open_in_process_lane(applications, settings) as lane, lane.connect("/ws") as socket:
            await socket.receive_until("system_status")
            del socket.transcript.rows[0]


async def test_tasks_are_named_by_what_they_run_and_the_asking_one_is_none() -> None:
    assert [task for task in tasks_left("here") if "left_over" in task] == []

    async def left_over() -> None:
        await asyncio.sleep(3600)

    task = asyncio.create_task(left_over())
    assert [name for name in tasks_left("here") if name.endswith("left_over")] != []
    task.cancel()


async def test_a_thread_that_is_left_behind_is_named() -> None:
    before = set(threading.enumerate())
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="forgotten")
    thread.start()
    try:
        assert threads_left(before, within=0.01) == ["thread forgotten"]
    finally:
        stop.set()
        thread.join()
    assert threads_left(before) == []


def open_file(folder: Path) -> AbstractContextManager[object]:
    return (folder / "forgotten").open("w")


def open_network_socket(_: Path) -> AbstractContextManager[object]:
    return socket.socket()


@contextmanager
def open_pipe(_: Path) -> Iterator[None]:
    ends = os.pipe()
    yield
    for end in ends:
        os.close(end)


@contextmanager
def open_process(_: Path) -> Iterator[None]:
    with subprocess.Popen(["/bin/sleep", "3600"]) as process:
        yield
        process.kill()


@contextmanager
def open_thread(_: Path) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="forgotten")
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(
    ("leave", "told"),
    [
        (open_file, "open file .*/forgotten"),
        (open_network_socket, "network socket"),
        (open_pipe, "pipe"),
        (open_process, r"process \d+"),
        (open_thread, "thread forgotten"),
    ],
)
def test_what_the_system_counts_and_is_left_open_fails_its_test(
    leave: Callable[[Path], AbstractContextManager[object]], told: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    handles = request.node.stash[HANDLES]
    handles.may_take = 0.0
    try:
        with leave(tmp_path):
            teardown = pytest_runtest_teardown(request.node)
            next(teardown)
            with pytest.raises(AssertionError, match=f"the test left behind:\n  {told}"):
                next(teardown)
    finally:
        handles.may_take = MAY_TAKE
    assert handles.left() == []


async def test_a_task_that_a_test_leaves_on_its_own_loop_fails_it() -> None:
    kept: list[asyncio.Task[None]] = []

    async def forgets() -> None:
        kept.append(asyncio.create_task(asyncio.sleep(3600)))

    with pytest.raises(AssertionError, match="the test left behind:\n  task sleep"):
        await leaves_no_task(forgets, may_take=0.0)()
    kept[0].cancel()


async def test_a_task_that_ends_in_time_is_not_left_behind() -> None:
    async def begins() -> None:
        asyncio.create_task(asyncio.sleep(0.001))  # noqa: RUF006  # waited for by the gate

    await leaves_no_task(begins)()


async def test_every_async_test_runs_under_a_deadline_and_leaves_no_task(request: pytest.FixtureRequest) -> None:
    test = request.node.obj
    assert test.__code__ is leaves_no_task(checkpoint).__code__
    assert test.__wrapped__.__code__ is ends_within(1, checkpoint).__code__


async def test_the_deadline_ends_a_test_that_hangs() -> None:
    with pytest.raises(TimeoutError, match=r"the test did not end within 0.02 s"):
        await ends_within(0.02, anyio.sleep_forever)()


async def test_the_deadline_leaves_a_test_alone_that_ends() -> None:
    async def fails() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        await ends_within(0.02, fails)()
    await ends_within(0.02, checkpoint)()


@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING])
def test_a_line_of_a_paper_s_way_that_does_not_say_which_paper_fails_its_test(
    level: int, request: pytest.FixtureRequest
) -> None:
    logger = logging.getLogger("app.services.pipeline")
    with about(paper="p1"):
        logger.log(level, "the run is claimed")
    assert LINES.lost() == []
    logger.log(level, "the run is lost")
    teardown = pytest_runtest_teardown(request.node)
    next(teardown)
    with pytest.raises(AssertionError, match=r"which paper:\n  app\.services\.pipeline: the run is lost"):
        next(teardown)


@pytest.mark.parametrize(("level", "heard"), [(logging.INFO, False), (logging.WARNING, True)])
def test_the_gate_of_lines_lets_through_what_would_be_heard_without_it(
    level: int, heard: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with about(paper="p1"):
        logging.getLogger("app.services.relay").log(level, "events are in the log")
    assert bool(caplog.records) is heard


def test_every_module_that_only_works_on_papers_is_watched() -> None:
    """A logger of a service that is new belongs to one list or the other."""
    root = Path(app.__file__).parent
    modules = [path for folder in ("services", "worker") for path in (root / folder).glob("*.py")]
    with_lines = {f"app.{path.parent.name}.{path.stem}" for path in modules if "logger." in path.read_text("utf-8")}
    assert with_lines - set(WAY) == {"app.services.loop", "app.services.system"}, "neither is a paper's"

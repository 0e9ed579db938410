"""The processes behind `SubprocessReader`: one child a file, forked from a template that goes when its worker does."""

import asyncio
import os
import signal
import socket
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio
import psutil
import pytest

from app.adapters.reader.subprocess import SubprocessReader
from app.adapters.reader.warm import Template
from app.domain.errors import ReaderCrashedError, ReadError
from app.extraction.content_type import TEXT
from tests.support.readers import program_of, reader_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

TELL_PIDS = "refuse(f'{os.getppid()} {os.getpid()}')"
CRASH_ON_2_BYTES = "os.kill(os.getpid(), signal.SIGSEGV) if job.size == 2 else " + TELL_PIDS


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _ignore(done: int, total: int) -> None:
    pass


async def pids(reader: SubprocessReader, data: bytes = b"x") -> tuple[int, int]:
    """Those of the template and the child that a file met."""
    with pytest.raises(ReadError) as refused:
        await reader.read(data, TEXT, _ignore)
    template, child = refused.value.detail.split()
    return int(template), int(child)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(condition: Callable[[], object], what: str) -> None:
    try:
        with anyio.fail_after(10):
            while not condition():  # another process acts: there is nothing to wait on
                await anyio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"waited 10 s for {what}")


async def test_each_file_has_a_process_of_its_own_and_all_come_from_one_that_is_warm() -> None:
    async with reader_of(TELL_PIDS) as reader:
        met = [await pids(reader) for _ in range(3)]
        assert len({template for template, _ in met}) == 1
        assert len({child for _, child in met}) == 3
        assert all(gone(child) for _, child in met), "a child was left behind"
        open_here = len(os.listdir("/dev/fd"))  # noqa: PTH208
        await pids(reader)
        assert len(os.listdir("/dev/fd")) == open_here, "a file leaves a descriptor behind"  # noqa: PTH208
    assert gone(met[0][0]), "the template was left behind"


async def test_files_at_once_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Each waits until both are there."""
    body = f"""
        open(f"{tmp_path}/{{os.getpid()}}", "w").close()
        while len(os.listdir({str(tmp_path)!r})) < 2:
            time.sleep(0.01)
        {TELL_PIDS}
    """
    async with reader_of(body) as reader, anyio.create_task_group() as both:
        both.start_soon(pids, reader)
        both.start_soon(pids, reader)


async def test_after_a_crash_the_next_child_comes_from_a_new_template() -> None:
    async with reader_of(CRASH_ON_2_BYTES) as reader:
        before, _ = await pids(reader)
        with pytest.raises(ReaderCrashedError):
            await reader.read(b"xx", TEXT, _ignore)
        after, _ = await pids(reader)
    assert after != before, "a file that is tried again would meet the same places in memory"
    assert gone(before)


async def test_a_template_that_died_idle_is_replaced_and_no_file_suffers() -> None:
    async with reader_of(TELL_PIDS) as reader:
        before, _ = await pids(reader)
        os.kill(before, signal.SIGKILL)
        after, _ = await pids(reader)
    assert after != before


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel has no PDEATHSIG")
async def test_a_child_whose_template_dies_goes_with_it_and_its_file_is_tried_again(tmp_path: Path) -> None:
    there = tmp_path / "pids"
    body = f"""
        os.read(0, 1)  # the file: it comes once the worker has heard of its child
        open({str(there) + ".new"!r}, "w").write(f"{{os.getppid()}} {{os.getpid()}}")
        os.rename({str(there) + ".new"!r}, {str(there)!r})
        time.sleep(60)
    """

    async def kill_template() -> None:
        await until(there.exists, "a child at work")
        os.kill(int(there.read_text().split()[0]), signal.SIGKILL)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(kill_template)
        with pytest.raises(ReaderCrashedError, match="the process it came from ended"):
            await reader_of(body).read(b"x", TEXT, _ignore)
    await until(lambda: gone(int(there.read_text().split()[1])), "the child's end")


async def test_a_template_that_does_not_start_is_an_error_of_the_attempt() -> None:
    reader = SubprocessReader(template=(sys.executable, "-c", "raise SystemExit(1)"))
    with pytest.raises(ReaderCrashedError, match="its process did not start"):
        await reader.read(b"x", TEXT, _ignore)


async def test_a_template_that_does_not_end_when_it_is_asked_to_is_killed() -> None:
    deaf = (sys.executable, "-c", "import time; time.sleep(60)")
    before = set(psutil.Process().children())  # such as a process that runs other tests
    closing = asyncio.ensure_future((await Template.start(deaf, end_seconds=0.05)).aclose())
    (process,) = set(psutil.Process().children()) - before
    try:
        await asyncio.wait({closing}, timeout=2)
        assert closing.done(), "its worker would wait for it for ever"
    finally:
        with suppress(psutil.NoSuchProcess):
            process.kill()
        await closing


async def test_a_child_has_the_ends_of_its_conversation_and_nothing_else_open() -> None:
    async with reader_of("refuse(sorted(map(int, os.listdir('/dev/fd'))))") as reader:
        for _ in range(2):
            with pytest.raises(ReadError) as refused:
                await reader.read(b"x", TEXT, _ignore)
            assert refused.value.detail == "[0, 1, 2, 3]", "3 is the list itself"


async def test_a_child_that_fails_by_itself_ends_there_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with pytest.raises(ReaderCrashedError, match="exit code 1"):
        await reader_of("raise KeyError('lost')").read(b"x", TEXT, _ignore)
    assert [record.message for record in caplog.records] == ["the reader of text/plain says: KeyError: 'lost'"]


async def test_a_child_ends_too_when_its_worker_goes_with_some_of_its_answer_unread() -> None:
    """The kernel then answers an error (ECONNRESET) where else the input ends."""
    child = """
        import os, threading, time
        from app.adapters.reader.child import _watch_input
        threading.Thread(target=_watch_input, daemon=True).start()
        os.write(0, b"p")
        time.sleep(60)
    """
    ours, its = socket.socketpair()
    with ours, its:
        process = await anyio.open_process(
            [sys.executable, "-c", textwrap.dedent(child)], stdin=its.fileno(), stderr=None
        )
        await anyio.wait_readable(ours)
    try:
        with anyio.move_on_after(5):
            await process.wait()
        assert process.returncode is not None, "it waits for a worker that has gone"
    finally:
        if process.returncode is None:
            process.kill()
        await process.aclose()


@pytest.mark.parametrize("stopped", [False, True])
async def test_a_worker_that_is_killed_takes_template_and_child_along(tmp_path: Path, stopped: bool) -> None:
    if stopped and sys.platform != "linux":
        pytest.skip("a child that stands still cannot see that its worker went")
    there = tmp_path / "pids"
    child = f"""
        import threading
        threading.Thread(target=template.child._watch_input).start()
        open({str(there) + ".new"!r}, "w").write(f"{{os.getppid()}} {{os.getpid()}}")
        os.rename({str(there) + ".new"!r}, {str(there)!r})
        {"os.kill(os.getpid(), signal.SIGSTOP)" if stopped else ""}
        time.sleep(60)
    """
    worker = f"""
        import anyio, sys
        from app.adapters.reader.subprocess import SubprocessReader
        command = (sys.executable, "-I", "-c", {program_of(child)!r})
        async def ignore(done, total): ...
        anyio.run(SubprocessReader(60, template=command).read, b"", "text/plain", ignore)
    """
    process = await anyio.open_process([sys.executable, "-c", textwrap.dedent(worker)], stdout=None, stderr=None)
    async with process:
        await until(there.exists, "a child at work")
        below = [int(pid) for pid in there.read_text().split()]
        process.kill()
    for pid in below:
        await until(lambda pid=pid: gone(pid), "the end of template and child")  # type: ignore[misc]

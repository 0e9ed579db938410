"""The supervisor's parts, each by itself. What they do together with real processes, the live lane shows."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.supervisor.address import reachable
from app.supervisor.children import Child, Family, Program
from app.supervisor.errors import ServeError
from app.supervisor.folder import claimed
from app.supervisor.leash import PIPE, Leash, follow_parent

pytestmark = [
    pytest.mark.extended,
    pytest.mark.anyio,
    pytest.mark.filterwarnings(
        "ignore:.*multi-threaded, use of fork:DeprecationWarning"
    ),  # `serve` itself has no threads
]


def shell(script: str, output: Path | None = None) -> Program:
    return Program(name="the shell", command=("/bin/sh", "-c", script), environment={}, output=output)


@pytest.fixture
def leash() -> Iterator[Leash]:
    leash = Leash()
    yield leash
    leash.close()


async def until(path: Path, lines: int) -> None:
    """Until a child has written so many lines there."""
    try:
        async with asyncio.timeout(20):
            while not path.exists() or path.read_text().count("\n") < lines:  # another process writes
                await asyncio.sleep(0.002)
    except TimeoutError:
        pytest.fail(f"waited 20 s for {lines} lines in {path}")


async def until_gone(pid: int) -> None:
    """Until the process has ended, which is no child of this one."""
    try:
        async with asyncio.timeout(20):
            while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.002)
    except psutil.NoSuchProcess:
        return
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        pytest.fail(f"process {pid} still ran after 20 s")


async def kill_the_parent_of(command: tuple[str, ...], farewell: signal.Signals, written: Path) -> None:
    """Has another process keep a child, kills it once the child has written its number, and waits for the child's end."""
    program = f"""
import asyncio, os, signal
from app.supervisor.children import Child, Program
from app.supervisor.leash import Leash
child = Program("the child", {command!r}, {{"PYTHONPATH": os.getcwd()}}, signal.{farewell.name})
asyncio.run(Child(child, Leash()).keep())
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    try:
        await until(written, 1)
    finally:
        parent.kill()
        await parent.wait()
    await until_gone(int(written.read_text()))


# -- the data folder


def test_one_at_a_time_holds_the_folder_and_the_next_is_told_who(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with claimed(folder):
        with pytest.raises(ServeError, match=rf"in use by another `serve` \(process {os.getpid()}\)"), claimed(folder):
            pass
    with claimed(folder):
        pass


def test_a_folder_that_cannot_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServeError, match=r"cannot be used \(.+\); set PAPERS_DATA_DIR"), claimed(tmp_path / "file"):
        pass


# -- its children


@pytest.mark.slow
async def test_a_child_that_ends_by_itself_starts_again(leash: Leash, tmp_path: Path) -> None:
    output = tmp_path / "output"
    child = Child(shell("echo started; exit 3", output), leash)
    kept = asyncio.create_task(child.keep())
    await until(output, 2)
    child.end()
    await kept


@pytest.mark.slow
async def test_a_child_that_is_told_to_end_rests(leash: Leash, tmp_path: Path) -> None:
    output = tmp_path / "output"
    child = Child(shell("echo started; exec sleep 3600", output), leash)
    kept = asyncio.create_task(child.keep())
    await until(output, 1)
    child.end()
    await kept
    assert output.read_text() == "started\n"


@pytest.mark.slow
async def test_a_child_that_dies_five_times_within_a_minute_ends_it_all_with_the_reason(leash: Leash) -> None:
    child = Child(shell("kill -9 $$"), leash)
    for deaths in (1, 2, 3, 4):
        assert child._count_death(-signal.SIGKILL) == deaths  # without the pauses between
    with pytest.raises(
        ServeError, match="the shell died 5 times within a minute, the last time killed by SIGKILL; its"
    ):
        await child.keep()


@pytest.mark.slow
async def test_what_cannot_be_started_is_told(leash: Leash) -> None:
    program = Program(name="nothing", command=("/nowhere/nothing",), environment={})
    told: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    Family(told.set_result).keep(Child(program, leash))
    assert str(await told).startswith("nothing cannot be started: ")


@pytest.mark.slow
@pytest.mark.parametrize("hurry", [True, False], ids=["hurry", "time is up"])
async def test_who_does_not_end_in_time_is_killed(hurry: bool, leash: Leash, tmp_path: Path) -> None:
    output = tmp_path / "output"
    child = Child(shell("trap '' TERM; echo deaf; sleep 3600", output), leash)
    family = Family(lambda error: pytest.fail(str(error)))
    family.keep(child)
    await until(output, 1)
    event = asyncio.Event()
    if hurry:
        event.set()
    await family.end([child], 3600 if hurry else 0.01, event)
    assert child._process is not None
    assert child._process.returncode == -signal.SIGKILL


@pytest.mark.slow
async def test_each_death_doubles_the_pause(leash: Leash, caplog: pytest.LogCaptureFixture) -> None:
    child = Child(shell("exit 3"), leash)
    child.end()  # it need not be waited for
    for deaths in (1, 2, 3, 4):
        await child._pause(3, deaths)
    assert [record.message.rpartition("again ")[2] for record in caplog.records] == [
        "in 0.2 s",
        "in 0.4 s",
        "in 0.8 s",
        "in 1.6 s",
    ]


@pytest.mark.slow
async def test_what_a_dead_child_had_started_goes_too(leash: Leash, tmp_path: Path) -> None:
    output = tmp_path / "output"
    child = Child(shell("sleep 60 & echo $!; exit 3", output), leash)
    kept = asyncio.create_task(child.keep())
    await until(output, 1)
    await until_gone(int(output.read_text().split()[0]))
    child.end()
    await kept


# -- how they go with it


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel has no PDEATHSIG")
async def test_the_kernel_ends_a_child_whose_parent_is_killed(tmp_path: Path) -> None:
    written = tmp_path / "pid"
    command = ("/bin/sh", "-c", f"echo $$ > {written}; exec sleep 3600")
    await kill_the_parent_of(command, signal.SIGKILL, written)


@pytest.mark.slow
async def test_a_child_sees_by_its_pipe_that_its_parent_is_killed(tmp_path: Path) -> None:
    """The kernel's farewell is one that ends nothing."""
    written = tmp_path / "pid"
    program = f"""
import os, time
from app.supervisor.leash import follow_parent
follow_parent()
open({str(written)!r}, "w").write(f"{{os.getpid()}}\\n")
time.sleep(3600)
"""
    await kill_the_parent_of((sys.executable, "-c", program), signal.SIGCONT, written)


def test_a_child_is_told_which_pipe_to_watch(leash: Leash) -> None:
    assert leash.environment == {PIPE: str(leash.read_end)}


def test_without_a_parent_there_is_nothing_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PIPE, raising=False)
    follow_parent()


# -- its address


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("", "127.0.0.1"),
        ("papers.test", "papers.test"),
        ("fe80::1", "[fe80::1]"),
    ],
)
def test_an_address_to_listen_on_is_told_as_one_to_ask(host: str, told: str) -> None:
    assert reachable(host) == told

"""The embedded Valkey itself, over its Unix socket: how one that an earlier run left behind is found and ended."""

import asyncio
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.supervisor.errors import ServeError
from app.supervisor.valkey import EmbeddedValkey

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Valkey on the socket of `tmp_path` that works in another folder, if it is told one."""
    started: list[subprocess.Popen[bytes]] = []

    def start(folder: Path, *options: str) -> subprocess.Popen[bytes]:
        (tmp_path / "valkey").mkdir(exist_ok=True)
        folder.mkdir(exist_ok=True)
        command = [*EmbeddedValkey(tmp_path).program({}).command, "--dir", str(folder), *options]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


async def test_one_of_ours_is_ended_and_there_is_room(start: Start, tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path)
    left_over = start(tmp_path / "valkey")
    await valkey.until_ready()
    await valkey.make_room()
    assert await asyncio.to_thread(left_over.wait, 5) == 0
    assert any((tmp_path / "valkey").glob("appendonlydir/*"))


async def test_one_of_ours_that_does_not_end_when_asked_is_killed(start: Start, tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path)
    left_over = start(tmp_path / "valkey", "--rename-command", "SHUTDOWN", "")
    await valkey.until_ready()
    await valkey.make_room()
    assert await asyncio.to_thread(left_over.wait, 5) == -signal.SIGKILL


async def test_one_that_works_elsewhere_is_left_alone(start: Start, tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path)
    other = start(tmp_path / "other")
    await valkey.until_ready()
    with pytest.raises(ServeError, match=rf"A Valkey that works in .*/other \(process {other.pid}\) listens on"):
        await valkey.make_room()
    assert other.poll() is None


async def test_one_that_was_killed_leaves_room(start: Start, tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path)
    killed = start(tmp_path / "valkey")
    await valkey.until_ready()
    killed.send_signal(signal.SIGKILL)
    await asyncio.to_thread(killed.wait, 5)
    await valkey.make_room()


async def test_one_whose_file_ends_in_what_was_never_written_starts_on_the_rest(start: Start, tmp_path: Path) -> None:
    """As a power failure leaves it: the file has its length, the last blocks are zeros."""
    valkey = EmbeddedValkey(tmp_path)
    first = start(tmp_path / "valkey")
    await valkey.until_ready()
    async with Redis.from_url(valkey.url) as client:
        await client.set("kept", "1")
    first.send_signal(signal.SIGTERM)
    await asyncio.to_thread(first.wait, 5)
    (file,) = (tmp_path / "valkey").glob("appendonlydir/*.incr.aof")
    with file.open("ab") as log:
        log.write(bytes(75))
    await valkey.make_room()
    second = start(tmp_path / "valkey")
    await valkey.until_ready(10)
    async with Redis.from_url(valkey.url) as client:
        assert await client.get("kept") == b"1"
    assert second.poll() is None

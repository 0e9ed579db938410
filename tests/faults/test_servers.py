"""The servers of the rounds come together, or not at all."""

import asyncio
from pathlib import Path

import psutil
import pytest

from tests.faults.servers import KINDS, Servers, ServersError

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

"""Another API process beside the lane's: a hub and sockets of its own over the same stores, which a test starts and stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from starlette.testclient import TestClient

from app.domain.errors import UnavailableError
from app.realtime.hub import Hub
from tests.support.in_process import Applications, InProcessLane
from tests.support.sockets import Socket
from tests.support.starlette_client import InProcessSocket


class SecondApi:
    """Its sockets belong to the lane: their transcripts are checked with all others."""

    def __init__(self, lane: InProcessLane, client: TestClient) -> None:
        self._lane = lane
        self._client = client
        self._stopped = False
        self._sockets: list[Socket] = []

    @asynccontextmanager
    async def connect(self, path: str) -> AsyncIterator[Socket]:
        async with self._lane.keep(await InProcessSocket.open(self._client, path)) as socket:
            self._sockets.append(socket)
            yield socket

    async def reach_the_log(self) -> None:
        """Waits until its hub has. The clock moves on meanwhile: the hub pauses after each try that failed."""
        while not self._has_position():
            self._lane.clock.advance(1)
            await asyncio.sleep(0.001)

    def _has_position(self) -> bool:
        hub: Hub = self._client.app_state["hub"]
        try:
            return bool(hub.position)
        except UnavailableError:
            return False

    async def stop(self) -> None:
        """Ends the process as a server does that is told to stop, sockets open or not; fails when they hold it up."""
        if self._stopped:
            return
        self._stopped = True
        ending = asyncio.create_task(anyio.to_thread.run_sync(self._client.__exit__, None, None, None))
        done, _ = await asyncio.wait([ending], timeout=1)
        if not done:
            for socket in self._sockets:
                await socket.close()
            await ending
            raise AssertionError("the service did not send its sockets away when it was told to stop")
        ending.result()


@asynccontextmanager
async def second_api(applications: Applications, lane: InProcessLane) -> AsyncIterator[SecondApi]:
    """Started, and stopped at the end. While it starts, the clock moves: it may have to wait for something."""
    first = lane.service.api
    client = TestClient(applications.app, raise_server_exceptions=False)
    async with asyncio.TaskGroup() as tasks:
        started = tasks.create_task(anyio.to_thread.run_sync(client.__enter__))
        while not started.done():
            lane.clock.advance(0.1)
            await asyncio.sleep(0.001)
    lane.service.api = first
    api = SecondApi(lane, client)
    try:
        yield api
    finally:
        await api.stop()

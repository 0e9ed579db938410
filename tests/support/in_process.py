"""The in-process lane: the whole service on three loops of this process, over fakes that hold the only shared state."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import uuid4

import fsspec
import httpx
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.adapters.event_log.redis import RedisEventLog
from app.adapters.files.fsspec import FsspecFiles
from app.adapters.graph.sqlite import SqliteGraph
from app.adapters.papers.mongo import MongoPaperStore
from app.adapters.queue.celery import CeleryQueue
from app.adapters.reader.inline import InlineReader
from app.adapters.sqlite import Database
from app.main import create_app
from app.services.services import Ports, Services, build_services
from app.services.stages import all_stages
from app.settings import Settings
from app.worker.celery_app import create_celery
from app.worker.runtime import Runtime, run_worker_side
from tests.support.clock import ManualClock
from tests.support.holds import HeldQueue, HeldStage, Hold, Holds
from tests.support.lane import Lane
from tests.support.leaks import tasks_left, threads_left
from tests.support.mongo import MongoServer
from tests.support.redis import Redis, Server
from tests.support.sockets import DEADLINE, Socket
from tests.support.starlette_client import InProcessSocket, PortalTransport, watching_for_leaks

T = TypeVar("T")


class FixedMachine:
    """`Machine` that is always half busy."""

    def usage(self) -> tuple[float, float]:
        return 50.0, 25.0


class Backing:
    """What the two sides of a test share, and nothing else: stores, clock, and places to hold runs at."""

    def __init__(self) -> None:
        self.mongo = MongoServer()
        self.redis = Server()
        self.graph = f"file:/{uuid4().hex}?vfs=memdb"
        self.files = f"/{uuid4().hex}"
        self.clock = ManualClock()
        self.holds = Holds()


class Side:
    """The services of one side, on the loop they are opened on."""

    def __init__(self, backing: Backing, name: str, task: Any) -> None:
        redis = Redis(backing.redis)
        self.redis = redis
        self._graph = Database(backing.graph)
        self.store = MongoPaperStore(backing.mongo.connect())
        self.log = RedisEventLog(redis, retention=100_000)
        self.files = FsspecFiles(fsspec.filesystem("memory"), backing.files)
        self.queue = HeldQueue(CeleryQueue(task, redis, backing.clock), backing.holds)
        graph = SqliteGraph(self._graph)
        reader = InlineReader()
        self.stages = [HeldStage(stage, backing.holds) for stage in all_stages(self.files, reader, graph)]
        ports = Ports(
            store=self.store,
            log=self.log,
            queue=self.queue,
            graph=graph,
            files=self.files,
            reader=reader,
            clock=backing.clock,
            machine=FixedMachine(),
        )
        self.services = build_services(ports, self.stages, owner=name)

    async def close_graph(self) -> None:
        """From now on the graph is away."""
        await self._graph.close()

    async def close(self) -> None:
        await self.close_graph()
        await self.redis.aclose()


class Applications:
    """The one FastAPI app and the one Celery app of this process, played by one test's lane after the other.

    (A fresh FastAPI app costs as much as a whole test.)
    """

    def __init__(self) -> None:
        self.lane: InProcessLane | None = None
        self.app: FastAPI = create_app(self._open_services)
        self.celery, self.task = create_celery("memory://localhost/", self._process)
        self.celery.conf.update(task_always_eager=True)

    def current(self) -> "InProcessLane":
        if self.lane is None:
            raise RuntimeError("no test has opened its lane")
        return self.lane

    @asynccontextmanager
    async def _open_services(self) -> AsyncIterator[tuple[Settings, Services]]:
        lane = self.current()
        side = lane.api = Side(lane.backing, "api", self.task)
        try:
            await side.store.prepare()
            yield lane.settings, side.services
        finally:
            await side.close()

    def _process(self, paper_id: str, run: int) -> None:
        self.current().work_on(paper_id, run)


class InProcessLane(Lane):
    """One test's service: its API side on the TestClient's portal, its worker side on a portal of its own."""

    deadline = DEADLINE

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.backing = Backing()
        self.clock = self.backing.clock
        self.runtime = Runtime()
        self.crashes: list[BaseException] = []
        self.leaks: list[str] = []
        self.api: Side
        self.worker: Side
        self.test_client: TestClient

    @property
    def parked(self) -> int:
        return self.backing.holds.parked

    async def open_socket(self, path: str, headers: dict[str, str] | None = None) -> Socket:
        return await InProcessSocket.open(self.test_client, path, headers)

    async def look(self) -> dict[str, Any]:
        """The same figures as `/system/status`, from the same places, without asking each service how it is."""

        async def figures() -> dict[str, Any]:
            counts = await self.api.store.counts()
            return {
                "queue_length": counts.queued,
                "active_tasks": counts.active,
                "waiting": counts.waiting,
                "log_position": await self.api.log.tail(),
                "hub_position": self.test_client.app_state["hub"].position,
            }

        if self.test_client.portal is None:
            raise RuntimeError("the client is not entered")
        return await asyncio.wrap_future(self.test_client.portal.start_task_soon(figures))

    def hold(self, name: str) -> Hold:
        """Holds every run before that stage, or all hints with the name `dispatch`."""
        return self.backing.holds.at(name)

    def call_api(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Calls something of the API side on its loop."""
        if self.test_client.portal is None:
            raise RuntimeError("the client is not entered")
        return self.test_client.portal.call(function, *args)

    def work_on(self, paper_id: str, run: int) -> None:
        """What eager Celery calls, in a thread."""
        try:
            self.runtime.process(paper_id, run)
        except BaseException as error:
            self.crashes.append(error)  # eager Celery keeps it to itself
            raise


@asynccontextmanager
async def open_in_process_lane(applications: Applications, settings: Settings) -> AsyncIterator[InProcessLane]:
    """The service for one test; fails it for what it leaves behind and for any transcript that breaks a guarantee."""
    threads = set(threading.enumerate())
    applications.lane = lane = InProcessLane(settings)
    with start_blocking_portal() as portal:
        lane.worker = portal.call(Side, lane.backing, "worker", applications.task)
        with portal.wrap_async_context_manager(run_worker_side(lane.worker.services)):
            lane.runtime.attach(portal, lane.worker.services)
            app = watching_for_leaks(applications.app, lambda: lane.leaks.extend(tasks_left("api")))
            with TestClient(app, raise_server_exceptions=False) as lane.test_client:
                async with httpx.AsyncClient(
                    transport=PortalTransport(lane.test_client), base_url="http://testserver"
                ) as lane.client:
                    yield lane
                await _leave(lane)
        portal.call(lane.worker.close)
        lane.leaks += portal.call(tasks_left, "worker")
    applications.lane = None
    lane.leaks += threads_left(threads)
    if lane.crashes:
        raise AssertionError("a run crashed in the worker") from lane.crashes[0]
    if lane.leaks:
        raise AssertionError("the test left behind:\n  " + "\n  ".join(lane.leaks))
    lane.check_transcripts()


async def _leave(lane: InProcessLane) -> None:
    """Sockets first, then runs that are held or at work: a thread that waits for one would hold up the shutdown."""
    for socket in lane.sockets:
        await socket.close()
    connections = lane.test_client.app_state["hub"].connections
    if connections:
        lane.leaks.append(f"hub: {connections} sockets are still counted")
    lane.runtime.stop()

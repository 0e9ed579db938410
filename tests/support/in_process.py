"""The in-process lane: the whole service on three loops of this process, over fakes that hold the only shared state."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import fsspec
import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from starlette.testclient import TestClient

from app import main
from app.adapters.event_log.redis import RedisEventLog
from app.adapters.files.fsspec import FsspecFiles
from app.adapters.graph.sqlite import SqliteGraph
from app.adapters.papers.mongo import MongoPaperStore
from app.adapters.queue.celery import CeleryQueue
from app.adapters.reader.inline import InlineReader
from app.adapters.sqlite import Database
from app.extraction.embedding import embed_query
from app.realtime.hub import Hub
from app.services.pipeline import Terms
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

    def __init__(
        self, backing: Backing, name: str, task: Any, terms: Terms | None = None, encoder: Path | None = None
    ) -> None:
        redis = Redis(backing.redis)
        self.redis = redis
        self._graph = Database(backing.graph)
        self.store = MongoPaperStore(backing.mongo.connect())
        self.log = RedisEventLog(redis, retention=100_000)
        self.files = FsspecFiles(fsspec.filesystem("memory"), backing.files)
        self.queue = HeldQueue(CeleryQueue(task, redis, backing.clock), backing.holds)
        self.graph = graph = SqliteGraph(self._graph)
        reader = InlineReader()
        stages = all_stages(self.files, reader, graph, encoder=encoder)
        self.stages = [HeldStage(stage, backing.holds) for stage in stages]
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
        embed = partial(embed_query, folder=encoder) if encoder else None
        self.services = build_services(ports, self.stages, owner=name, terms=terms, embed=embed, look_seconds=DEADLINE)

    async def close_graph(self) -> None:
        """From now on the graph is away."""
        await self._graph.close()

    async def close(self) -> None:
        await self.close_graph()
        await self.redis.aclose()


class Applications:
    """The one FastAPI app and the one Celery app of this process, played by one service after the other.

    (A fresh FastAPI app costs as much as a whole test.)
    """

    def __init__(self) -> None:
        self.service: InProcessService | None = None
        self.app: FastAPI = main.create_app(self._open_services)
        self.app.openapi = main.app.openapi  # type: ignore[method-assign]  # the same for all, and 0.1 s to make
        self.celery, self.task = create_celery("memory://localhost/", self._process)
        self.celery.conf.update(task_always_eager=True)

    def current(self) -> "InProcessService":
        if self.service is None:
            raise RuntimeError("no test has opened its service")
        return self.service

    @asynccontextmanager
    async def _open_services(self) -> AsyncIterator[tuple[Settings, Services]]:
        service = self.current()
        side = service.api = Side(service.backing, "api", self.task, encoder=service.settings.embedder)
        try:
            await side.store.prepare()
            yield service.settings, side.services
        finally:
            await side.close()

    def _process(self, paper_id: str, run: int) -> None:
        self.current().work_on(paper_id, run)


class InProcessService:
    """A whole service: its API side on the TestClient's portal, its worker side on a portal of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.backing = Backing()
        self.runtime = Runtime()
        self.crashes: list[BaseException] = []
        self.leaks: list[str] = []
        self.api: Side
        self.worker: Side
        self.test_client: TestClient
        self.worker_portal: BlockingPortal

    @property
    def portal(self) -> BlockingPortal:
        """Of the API side."""
        if self.test_client.portal is None:
            raise RuntimeError("the client is not entered")
        return self.test_client.portal

    @property
    def hub(self) -> Hub:
        hub: Hub = self.test_client.app_state["hub"]
        return hub

    def work_on(self, paper_id: str, run: int) -> None:
        """What eager Celery calls, in a thread."""
        try:
            self.runtime.process(paper_id, run)
        except BaseException as error:
            self.crashes.append(error)  # eager Celery keeps it to itself
            raise

    def check(self) -> None:
        """Raises for what tests left behind, and for a run that crashed."""
        if self.crashes:
            raise AssertionError("a run crashed in the worker") from self.crashes[0]
        if self.leaks:
            raise AssertionError("the test left behind:\n  " + "\n  ".join(self.leaks))


@contextmanager
def open_service(applications: Applications, settings: Settings) -> Iterator[InProcessService]:
    """Started, and stopped at the end; raises for what is left behind then."""
    threads = set(threading.enumerate())
    applications.service = service = InProcessService(settings)
    with start_blocking_portal() as service.worker_portal:
        portal = service.worker_portal
        service.worker = portal.call(Side, service.backing, "worker", applications.task, None, settings.embedder)
        with portal.wrap_async_context_manager(run_worker_side(service.worker.services)):
            service.runtime.attach(portal, service.worker.services)
            portal.call(service.worker.services.heartbeat.beat)  # so that the first sample knows it
            app = watching_for_leaks(applications.app, lambda: service.leaks.extend(tasks_left("api")))
            with TestClient(app, raise_server_exceptions=False) as service.test_client:
                try:
                    yield service
                finally:
                    service.runtime.stop()  # a thread that waits for a held run would hold up the shutdown
        portal.call(service.worker.close)
        service.leaks += portal.call(tasks_left, "worker")
    applications.service = None
    service.leaks += threads_left(threads)
    service.check()


class InProcessLane(Lane):
    """One test's view of a service in this process."""

    deadline = DEADLINE

    def __init__(self, service: InProcessService) -> None:
        super().__init__()
        self.service = service
        self.backing = service.backing
        self.clock = service.backing.clock
        self.test_client = service.test_client

    @property
    def api(self) -> Side:
        return self.service.api

    @property
    def worker(self) -> Side:
        return self.service.worker

    @property
    def parked(self) -> int:
        return self.backing.holds.parked

    async def __aenter__(self) -> Self:
        self.client = httpx.AsyncClient(transport=PortalTransport(self.test_client), base_url="http://testserver")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for socket in self.sockets:
            await socket.close()
        await self.client.aclose()
        connections = self.service.hub.connections
        if connections:
            self.service.leaks.append(f"hub: {connections} sockets are still counted")

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
                "hub_position": self.service.hub.position,
            }

        return await asyncio.wrap_future(self.service.portal.start_task_soon(figures))

    def hold(self, name: str) -> Hold:
        """Holds every run before that stage, or all hints with the name `dispatch`."""
        return self.backing.holds.at(name)

    def call_api(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Calls something of the API side on its loop."""
        return self.service.portal.call(function, *args)


@asynccontextmanager
async def open_in_process_lane(applications: Applications, settings: Settings) -> AsyncIterator[InProcessLane]:
    """A service of the test's own; fails it for what it leaves behind and for any transcript that breaks a guarantee."""
    with open_service(applications, settings) as service:
        async with InProcessLane(service) as lane:
            yield lane
    lane.check_transcripts()

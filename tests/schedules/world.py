"""A whole installation on one loop: an API process, workers, their clients, and what they share."""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import fsspec

from app.adapters.papers.mongo import MongoPaperStore
from app.adapters.papers.sqlite import SqlitePaperStore
from app.adapters.sqlite import Database
from app.domain.errors import PaperProcessingError
from app.domain.paper import Paper
from app.main import run_api_side
from app.ports import PaperStore
from app.realtime.shared import Realtime
from app.services.papers import BatchAnswer
from app.settings import Settings
from app.worker.runtime import run_worker_side
from tests.schedules.process import Breaks, Connections, FarMongo, Process
from tests.support.hints import Broker
from tests.support.one_loop import LoopClock, Wire, cross, on
from tests.support.redis import Server

T = TypeVar("T")

KINDS = ("mongo", "sqlite")
SETTINGS = Settings(data_dir=Path("/nowhere"), system_status_interval=5)


class World:
    """One seed's installation."""

    most_workers = 2
    runs_at_once = 1
    """Of a worker."""

    def __init__(self, seed: int, breaks: Breaks) -> None:
        self.seed = seed
        self.breaks = breaks
        self.settings = SETTINGS
        self.chance = random.Random(seed)
        self.clock = LoopClock()
        self.kind = self.chance.choice(KINDS)
        self.mongo = FarMongo()
        self.redis = Server()
        self.papers_path, self.graph = (f"file:/{uuid4().hex}?vfs=memdb" for _ in range(2))
        self.filesystem = fsspec.filesystem("memory")
        self.root = f"/{uuid4().hex}"
        self.broker = Broker(random.Random(f"{seed} broker"), lost=0.1, doubled=0.1)
        self.answers: list[tuple[str, str, Paper | PaperProcessingError | None]] = []
        """Of every request: what was asked, of which paper, and the answer."""
        self.longest_stage = 0.0
        """In seconds."""
        self.trimmed = False
        """Whether the log lost its oldest entries."""
        self.held: str | None = None
        """The stage before which runs wait."""
        self._open = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self.realtime: Realtime
        self.api: Process
        self.workers: list[Process] = []
        self.auditor: Connections
        """Who looks on from outside, with no wire in between."""

    def open_store(self) -> PaperStore:
        if self.kind == "mongo":
            return MongoPaperStore(self.mongo.connect())
        return SqlitePaperStore(Database(self.papers_path))

    def wire(self, name: str) -> Wire:
        """A wire of its own temper."""
        chance = random.Random(f"{self.seed} {name}")
        return Wire(chance, chance.choice([0.0005, 0.005, 0.05]), pauses=chance.choice([0.0, 0.0, 0.01]))

    async def before_stage(self, name: str) -> bool:
        """What a run does where a stage begins: it waits if the stage is held, and takes its time if stages do here."""
        while self.held == name:
            await asyncio.sleep(0.1)
        await asyncio.sleep(self.chance.uniform(0, self.longest_stage))
        return self.longest_stage > 0

    # -- processes

    async def start(self) -> None:
        self.auditor = Connections(self)
        self._open.push_async_callback(self.auditor.close)
        if isinstance(self.auditor.store, MongoPaperStore):
            await self.auditor.store.prepare()
        self.api = Process(self, "api")
        self._open.push_async_callback(self.api.close)
        started = asyncio.Event()
        self._tasks = [asyncio.get_running_loop().create_task(self._run_api(started), context=on(self.api.wire))]
        for _ in range(self.chance.randint(1, self.most_workers)):
            self.start_worker()
        await started.wait()

    async def stop(self) -> None:
        self._stop.set()
        for worker in self.workers:
            self.kill(worker)
        await asyncio.gather(*self._tasks)
        await self._open.aclose()
        if self.filesystem.exists(self.root):
            self.filesystem.rm(self.root, recursive=True)

    def start_worker(self) -> None:
        worker = Process(self, f"worker {len(self.workers)}")
        self._open.push_async_callback(worker.close)
        self.workers.append(worker)
        self._tasks.append(asyncio.get_running_loop().create_task(self._run_worker(worker), context=on(worker.wire)))

    def kill(self, worker: Process) -> None:
        """Nothing more gets out of it, not even that it stops."""
        worker.wire.die()
        worker.killed.set()

    async def _run_api(self, started: asyncio.Event) -> None:
        async with run_api_side(self.settings, self.api.services) as state:
            self.realtime = state["realtime"]
            started.set()
            await self._stop.wait()

    async def _run_worker(self, worker: Process) -> None:
        async with run_worker_side(worker.services), asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(self._work(worker)) for _ in range(self.runs_at_once)]
            await worker.killed.wait()
            for task in working:
                task.cancel()

    async def _work(self, worker: Process) -> None:
        """Takes one hint after the other."""
        while True:
            paper_id, run = await self.broker.take()
            await cross()
            await self.before_stage("dispatch")
            await worker.services.pipeline.run(paper_id, run)

    # -- requests, as the HTTP routes make them

    async def upload(self, name: str = "paper.txt") -> str:
        paper = await self._as_api(self.api.services.papers.submit(BytesIO(b"A paper."), name, limit_mb=1))
        self.answers.append(("upload", paper.id, paper))
        return paper.id

    async def process(self, paper_id: str) -> Paper | None:
        return await self._ask("process", paper_id, self.api.services.papers.process(paper_id))

    async def cancel(self, paper_id: str) -> Paper | None:
        return await self._ask("cancel", paper_id, self.api.services.papers.cancel(paper_id))

    async def delete(self, paper_id: str) -> None:
        await self._ask("delete", paper_id, self.api.services.papers.delete(paper_id))

    async def process_batch(self, paper_ids: list[str]) -> BatchAnswer:
        answer = await self._as_api(self.api.services.papers.process_batch(paper_ids))
        self.answers += [("process", paper.id, paper) for paper in answer.accepted]
        return answer

    async def _ask(self, what: str, paper_id: str, request: Coroutine[Any, Any, T]) -> T | None:
        """The answer; None for a refusal, which is kept with the answers."""
        try:
            answer = await self._as_api(request)
        except PaperProcessingError as error:
            self.answers.append((what, paper_id, error))
            return None
        self.answers.append((what, paper_id, answer if isinstance(answer, Paper) else None))
        return answer

    async def _as_api(self, request: Coroutine[Any, Any, T]) -> T:
        return await asyncio.get_running_loop().create_task(request, context=on(self.api.wire))

    # -- time

    async def somewhen(self, within: float = 0.3) -> None:
        """A while that chance chooses."""
        await asyncio.sleep(self.chance.uniform(0, within))

    async def together(self, *doings: Coroutine[Any, Any, Any], within: float = 0.05) -> None:
        """All at about the same time."""

        async def soon(doing: Coroutine[Any, Any, Any]) -> None:
            await self.somewhen(within)
            await doing

        async with asyncio.TaskGroup() as tasks:
            for doing in doings:
                tasks.create_task(soon(doing))

    async def settled(self, within: float = 200.0) -> str:
        """Waits until nothing is on its way; answers the log's end."""
        for process in self.workers:
            process.wire.thaw()
        deadline = asyncio.get_running_loop().time() + within
        pause = 0.02
        while True:  # a look at the state
            counts = await self.auditor.store.counts()
            at_work = sum(process.services.pipeline.active for process in self.workers)
            tail = await self.auditor.log.tail()
            if counts.queued + counts.active + counts.waiting + at_work == 0 and self.realtime.hub.position == tail:
                return tail
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"the service did not settle within {within:g} s: {counts}, {at_work} at work")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.5)

    async def swept(self, within: float = 100.0) -> None:
        """Waits until nothing is left to clear up after deleted papers."""
        async with asyncio.timeout(within):
            while await self.auditor.store.tombstones(swept=False, limit=1):
                await asyncio.sleep(1)


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[World]:
    """Everything started; at the end everything stopped, the checks not yet made."""
    await world.start()
    try:
        yield world
    finally:
        await world.stop()

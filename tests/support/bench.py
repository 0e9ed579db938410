"""Services on one loop, for tests that take the steps of the background loops themselves."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import anyio

from app.domain import decisions
from app.domain.paper import Output, PaperRecord
from app.logs import about
from app.ports import LogEntry
from app.services.pipeline import Pipeline, Terms
from app.services.services import Services
from app.services.stages import Stage
from app.services.writer import Writer
from tests.support.in_process import Applications, Backing, Side

TEXT = b"A Title\n\nSomeone Else\n\nAbstract\nWe evaluate a neural network on the MNIST dataset by accuracy.\n"

FULL_RUN = [
    "uploaded", "queued", "processing", "extracting_entities", "extracting_relationships",
    "building_knowledge_graph", "completed",
]  # fmt: skip
"""The statuses of a paper that goes through every stage once."""


class Dispatch(Protocol):
    """One look of a dispatcher."""

    async def __call__(self, *, woken: bool) -> None: ...


class Bench:
    """One side, its backing, and shorthands for what tests ask again and again."""

    def __init__(self, applications: Applications) -> None:
        self._applications = applications
        self._sides: list[Side] = []
        self.backing = Backing()
        self.clock = self.backing.clock
        self.side = self.another_side("first")
        self.store = self.side.store
        self.log = self.side.log

    @property
    def services(self) -> Services:
        return self.side.services

    def another_side(self, name: str, terms: Terms | None = None) -> Side:
        """A second process, as it were, over the same stores."""
        side = Side(self.backing, name, self._applications.task, terms)
        self._sides.append(side)
        return side

    async def submit(self) -> str:
        """A paper, uploaded; answers its id."""
        with about():  # as around each request: what it notes about the paper ends with it
            paper = await self.services.papers.submit(io.BytesIO(TEXT), "paper.txt", limit_mb=1)
        return paper.id

    async def submit_and_queue(self) -> str:
        paper_id = await self.submit()
        await self.services.papers.process(paper_id)
        return paper_id

    async def record(self, paper_id: str) -> PaperRecord:
        record = await self.store.get(paper_id)
        assert record is not None, f"paper {paper_id} is not in the store"
        return record

    async def logged(self) -> list[tuple[str, int]]:
        """The log's events as (paper, seq), in its order."""
        entries: list[LogEntry] = list(await self.log.read("0-0", 10_000))
        return [(entry.event.data.paper_id, entry.event.data.seq) for entry in entries if entry.event]

    async def statuses(self, paper_id: str) -> list[str]:
        """Every status the paper was told to have, in order."""
        events = await self.store.events(paper_id, 0, 10_000)
        return [event.data.status for event in events if event.event_type == "paper_status"]

    def pipeline(self, stages: Sequence[Stage], terms: Terms | None = None) -> Pipeline:
        """A worker's pipeline with other stages."""
        writer = Writer(self.store, self.clock, lambda: None)
        clear_up = self.services.sweeper.clear_after_worker
        return Pipeline(
            self.store,
            writer,
            stages,
            self.clock,
            "a worker with other stages",
            clear_up,
            self.services.dispatcher.look,
            self.services.heartbeat.out_of_memory,
            terms or Terms(),
        )

    async def entity_keys(self, paper_id: str) -> list[str]:
        """The entities found in the paper."""
        entities = await self.services.papers.output(paper_id, Output.ENTITIES)
        assert isinstance(entities, list)
        return [str(entity["key"]) for entity in entities if isinstance(entity, dict)]

    async def claim(self, paper_id: str, token: str) -> PaperRecord:
        """Takes the lease of the paper's run, as a worker would that then does nothing."""
        record = await self.record(paper_id)
        change = decisions.claim(record, record.paper.run, "a worker", token, self.clock.now())
        assert await self.store.replace(change, token), "somebody else wrote first"
        return await self.record(paper_id)

    @asynccontextmanager
    async def dispatching(self) -> AsyncIterator[Dispatch]:
        """A dispatcher whose looks the test takes itself; hints are under way when a look returns."""
        async with anyio.create_task_group() as tasks:

            async def dispatch(*, woken: bool) -> None:
                await self.services.dispatcher.dispatch(tasks, woken=woken)
                for _ in range(5):  # the steps a hint takes until it is seen, or failed
                    await asyncio.sleep(0)

            yield dispatch
            tasks.cancel_scope.cancel()

    async def close(self) -> None:
        for side in self._sides:
            await side.close()


@asynccontextmanager
async def open_bench(applications: Applications) -> AsyncIterator[Bench]:
    bench = Bench(applications)
    await bench.store.prepare()
    try:
        yield bench
    finally:
        bench.backing.holds.release_all()
        await bench.close()

"""What the stages of a run leave: outputs, the counts of the snapshot, and events that list what was found."""

import io
import threading
from datetime import datetime
from pathlib import Path

import anyio
import pytest

from app.adapters.reader.inline import InlineReader
from app.domain.events import LISTED, EntityExtractionEvent, PaperEvent, RelationshipExtractionEvent
from app.domain.paper import Counts, Output
from app.ports import Clock
from app.services.pipeline import Pipeline, Terms
from app.services.stages import DOCUMENT, ENTITIES, PROGRESS_EVERY, REFERENCES, RELATIONSHIPS, Work, all_stages
from app.services.writer import Writer
from conftest import SEED_PAPER
from tests.support.bench import Bench
from tests.support.clock import ManualClock
from tests.support.taught import EACH_TYPE, SENTENCE, taught

pytestmark = pytest.mark.anyio


async def process(bench: Bench, content: bytes) -> str:
    paper = await bench.services.papers.submit(io.BytesIO(content), "paper.txt", limit_mb=1)
    await bench.services.papers.process(paper.id)
    await bench.services.pipeline.run(paper.id, 1)
    return paper.id


async def told(bench: Bench, paper_id: str, event_type: str) -> PaperEvent:
    (event,) = [event for event in await bench.store.events(paper_id, 0, 10_000) if event.event_type == event_type]
    return event


async def test_what_a_run_tells_of_the_seed_paper_is_what_it_stored(bench: Bench) -> None:
    paper_id = await process(bench, SEED_PAPER.read_bytes())
    paper, papers = (await bench.record(paper_id)).paper, bench.services.papers
    document = DOCUMENT.validate_python(await papers.output(paper_id, Output.DOCUMENT))
    references = REFERENCES.validate_python(await papers.output(paper_id, Output.REFERENCES))
    entities = ENTITIES.validate_python(await papers.output(paper_id, Output.ENTITIES))
    relationships = RELATIONSHIPS.validate_python(await papers.output(paper_id, Output.RELATIONSHIPS))

    assert (paper.title, paper.authors) == (document.title, document.authors) != (None, ())
    mentions = sum(len(entity.mentions) for entity in entities)
    assert paper.counts == Counts(
        pages=document.pages,
        sections=len(document.sections),
        references=len(references),
        entities=len(entities),
        mentions=mentions,
        relationships=len(relationships),
    )
    assert 0 not in paper.counts.model_dump().values(), "a stage found nothing in the seed paper"

    found = await told(bench, paper_id, "entity_extraction")
    assert isinstance(found, EntityExtractionEvent)
    assert found.data.count == len(entities) == sum(found.data.types.values())
    assert found.data.types == {kind: sum(entity.type == kind for entity in entities) for kind in found.data.types}
    listed = [(entity.key, entity.name, entity.type, entity.mentions) for entity in found.data.entities]
    assert listed == [(entity.key, entity.name, entity.type, len(entity.mentions)) for entity in entities[:LISTED]]
    assert found.message == f"{len(entities)} entities found in paper.txt"

    related = await told(bench, paper_id, "relationship_extraction")
    assert isinstance(related, RelationshipExtractionEvent)
    assert related.data.count == len(relationships) == sum(related.data.types.values())
    pairs = [(found.source, found.target, found.type) for found in related.data.relationships]
    assert pairs == [(found.source, found.target, found.type) for found in relationships[:LISTED]]
    assert related.message == f"{len(relationships)} relationships found in paper.txt"


async def test_the_graph_knows_a_paper_by_its_title(bench: Bench) -> None:
    first = await process(bench, SEED_PAPER.read_bytes())
    second = await process(bench, SEED_PAPER.read_bytes())
    (other,) = await bench.services.graph.related(first, 10)
    assert (other.paper_id, other.title) == (second, (await bench.record(second)).paper.title)
    assert other.title is not None


async def test_the_graph_knows_which_paper_that_is_here_another_cites(bench: Bench) -> None:
    cited = await process(bench, SEED_PAPER.read_bytes())
    paper = (await bench.record(cited)).paper
    entry = f"[1] {paper.authors[0]}. {paper.title}. Journal of Examples, 2024."
    citing = await process(bench, f"A Later Look\n\nAbstract\nWe look again.\n\nReferences\n\n{entry}\n".encode())
    found = await bench.services.graph.citations(citing, 10)
    assert [(work.number, work.paper_id, work.title) for work in found.cites] == [(1, cited, paper.title)]


async def test_entities_are_those_of_a_model_of_ones_own(bench: Bench, tmp_path: Path) -> None:
    stages = all_stages(bench.side.files, InlineReader(), bench.services.graph, taught(tmp_path / "own", EACH_TYPE))
    paper = await bench.services.papers.submit(io.BytesIO(SENTENCE.encode()), "paper.txt", limit_mb=1)
    await bench.services.papers.process(paper.id)
    await bench.pipeline(stages).run(paper.id, 1)
    assert "task:glorb" in await bench.entity_keys(paper.id), "no rule and no model that ships knows it"


class HurriedClock(ManualClock):
    """A fifth of a second passes between any two looks at it: all progress is due."""

    def now(self) -> datetime:
        self.advance(0.2)
        return super().now()


async def test_watchers_see_how_far_each_long_stage_is(bench: Bench) -> None:
    paper = await bench.services.papers.submit(io.BytesIO(SEED_PAPER.read_bytes()), "paper.txt", limit_mb=1)
    await bench.services.papers.process(paper.id)
    clock = HurriedClock()
    writer = Writer(bench.store, clock, lambda: None)
    clear_up = bench.services.sweeper.clear_after_worker
    stages = bench.side.stages
    pipeline = Pipeline(bench.store, writer, stages, clock, "a worker", clear_up, lambda: None, lambda: None, Terms())
    await pipeline.run(paper.id, 1)
    at_work = {
        event.data.stage
        for event in await bench.store.events(paper.id, 0, 10_000)
        if event.event_type == "paper_progress" and event.data.stage_progress < 100
    }
    assert at_work == {"read", "entities", "relationships"}


async def test_a_computation_does_not_hold_who_is_cancelled(bench: Bench) -> None:
    """A worker that lost its lease goes on to other papers, and does not wait for what it computes for nobody."""
    begun, over = threading.Event(), threading.Event()

    def compute(_: object) -> None:
        begun.set()
        over.wait(10)

    async def report(_: int) -> None: ...

    paper = (await bench.record(await bench.submit())).paper
    work = Work(paper, bench.store, bench.clock, report)
    try:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work.compute, compute)
                await anyio.to_thread.run_sync(begun.wait, 5)
                tasks.cancel_scope.cancel()
    finally:
        over.set()


@pytest.mark.parametrize(
    ("done", "total", "percent"),
    [(0, 10, 0), (1, 200, 0), (1, 2, 50), (75, 76, 98), (90, 100, 90), (100, 100, 99), (1, 1, 99), (0, 0, 0)],
)
async def test_a_stage_at_work_is_never_at_100_percent(bench: Bench, done: int, total: int, percent: int) -> None:
    told: list[int] = []
    work = await start_work(bench, bench.clock, told)
    bench.clock.advance(PROGRESS_EVERY.total_seconds())
    await work.progress(done, total)
    assert told == [percent]


async def test_a_stage_is_heard_ten_times_a_second_at_most(bench: Bench) -> None:
    clock, told = ManualClock(), list[int]()
    work = await start_work(bench, clock, told)
    for percent in range(60):
        await work.progress(percent, 100)
        clock.advance(0.01)
    assert told == [10, 20, 30, 40, 50]


async def start_work(bench: Bench, clock: Clock, told: list[int]) -> Work:
    async def report(percent: int) -> None:
        told.append(percent)

    paper = (await bench.record(await bench.submit())).paper
    return Work(paper, bench.store, clock, report)

"""Nothing of a deleted paper stays, and its tombstone stays as long as somebody may ask for what led to it."""

import anyio
import pytest

from app.adapters.event_log.redis import LAST_SEQ, STREAM
from app.domain import decisions
from app.domain.decisions import Findings
from app.domain.errors import ReadError, UnavailableError
from app.domain.paper import Output
from app.domain.stages import READ, Load
from app.services.pipeline import Pipeline, Terms
from app.services.stages import Stage, Work
from app.services.writer import Writer
from tests.support.bench import Bench
from tests.support.builders import an_entity

pytestmark = pytest.mark.anyio


async def test_deleting_removes_file_outputs_and_graph_at_once(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    key = (await bench.entity_keys(paper_id))[0]
    await bench.services.papers.delete(paper_id)
    assert await bench.store.get_output(paper_id, 1, Output.DOCUMENT) is None
    assert await bench.services.graph.neighbours(key, 10) is None
    with pytest.raises(FileNotFoundError):
        await bench.side.files.get(paper_id)
    assert (await bench.record(paper_id)).swept


async def test_what_a_worker_still_wrote_after_the_deletion_is_removed_when_its_lease_has_ended(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.claim(paper_id, "a worker that does not know yet")
    await bench.services.papers.delete(paper_id)
    await bench.store.put_output(paper_id, 1, Output.DOCUMENT, {"title": "late", "text": "late"})
    await bench.services.sweeper.sweep()
    assert not (await bench.record(paper_id)).swept, "a worker may still be writing"
    await bench.store.put_output(paper_id, 1, Output.DOCUMENT, {"title": "later", "text": "later"})
    bench.clock.advance(decisions.LEASE.total_seconds() + 1)
    await bench.services.sweeper.sweep()
    assert (await bench.record(paper_id)).swept
    assert await bench.store.get_output(paper_id, 1, Output.DOCUMENT) is None


async def test_a_deleted_paper_that_cannot_be_cleared_up_keeps_no_other_from_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = [await bench.submit() for _ in range(2)]
    remove = bench.side.files.remove

    async def refuse(paper_id: str) -> None:
        if paper_id == stuck:
            raise UnavailableError("This file stays, as this test wants it.")
        await remove(paper_id)

    def cut_off(_: str) -> None:
        raise UnavailableError("Nothing is cleared up at once.")

    monkeypatch.setattr(bench.side.files, "remove", cut_off)
    for paper_id in papers:
        await bench.services.papers.delete(paper_id)
    stuck, other = [record.paper.id for record in await bench.store.tombstones(swept=False, limit=2)]
    monkeypatch.setattr(bench.side.files, "remove", refuse)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="This file stays"):
            await bench.services.sweeper.sweep()
    assert (await bench.record(other)).swept
    assert not (await bench.record(stuck)).swept
    monkeypatch.undo()
    await bench.services.sweeper.sweep()
    assert (await bench.record(stuck)).swept


async def test_a_worker_that_slept_through_its_lease_and_the_last_sweep_takes_what_it_wrote_away(bench: Bench) -> None:
    class DeletedMeanwhile(Stage):
        """Works on while the paper is deleted and swept for good."""

        plan = READ

        async def work(self, work: Work) -> Findings:
            with anyio.CancelScope(shield=True):  # its process stands still: it hears too late that the lease is lost
                await bench.services.papers.delete(paper_id)
                bench.clock.advance(decisions.LEASE.total_seconds() + 1)
                await bench.services.sweeper.sweep()
                assert (await bench.record(paper_id)).swept
                await bench.store.put_output(paper_id, 1, Output.DOCUMENT, {"title": "late", "text": "late"})
                await bench.services.graph.replace(paper_id, 1, "late", [an_entity("Late")], [])
                written.append(paper_id)
            return Findings()

    written: list[str] = []
    paper_id = await bench.submit_and_queue()
    await bench.pipeline([DeletedMeanwhile()]).run(paper_id, 1)
    assert written == [paper_id]
    assert await bench.store.get_output(paper_id, 1, Output.DOCUMENT) is None
    assert await bench.services.graph.neighbours("method:late", 10) is None


@pytest.mark.parametrize(
    "error", [None, ReadError("encrypted", "The file is encrypted."), ValueError("a bug")], ids=["done", "bad", "bug"]
)
@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "there"])
async def test_a_worker_clears_up_behind_itself_when_its_paper_was_deleted_however_its_stage_ends(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: Exception | None, deleted: bool
) -> None:
    class Ends(Stage):
        plan = READ

        async def work(self, work: Work) -> Findings:
            if deleted:
                await bench.services.papers.delete(work.paper.id)
            if error is not None:
                raise error
            return Findings()

    cleared: list[str] = []

    async def clear_up(paper_id: str) -> None:
        cleared.append(paper_id)

    paper_id = await bench.submit_and_queue()
    writer = Writer(bench.store, bench.clock, lambda: None)
    terms = Terms(serves=frozenset({Load.HEAVY}))  # the run goes to another worker after the first stage
    stages = [Ends(), *bench.side.stages[1:]]
    pipeline = Pipeline(bench.store, writer, stages, bench.clock, "w", clear_up, lambda: None, lambda: None, terms)
    await pipeline.run(paper_id, 1)
    assert cleared == ([paper_id] if deleted else [])
    told = "an unexpected error" in caplog.text
    assert told is (isinstance(error, ValueError) and not deleted), "a mistake of ours is told, a deletion is none"


async def test_a_worker_takes_nothing_away_from_a_paper_that_is_there_and_all_that_is_left_of_one_that_is_not(
    bench: Bench,
) -> None:
    paper_id = await bench.submit()
    for owner in (paper_id, "purged"):
        await bench.store.put_output(owner, 1, Output.DOCUMENT, {"title": "kept", "text": "kept"})
        await bench.services.sweeper.clear_after_worker(owner)
    assert await bench.store.get_output(paper_id, 1, Output.DOCUMENT) is not None
    assert await bench.store.get_output("purged", 1, Output.DOCUMENT) is None


async def test_a_deletion_is_told_although_clearing_up_fails(bench: Bench) -> None:
    paper_id = await bench.submit()
    await bench.side.close_graph()
    await bench.services.papers.delete(paper_id)
    record = await bench.record(paper_id)
    assert (record.deleted_at is not None, record.swept) == (True, False)


async def test_a_tombstone_stays_while_the_log_may_still_tell_of_the_paper(bench: Bench) -> None:
    paper_id = await bench.submit()
    await bench.services.relay.relay()
    await bench.services.papers.delete(paper_id)
    await bench.services.relay.relay()
    bench.clock.advance(24 * 3600)
    await bench.services.sweeper.sweep()
    assert await bench.store.get(paper_id) is not None


async def test_a_tombstone_younger_than_the_log_s_oldest_entry_stays(bench: Bench) -> None:
    first, second = await bench.submit(), await bench.submit()
    await bench.services.relay.relay()
    await bench.side.redis.xtrim(STREAM, maxlen=1, approximate=False)
    await bench.services.papers.delete(first)
    await bench.services.sweeper.sweep()
    assert await bench.store.get(first) is not None
    assert await bench.store.get(second) is not None


async def test_a_tombstone_goes_when_the_log_has_forgotten_the_paper(bench: Bench) -> None:
    paper_id = await bench.submit()
    await bench.services.papers.delete(paper_id)
    await bench.services.relay.relay()
    redis = bench.side.redis
    future = int((bench.clock.now().timestamp() + 3600) * 1000)
    await redis.xadd(
        STREAM, {"event": (await bench.store.events(paper_id, 0, 1))[0].model_dump_json()}, id=f"{future}-0"
    )
    await redis.xtrim(STREAM, maxlen=1, approximate=False)
    assert await redis.exists(LAST_SEQ + paper_id)
    await bench.services.sweeper.sweep()
    assert await bench.store.get(paper_id) is None
    assert not await redis.exists(LAST_SEQ + paper_id), "one for each paper there ever was fills the log's memory"


async def test_a_tombstone_that_another_process_purged_meanwhile_is_none_any_more(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.claim(paper_id, "a worker")
    await bench.services.papers.delete(paper_id)
    seen = await bench.record(paper_id)
    await bench.store.purge(paper_id)
    bench.clock.advance(decisions.LEASE.total_seconds() + 1)
    with caplog.at_level("DEBUG"):
        await bench.services.sweeper.clear(seen)
    assert "purged by another process" in caplog.text
    assert await bench.store.get(paper_id) is None

"""What people do with papers, where it goes wrong halfway."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.adapters.files.fsspec import FsspecFiles
from app.adapters.papers.mongo import MongoPaperStore
from app.domain.decisions import MAX_ATTEMPTS, Change
from app.domain.errors import FileLostError, NotExtractedError, PaperGoneError, UnavailableError
from app.domain.paper import Output, PaperRecord
from app.services.papers import Papers
from app.services.sweeper import Sweeper
from app.services.writer import Writer
from tests.support.bench import TEXT, Bench

pytestmark = pytest.mark.anyio


class ArrivesLate(MongoPaperStore):
    """A store that is away when a paper is stored and when it is first asked for it; the write arrives all the same."""

    late: Change | None = None

    async def insert(self, change: Change) -> None:
        self.late = change
        raise UnavailableError("The connection broke, as this test wants it.")

    async def get(self, paper_id: str) -> PaperRecord | None:
        found = await super().get(paper_id)
        if self.late is not None:
            await super().insert(self.late)
            self.late = None
        return found


async def test_the_file_of_a_paper_that_arrived_after_all_is_kept(bench: Bench) -> None:
    store = ArrivesLate(bench.backing.mongo.connect())
    writer = Writer(store, bench.clock, lambda: None)
    papers = Papers(store, bench.side.files, writer, bench.services.sweeper, bench.clock, lambda: None)
    with pytest.raises(UnavailableError):
        await papers.submit(io.BytesIO(TEXT), "paper.txt", limit_mb=1)
    (paper,) = (await papers.list(None, None, 10, None)).items
    assert await bench.side.files.get(paper.id) == TEXT


async def test_what_is_not_there_is_named(bench: Bench) -> None:
    paper_id = await bench.submit()
    with pytest.raises(NotExtractedError, match="no entities yet"):
        await bench.services.papers.output(paper_id, Output.ENTITIES)
    await bench.side.files.remove(paper_id)
    with pytest.raises(FileLostError, match="restore it from a backup"):
        _ = [chunk async for chunk in bench.services.papers.file(paper_id)]


class Vanishing(FsspecFiles):
    """Files of papers that are deleted just as somebody asks for one."""

    def __init__(self, files: FsspecFiles, papers: Papers) -> None:
        super().__init__(files._fs, files._root)
        self._papers = papers

    @asynccontextmanager
    async def stream(self, paper_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        await self._papers.delete(paper_id)
        async with super().stream(paper_id) as chunks:
            yield chunks


async def test_the_file_of_a_paper_that_is_deleted_just_then_is_not_lost(bench: Bench) -> None:
    paper_id = await bench.submit()
    files = Vanishing(bench.side.files, bench.services.papers)
    writer = Writer(bench.store, bench.clock, lambda: None)
    papers = Papers(bench.store, files, writer, bench.services.sweeper, bench.clock, lambda: None)
    with pytest.raises(PaperGoneError):
        _ = [chunk async for chunk in papers.file(paper_id)]


async def test_a_search_finds_no_more_than_was_asked_for(bench: Bench) -> None:
    for _ in range(2):
        await bench.services.pipeline.run(await bench.submit_and_queue(), 1)
    assert len(await bench.services.search.find("neural", 10)) == 2
    assert len(await bench.services.search.find("neural", 1)) == 1


async def test_all_that_is_parked_runs_again_page_by_page(bench: Bench) -> None:
    parked = [await bench.submit_and_queue() for _ in range(2)]
    for paper_id in parked:
        for attempt in range(MAX_ATTEMPTS):
            await bench.claim(paper_id, f"worker {attempt}, which dies")
            bench.clock.advance(60)
        await bench.services.pipeline.run(paper_id, 1)
    answer = await bench.services.dead_letters.retry_all(page_size=1)
    assert [(paper.status, paper.run) for paper in answer.accepted] == [("queued", 2)] * 2
    assert ({paper.id for paper in answer.accepted}, answer.rejected) == (set(parked), ())


async def test_a_deleted_paper_is_told_of_once_its_events_are_in_the_log(bench: Bench) -> None:
    paper_id = await bench.submit()
    await bench.services.papers.delete(paper_id)
    for told in (False, True):
        with pytest.raises(PaperGoneError, match=repr(paper_id)) as caught:
            await bench.services.papers.get(paper_id)
        assert caught.value.told is told
        await bench.services.relay.relay()


class Mistaken(FsspecFiles):
    """Files with a mistake of ours in them."""

    async def remove(self, paper_id: str) -> None:
        raise ValueError("a mistake of ours")


async def test_a_deletion_is_told_although_clearing_up_meets_a_mistake_of_ours_and_the_sweeper_mends_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    paper_id = await bench.submit()
    writer = Writer(bench.store, bench.clock, lambda: None)
    files = Mistaken(bench.side.files._fs, bench.side.files._root)
    sweeper = Sweeper(bench.store, files, bench.services.graph, bench.log, writer, bench.clock)
    await Papers(bench.store, files, writer, sweeper, bench.clock, lambda: None).delete(paper_id)
    assert "ValueError: a mistake of ours" in caplog.text
    with pytest.raises(PaperGoneError):
        await bench.services.papers.get(paper_id)
    await bench.services.sweeper.sweep()
    assert (await bench.record(paper_id)).swept

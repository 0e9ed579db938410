"""How the store in MongoDB does it: what the port does not show."""

import pytest

from app.adapters.papers.mongo import MongoPaperStore, connect
from tests.support.builders import at, seqs
from tests.support.mongo import MongoServer
from tests.support.store import put_paper, run_to_completed

pytestmark = pytest.mark.anyio


async def test_the_driver_repeats_no_write_by_itself() -> None:
    store = connect("mongodb://nowhere/papers?retryWrites=true")
    assert not store._database.client.options.retry_writes, "a write whose answer was lost would be made twice"
    await store.close()


async def test_what_was_extracted_is_not_in_the_paper_s_document() -> None:
    database = MongoServer().connect()
    store = MongoPaperStore(database)
    record = await run_to_completed(store, await put_paper(store), text="a needle in a text of any length")
    paper = await database["papers"].find_one({"_id": record.paper.id})
    assert "needle" not in str(paper), "a long text would make a document that MongoDB refuses"


async def test_a_move_that_was_cut_short_is_finished_by_the_next() -> None:
    """Its relay died when the events were in their collection and still in the outbox."""
    database = MongoServer().connect()
    store = MongoPaperStore(database)
    record = await run_to_completed(store, await put_paper(store, id="p"))
    before = await database["papers"].find_one({"_id": "p"})
    assert before is not None
    await store.mark_relayed("p", 2, at(10))
    await database["papers"].update_one({"_id": "p"}, {"$set": {"outbox": before["outbox"]}})
    await store.mark_relayed("p", 3, at(20))
    assert seqs(await store.relayed_since(at(0))) == [1, 2, 3]
    assert seqs(await store.outbox(100)) == list(range(4, record.paper.seq + 1))
    assert seqs(await store.events("p", 0, 100)) == list(range(1, record.paper.seq + 1))

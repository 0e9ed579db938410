"""What an earlier release left in MongoDB is still of use."""

import pytest

from app.adapters.papers.mongo import MongoPaperStore
from tests.contract.test_paper_outputs import found, put_document
from tests.support.mongo import MongoServer

pytestmark = pytest.mark.anyio


async def test_a_document_stored_before_words_were_counted_is_found() -> None:
    database = MongoServer().connect()
    store = MongoPaperStore(database)
    await put_document(store, "An old text about quokkas.", id="old")
    await database["terms"].update_many({}, {"$unset": {"counts": "", "length": ""}})
    assert await found(store, "old quokkas") == ["old"]
    await put_document(store, "Quokkas, quokkas and more old quokkas.", id="new")
    assert await found(store, "old quokkas") == ["new", "old"]

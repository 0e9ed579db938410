"""The MongoDB of the tests is as strict as MongoDB: where mongomock alone is not, these fail without the shim."""

import asyncio
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DocumentTooLarge, WriteError

from tests.support.mongo import MongoServer

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

LIMIT = 1000


@pytest.fixture
def server() -> MongoServer:
    return MongoServer(limit=LIMIT)


@pytest.fixture
def database(server: MongoServer) -> AsyncDatabase[dict[str, Any]]:
    return server.connect()


async def test_clients_share_the_data(server: MongoServer) -> None:
    await server.connect()["papers"].insert_one({"_id": 1})
    assert await server.connect()["papers"].find_one({}) == {"_id": 1}
    assert await MongoServer().connect()["papers"].find_one({}) is None


async def test_an_update_that_fails_halfway_changes_nothing(database: AsyncDatabase[dict[str, Any]]) -> None:
    papers = database["papers"]
    await papers.insert_one({"_id": 1, "n": 1, "outbox": "no list"})
    update = {"$set": {"n": 2}, "$push": {"outbox": {"$each": [3]}}}
    with pytest.raises(TypeError):  # as mongomock says it
        await papers.find_one_and_update({"_id": 1}, update)
    with pytest.raises(TypeError):
        await papers.update_one({"_id": 1}, update)
    assert await papers.find_one({}) == {"_id": 1, "n": 1, "outbox": "no list"}


async def test_an_update_that_makes_a_document_too_large_changes_nothing(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    papers = database["papers"]
    await papers.insert_one({"_id": 1, "n": 1, "outbox": ["x" * 600]})
    update = {"$set": {"n": 2}, "$push": {"outbox": "y" * 600}}
    with pytest.raises(WriteError, match="larger than the limit"):
        await papers.find_one_and_update({"_id": 1}, update)
    assert await papers.find_one({}) == {"_id": 1, "n": 1, "outbox": ["x" * 600]}


async def test_a_document_too_large_is_not_sent(database: AsyncDatabase[dict[str, Any]]) -> None:
    papers = database["papers"]
    large = {"_id": 1, "text": "x" * LIMIT}
    with pytest.raises(DocumentTooLarge):
        await papers.insert_one(large)
    with pytest.raises(DocumentTooLarge):
        await papers.insert_many([{"_id": 2}, large], ordered=False)
    with pytest.raises(DocumentTooLarge):
        await papers.replace_one({"_id": 1}, large, upsert=True)
    assert await papers.find_one({}) is None


async def test_an_update_in_one_thread_is_whole_for_all_others(server: MongoServer) -> None:
    await server.connect()["papers"].insert_one({"_id": 1, "n": 0, "log": []})

    async def count(times: int) -> None:
        papers = server.connect()["papers"]
        for _ in range(times):
            await papers.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}, "$push": {"log": 1}})

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, count(20)) for _ in range(4)))
    [paper] = await server.connect()["papers"].find({}).to_list(None)
    assert (paper["n"], len(paper["log"])) == (80, 80)


async def test_a_call_gives_way_to_other_tasks(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Otherwise two tasks that read and then write would never meet in a test, as they do in life."""
    papers = database["papers"]
    await papers.insert_one({"_id": 1, "n": 0})

    async def read_then_write() -> None:
        paper = await papers.find_one({})
        assert paper is not None
        await papers.update_one({"_id": 1}, {"$set": {"n": paper["n"] + 1}})

    await asyncio.gather(read_then_write(), read_then_write())
    assert await papers.find_one({}) == {"_id": 1, "n": 1}


@pytest.mark.parametrize("call", ["aggregate", "bulk_write", "watch", "find_one_and_replace"])
async def test_what_mongomock_does_differently_is_not_there(database: AsyncDatabase[dict[str, Any]], call: str) -> None:
    with pytest.raises(AttributeError):
        getattr(database["papers"], call)


async def test_a_cursor_gives_its_documents_one_by_one_until_it_is_closed(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    papers = database["papers"]
    await papers.insert_many([{"_id": n} for n in (3, 1, 2)], ordered=False)
    assert [paper["_id"] async for paper in papers.find({}).sort([("_id", 1)]).limit(2)] == [1, 2]
    cursor = papers.find({})
    await anext(cursor)
    await cursor.close()
    assert [paper async for paper in cursor] == []

"""A server that is away is told in one way, with a sentence that says where to look."""

from typing import Any

import pytest
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError, ServerSelectionTimeoutError, WTimeoutError

from app.adapters.papers.mongo import MongoPaperStore
from app.adapters.papers.mongo import connect as connect_mongo
from app.domain.errors import UnavailableError
from tests.contract.conftest import closing_what_pymongo_forgets
from tests.support.builders import queued
from tests.support.mongo import MongoServer
from tests.support.store import put_paper

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "error",
    [AutoReconnect("connection closed"), ServerSelectionTimeoutError("nobody there"), WTimeoutError("waited", 64)],
    ids=lambda error: type(error).__name__,
)
async def test_a_mongodb_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch, error: PyMongoError) -> None:
    store = MongoPaperStore(MongoServer().connect())
    record = await put_paper(store)
    fail_with(monkeypatch, store, error)
    with pytest.raises(UnavailableError, match="PAPERS_STORE_URL"):
        await store.replace(queued(record), "w")


async def test_a_mongodb_that_refuses_us_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MongoPaperStore(MongoServer().connect())
    record = await put_paper(store)
    fail_with(monkeypatch, store, OperationFailure("not authorized", 13))
    with pytest.raises(UnavailableError, match="refuses this user"):
        await store.replace(queued(record), "w")


async def test_a_mistake_of_ours_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MongoPaperStore(MongoServer().connect())
    record = await put_paper(store)
    fail_with(monkeypatch, store, OperationFailure("unknown operator: $fine", 2))
    with pytest.raises(OperationFailure):
        await store.replace(queued(record), "w")


def fail_with(monkeypatch: pytest.MonkeyPatch, store: MongoPaperStore, error: Exception) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(store._papers, "find_one_and_update", fail)


@pytest.mark.live
@pytest.mark.slow
async def test_a_mongodb_nobody_runs_is_unavailable_in_seconds() -> None:
    with closing_what_pymongo_forgets():
        store = connect_mongo("mongodb://127.0.0.1:9/papers")
        with pytest.raises(UnavailableError, match="MongoDB does not answer"):
            await store.check()
        await store.close()


@pytest.mark.live
async def test_a_neo4j_nobody_runs_is_unavailable() -> None:
    from app.adapters.graph.neo4j import connect as connect_neo4j

    graph = connect_neo4j("bolt://user:secret@127.0.0.1:9")
    with pytest.raises(UnavailableError, match="Neo4j does not answer") as raised:
        await graph.remove("p")
    assert "secret" not in raised.value.detail
    await graph.close()


@pytest.mark.slow  # importing the driver takes 0.3 s
async def test_an_index_that_another_process_makes_at_the_same_time_is_a_lost_race() -> None:
    """`IF NOT EXISTS` does not help against it: seen when five processes started on an empty Neo4j."""
    from neo4j.exceptions import Neo4jError

    from app.adapters.graph.neo4j import lost_a_race

    for code, lost in (("Schema.EquivalentSchemaRuleAlreadyExists", True), ("Statement.SyntaxError", False)):
        error = Neo4jError._hydrate_neo4j(code=f"Neo.ClientError.{code}", message="")  # as the driver makes it
        assert lost_a_race(error) is lost, code

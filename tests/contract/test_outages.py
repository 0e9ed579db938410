"""A server that is away is told in one way, with a sentence that says where to look."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError, ServerSelectionTimeoutError, WTimeoutError
from redis.asyncio import Redis

from app.adapters.event_log.redis import RedisEventLog
from app.adapters.papers.mongo import CLOSE_SECONDS, MongoPaperStore
from app.adapters.papers.mongo import connect as connect_mongo
from app.domain.errors import UnavailableError
from app.ports import EventLog, Graph, PaperStore
from tests.contract.conftest import closing_what_pymongo_forgets
from tests.support.builders import queued
from tests.support.fleet import real_services
from tests.support.mongo import MongoServer
from tests.support.mongo_wire import speaking_mongo
from tests.support.proxy import proxied
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
async def test_a_mongodb_that_stands_still_is_not_waited_for_at_the_end() -> None:
    """Its client has sessions there, and tells it that they are over."""
    async with speaking_mongo() as mongo:
        store = connect_mongo(mongo.url)
        await store.check()
        mongo.fall_silent()
        with anyio.fail_after(CLOSE_SECONDS + 2):
            await store.close()
    await store.close()  # what was left of the first time has ended with the server
    assert mongo.commands.count("endSessions") == 1, "it took no leave: then there was nothing to wait for"


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


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[PaperStore]:
    store = connect_mongo(url)
    yield store
    await store.close()


@asynccontextmanager
async def open_log(url: str) -> AsyncIterator[EventLog]:
    async with Redis.from_url(url) as redis:
        yield RedisEventLog(redis, retention=100)


@asynccontextmanager
async def open_graph(url: str) -> AsyncIterator[Graph]:
    from app.adapters.graph.neo4j import connect as connect_neo4j

    graph = connect_neo4j(url)
    yield graph
    await graph.close()


ADAPTERS: dict[str, tuple[str, Callable[[str], AbstractAsyncContextManager[PaperStore | EventLog | Graph]]]] = {
    "store": ("PAPERS_STORE_URL", open_store),
    "log": ("PAPERS_REDIS_URL", open_log),
    "graph": ("PAPERS_GRAPH_URL", open_graph),
}


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("service", ["store", "log", "graph"])
async def test_a_server_that_stood_still_answers_again_whoever_gave_up_waiting_meanwhile(service: str) -> None:
    """Seen with MongoDB: an API that only asked whether it answers, a second each time, never heard of it again."""
    setting, connect = ADAPTERS[service]
    with real_services(setting) as urls, proxied(urls[setting]) as (url, network):
        with closing_what_pymongo_forgets():
            async with connect(url) as adapter:
                await adapter.check()
                network.mute()
                async with anyio.create_task_group() as impatient:
                    for _ in range(3):
                        impatient.start_soon(ask_for, 12.0, adapter.check)
                network.join()
                with anyio.fail_after(20):
                    while await gave_up(1.0, adapter.check):
                        continue


async def ask_for(seconds: float, check: Callable[[], Awaitable[None]]) -> None:
    with anyio.move_on_after(seconds):
        while True:
            await gave_up(0.5, check)


async def gave_up(seconds: float, check: Callable[[], Awaitable[None]]) -> bool:
    """Whether there was no answer in time, or the wrong one."""
    answers: list[bool] = []

    async def ask() -> None:
        with suppress(UnavailableError):
            await check()
            answers.append(True)

    with anyio.move_on_after(seconds):
        async with anyio.create_task_group() as two:
            two.start_soon(ask)
            two.start_soon(ask)
    return len(answers) < 2

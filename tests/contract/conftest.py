"""Every adapter of a port, opened the same way, so that one test body holds them all to the port's promises.

An adapter of a real server runs where its `PAPERS_LIVE_…_URL` is set (and sockets are allowed, as `make test-live` does);
`PAPERS_REQUIRE_LIVE=1` makes a missing one a failure. See tests/support/servers.py.
"""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from pymongo import pool_shared

from app.adapters.graph.sqlite import SqliteGraph
from app.adapters.papers.mongo import MongoPaperStore
from app.adapters.papers.mongo import connect as connect_mongo
from app.adapters.papers.sqlite import SqlitePaperStore
from app.adapters.sqlite import Database
from app.ports import Graph, PaperStore
from tests.support.mongo import MongoServer
from tests.support.servers import graph_for_tests, mongo_database

Closing = TypeVar("Closing", PaperStore, Graph)
ConnectStore = Callable[[], AbstractAsyncContextManager[PaperStore]]
"""Opens one more connection to the same data: another process's, or another thread's."""

ConnectGraph = Callable[[], AbstractAsyncContextManager[Graph]]

STORES = ["mongomock", "sqlite", pytest.param("mongodb", marks=pytest.mark.live)]
GRAPHS = [
    pytest.param("sqlite in memory", marks=pytest.mark.slow),  # the whole in-process lane stands on it
    "sqlite file",
    pytest.param("neo4j", marks=pytest.mark.live),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a place: nobody pulls the plug here, so no test waits for a disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as path:
        yield Path(path)


@pytest.fixture(params=STORES)
async def connect_store(
    request: pytest.FixtureRequest, folder: Path, anyio_backend: Any
) -> AsyncIterator[ConnectStore]:
    kind: str = request.param
    if kind == "sqlite":
        yield sqlite_stores(folder / "papers.db")
    elif kind == "mongomock":
        server = MongoServer()
        yield opens(lambda: MongoPaperStore(server.connect()))
    else:
        with mongo_database() as url, closing_what_pymongo_forgets():
            yield opens(lambda: connect_mongo(url))


@pytest.fixture
async def store(connect_store: ConnectStore) -> AsyncIterator[PaperStore]:
    async with connect_store() as store:
        if isinstance(store, MongoPaperStore):
            await store.prepare()
        yield store


@pytest.fixture(params=GRAPHS)
async def connect_graph(
    request: pytest.FixtureRequest, folder: Path, anyio_backend: Any
) -> AsyncIterator[ConnectGraph]:
    if request.param == "neo4j":
        with graph_for_tests() as url:
            from app.adapters.graph.neo4j import connect as connect_neo4j  # its driver takes 0.3 s to import

            yield opens(lambda: connect_neo4j(url))
    else:
        path = folder / "graph.db" if request.param == "sqlite file" else f"file:/{uuid4()}?vfs=memdb"
        yield opens(lambda: SqliteGraph(Database(path)))


@pytest.fixture
async def graph(connect_graph: ConnectGraph) -> AsyncIterator[Graph]:
    async with connect_graph() as graph:
        yield graph


def opens(make: Callable[[], Closing]) -> Callable[[], AbstractAsyncContextManager[Closing]]:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Closing]:
        adapter = make()
        try:
            yield adapter
        finally:
            await adapter.close()

    return connect


def sqlite_stores(path: Path) -> ConnectStore:
    return opens(lambda: SqlitePaperStore(Database(path)))


@contextmanager
def closing_what_pymongo_forgets() -> Iterator[None]:
    """PyMongo (4.20) forgets a socket when a client is closed while its monitor connects; nobody else is blamed for it.

    Every socket it makes is kept until the end: collecting garbage would miss what a task that is still ending holds.
    """
    made: list[socket.socket] = []

    class Kept(socket.socket):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            made.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_shared, "socket", SimpleNamespace(**{**vars(socket), "socket": Kept}))
        try:
            yield
        finally:
            for each in made:
                each.close()

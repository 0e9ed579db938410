"""The stand of a team: two APIs and three workers on a real Redis, a MongoDB and a Neo4j that are at a round's mercy."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.faults.mongo_books import MongoBooks
from tests.faults.servers import Servers
from tests.faults.stand import Stand
from tests.support.proxy import Proxy, proxied

WORKERS = 3


class Fleet(Stand):
    """One `serve` and a second API, whose way to Redis is a network that can be cut. `async with` finds the servers empty."""

    look_every = 0.1

    def __init__(self, folder: Path, servers: Servers) -> None:
        settings = {
            "PAPERS_REDIS_URL": servers.redis.url,
            "PAPERS_STORE_URL": servers.store.url,
            "PAPERS_GRAPH_URL": servers.graph.url,
            "PAPERS_SYSTEM_STATUS_INTERVAL": "1",  # each sample asks all servers: they have enough to do
        }
        books = MongoBooks(servers.store.url, servers.redis.url)
        super().__init__(folder, workers=WORKERS, second_api=True, settings=settings, books=books)
        self.servers = servers
        self._open = ExitStack()
        self.network: Proxy

    async def __aenter__(self) -> Self:
        await self.servers.start()
        await self.servers.empty()
        with ExitStack() as unless_started:  # the proxy has a thread, and the program would wait for its end
            proxy = proxied(self.servers.redis.url)
            self.redis_of_second_api, self.network = unless_started.enter_context(proxy)
            await super().__aenter__()
            self._open = unless_started.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._open:
            try:
                await self.servers.start()  # so that the service can end as it should
            finally:
                await super().__aexit__()

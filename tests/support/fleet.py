"""The service as teams run it: two `serve` with three workers between them, on the real servers that `PAPERS_LIVE_…_URL` name."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.live import LiveServer
from tests.support.servers import GRAPH, REDIS, STORE, graph_for_tests, mongo_database, redis_database

PARTS = {
    "PAPERS_REDIS_URL": (REDIS, redis_database),
    "PAPERS_STORE_URL": (STORE, mongo_database),
    "PAPERS_GRAPH_URL": (GRAPH, graph_for_tests),
}


@contextmanager
def real_services(*settings: str) -> Iterator[dict[str, str]]:
    """These settings, each with the URL of a part of a real server. Skips the test where one is not named."""
    with ExitStack() as stack:
        yield {setting: stack.enter_context(PARTS[setting][1]()) for setting in settings}


@contextmanager
def live_services(folder: Path) -> Iterator[tuple[LiveServer, ...]]:
    """A fleet where all real servers are named; otherwise one `serve`, on those that are."""
    named = [setting for setting, (variable, _) in PARTS.items() if os.environ.get(variable)]
    required = list(PARTS) if os.environ.get("PAPERS_REQUIRE_LIVE") == "1" else named
    with real_services(*required) as settings, ExitStack() as stack:
        workers = [2]
        if len(settings) == len(PARTS):
            workers = [2, 1]
            settings["PAPERS_FILES_URL"] = (folder / "files").as_uri()
        servers = []
        for number, count in enumerate(workers):
            place = folder / str(number)
            place.mkdir()
            server = LiveServer(place, None, **settings, PAPERS_WORKERS=str(count))
            server.start()
            stack.callback(server.stop)
            servers.append(server)
        for server in servers:
            server.until_ready()
        yield tuple(servers)

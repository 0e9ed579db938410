"""The real servers that tests run over, named by `PAPERS_LIVE_…_URL`. Tests take a part of their own of each and leave nothing.

Of a Redis that is a database nobody uses, of a MongoDB a database with a new name. A Neo4j (Community) has one graph: it is
taken when it is empty or known to be for tests, and never else.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

REDIS = "PAPERS_LIVE_REDIS_URL"
STORE = "PAPERS_LIVE_STORE_URL"
GRAPH = "PAPERS_LIVE_GRAPH_URL"
LIVE_URLS = (REDIS, STORE, GRAPH)
PORTS = {"redis": 6379, "rediss": 6379, "mongodb": 27017, "neo4j": 7687, "bolt": 7687}

CLAIM = "paper-processing:tests"
"""The key that says which process has a database of Redis, and the label of the node that says a graph is for tests."""
REDIS_DATABASES = range(15, 0, -1)


def takes_connections(url: str) -> bool:
    """Whether somebody listens at one of the hosts that the URL names; those of `mongodb+srv` only its driver finds."""
    parts = urlsplit(url)
    if parts.scheme.endswith("+srv"):
        return True
    for host in parts.netloc.rpartition("@")[2].split(","):
        place = urlsplit(f"//{host}")
        with suppress(OSError):
            socket.create_connection((place.hostname, place.port or PORTS[parts.scheme.partition("+")[0]]), 2).close()
            return True
    return False


def live_url(variable: str, is_there: Callable[[str], bool] = takes_connections) -> str:
    """The URL of a real server that is there. Skips the test where none is, or fails it where servers are required."""
    url = os.environ.get(variable)
    if url and is_there(url):
        return url
    reason = f"nobody listens where {variable} says" if url else f"{variable} is not set"
    if os.environ.get("PAPERS_REQUIRE_LIVE") == "1":
        pytest.fail(f"{reason}, and PAPERS_REQUIRE_LIVE=1 asks for it")
    pytest.skip(reason)


@contextmanager
def redis_database() -> Iterator[str]:
    """The URL of a database that is empty, and is so again afterwards."""
    from redis import Redis

    server = urlsplit(live_url(REDIS))
    me = f"{socket.gethostname()}:{os.getpid()}"
    for number in REDIS_DATABASES:
        url = server._replace(path=f"/{number}").geturl()
        with Redis.from_url(url, decode_responses=True) as client:
            owner = str(client.get(CLAIM) or "")
            if owner and _is_dead(owner):
                client.flushdb()
            if not client.set(CLAIM, me, nx=True):
                continue
            if client.dbsize() != 1:
                client.delete(CLAIM)
                continue
            try:
                yield url
            finally:
                client.flushdb()
            return
    pytest.fail(f"none of the databases 1 to 15 of {REDIS} is empty: empty one, or name another server")


def _is_dead(owner: str) -> bool:
    """Whether the process was one of this machine and is no more: it was killed, and left its data."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    return False


@contextmanager
def mongo_database() -> Iterator[str]:
    """The URL of a new database, which is dropped afterwards."""
    from pymongo import MongoClient

    name = f"tests-{uuid4().hex}"
    url = urlsplit(live_url(STORE))._replace(path=f"/{name}").geturl()
    try:
        yield url
    finally:
        with MongoClient[dict[str, object]](url) as client:
            client.drop_database(name)


@contextmanager
def graph_for_tests() -> Iterator[str]:
    """The URL of a graph that holds no paper and no entity, and does not afterwards."""
    url = live_url(GRAPH)
    _empty_graph(url)
    try:
        yield url
    finally:
        _empty_graph(url)


def _empty_graph(url: str) -> None:
    from neo4j import GraphDatabase  # 0.3 s

    with GraphDatabase.driver(url) as driver:
        claims = driver.execute_query("MATCH (n:PaperProcessingTests) RETURN n").records
        [[nodes]] = driver.execute_query("MATCH (n) RETURN count(n)").records
        if nodes and not claims:
            pytest.fail(f"the graph of {GRAPH} holds {nodes} nodes that no test made: tests need a Neo4j of their own")
        driver.execute_query("MERGE (:PaperProcessingTests)")
        driver.execute_query("MATCH (n) WHERE n:Paper OR n:Entity DETACH DELETE n")

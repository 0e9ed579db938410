"""The composition root: the only file that names adapters. A URL in the settings picks each one."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from uuid import uuid4

from app.domain.stages import Load
from app.extraction import embedding, tagger
from app.extraction.taught import WeightsError
from app.ports import Clock, Files, Graph, PaperStore, Reader
from app.services.loop import doing
from app.services.pipeline import Terms
from app.services.services import Ports, Services, build_services
from app.services.stages import all_stages
from app.settings import Settings, SettingsError, without_password

if TYPE_CHECKING:
    from celery import Task
    from redis.asyncio import Redis

    from app.adapters.graph.neo4j import Neo4jGraph
    from app.adapters.papers.mongo import MongoPaperStore


@asynccontextmanager
async def open_services(
    settings: Settings, task: "Task[[str, int], None]", serves: frozenset[Load] = frozenset(Load)
) -> AsyncIterator[Services]:
    """The services of one process over what the URLs name; everything is closed when the context ends.

    `task` is the Celery task that hints go to; `serves` are the loads that this process works on.
    """
    from app.adapters.clock import SystemClock
    from app.adapters.event_log.redis import RedisEventLog
    from app.adapters.machine import PsutilMachine
    from app.adapters.queue.celery import CeleryQueue
    from app.adapters.redis_errors import take_leave

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    clock: Clock = SystemClock()
    async with AsyncExitStack() as stack:
        redis = _open_redis(settings)
        stack.push_async_callback(take_leave, redis)
        files = _open_files(settings)
        graph = await _open_graph(settings, stack, clock)
        reader = await _open_reader(settings, clock, stack)
        ports = Ports(
            store=await _open_store(settings, stack, clock),
            log=RedisEventLog(redis, settings.log_retention),
            queue=CeleryQueue(task, redis, clock),
            graph=graph,
            files=files,
            reader=reader,
            clock=clock,
            machine=PsutilMachine(),
        )
        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        terms = Terms(serves=serves, stage_seconds=settings.stage_timeout_seconds)
        weights, encoder = own_weights(settings), own_encoder(settings)
        embed = partial(embedding.embed_query, folder=encoder) if encoder else None
        yield build_services(ports, all_stages(files, reader, graph, weights, encoder), owner, terms, embed)


def broker_url(redis_url: str) -> str:
    """The same Redis as Celery spells it: where it is, as whom, which database, and how encrypted. Its timeouts are its own.

    Raises `SettingsError` for a URL that is none of a Redis.
    """
    from redis.connection import parse_url

    if redis_url.startswith("embedded:"):
        raise SettingsError("PAPERS_REDIS_URL is not set: only `serve` brings a Redis of its own; name one here.")
    with _readable("PAPERS_REDIS_URL", redis_url):
        told: dict[str, Any] = parse_url(redis_url)  # type: ignore[no-untyped-call]
    parts = urlsplit(redis_url)
    user, password = (quote(str(told.get(name) or ""), safe="") for name in ("username", "password"))
    who = f"{user}:{password}@" if user or password else ""
    if parts.scheme == "unix":
        return f"redis+socket://{who}{parts.path}?virtual_host={told.get('db', 0)}"
    encryption = {name: value for name, value in parse_qsl(parts.query) if name.startswith("ssl_")}
    if parts.scheme == "rediss":
        # Celery would take any certificate, and send it the password; the client of the log wants a good one.
        encryption = {"ssl_cert_reqs": "required"} | encryption
    where = who + parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, where, f"/{told.get('db', 0)}", urlencode(encryption), ""))


async def check_urls(settings: Settings) -> None:
    """Raises `SettingsError` for a setting that its own client refuses; asks no server."""
    if not settings.redis_url.startswith("embedded:"):
        _open_redis(settings)
    _open_files(settings)
    own_weights(settings)
    own_encoder(settings)
    if store := _connect_store(settings):
        await store.close()
    if graph := _connect_graph(settings):
        await graph.close()


@contextmanager
def _readable(name: str, url: str) -> Iterator[None]:
    """Says of an error which URL its client cannot read."""
    try:
        yield
    except (ValueError, TypeError, ImportError, OSError) as error:
        raise SettingsError(
            f"{name} is {without_password(url)!r}, which cannot be: {str(error).rstrip('.')}."
        ) from error


def _open_redis(settings: Settings) -> "Redis":
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    with _readable("PAPERS_REDIS_URL", settings.redis_url):
        try:
            redis = Redis.from_url(settings.redis_url)
            redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # which connects to nobody yet, and looks at every option
        except RedisError as error:
            raise ValueError(error) from error
    return redis


def _connect_store(settings: Settings) -> "MongoPaperStore | None":
    if not settings.store_url.startswith("mongodb"):
        return None
    from pymongo.errors import ConfigurationError

    from app.adapters.papers import mongo

    with _readable("PAPERS_STORE_URL", settings.store_url):
        try:
            return mongo.connect(settings.store_url)
        except ConfigurationError as error:
            raise ValueError(error) from error


def _connect_graph(settings: Settings) -> "Neo4jGraph | None":
    if settings.graph_url.startswith("sqlite"):
        return None
    from neo4j.exceptions import ConfigurationError

    from app.adapters.graph import neo4j

    with _readable("PAPERS_GRAPH_URL", settings.graph_url):
        try:
            urlsplit(settings.graph_url).port  # noqa: B018  # the driver finds out only when it connects
            return neo4j.connect(settings.graph_url)
        except ConfigurationError as error:
            raise ValueError(error) from error


async def _open_store(settings: Settings, stack: AsyncExitStack, clock: Clock) -> PaperStore:
    if store := _connect_store(settings):
        stack.push_async_callback(store.close)
        await stack.enter_async_context(doing(clock, "store", store.prepare))
        return store

    from app.adapters.papers.sqlite import SqlitePaperStore
    from app.adapters.sqlite import Database

    database = Database(_sqlite_path(settings, settings.store_url, "papers.sqlite"))
    stack.push_async_callback(database.close)
    return SqlitePaperStore(database)


async def _open_graph(settings: Settings, stack: AsyncExitStack, clock: Clock) -> Graph:
    if graph := _connect_graph(settings):
        stack.push_async_callback(graph.close)
        await stack.enter_async_context(doing(clock, "graph", graph.prepare))
        return graph

    from app.adapters.graph.sqlite import SqliteGraph
    from app.adapters.sqlite import Database

    database = Database(_sqlite_path(settings, settings.graph_url, "graph.sqlite"))
    stack.push_async_callback(database.close)
    return SqliteGraph(database)


async def _open_reader(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Reader:
    from app.adapters.reader.subprocess import SubprocessReader

    reader = SubprocessReader(settings.read_timeout_seconds, settings.read_memory_mb)
    await stack.enter_async_context(reader)
    if not settings.grobid_url:
        return reader

    import httpx

    from app.adapters.reader.grobid import GrobidReader

    client = await stack.enter_async_context(httpx.AsyncClient(base_url=settings.grobid_url))
    return GrobidReader(reader, client, clock, settings.read_timeout_seconds)


def _open_files(settings: Settings) -> Files:
    from app.adapters.files.fsspec import connect

    url = settings.files_url
    if url == "file:":
        url = (settings.data_dir / "files").as_uri()
    with _readable("PAPERS_FILES_URL", url):
        return connect(url)


def own_weights(settings: Settings) -> Path | None:
    """The user's own model that tells entities, if there is one."""
    return _own("PAPERS_TAGGER", settings.tagger, tagger.load)


def own_encoder(settings: Settings) -> Path | None:
    """The user's own model that tells what a text means, if there is one."""
    return _own("PAPERS_EMBEDDER", settings.embedder, embedding.load)


def _own(name: str, path: Path | None, load: Callable[[Path], object]) -> Path | None:
    """Looked into at once, so that a wrong one stops the start."""
    if path is None:
        return None
    try:
        load(path)
    except (OSError, WeightsError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"{name} is {str(path)!r}, which cannot be: {reason}.") from error
    return path


def _sqlite_path(settings: Settings, url: str, name: str) -> str:
    """`sqlite:` is a file of that name in the data folder; `sqlite:///PATH` says where."""
    path = url.removeprefix("sqlite:").removeprefix("///")
    if not path:
        return str(settings.data_dir / name)
    return str(Path("/", path) if url.startswith("sqlite:////") else Path(path))

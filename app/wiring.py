"""The composition root: the only file that names adapters. A URL in the settings picks each one."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from app.domain.stages import Load
from app.extraction import tagger
from app.extraction.taught import WeightsError
from app.ports import Clock, Files, Graph, PaperStore, Reader
from app.services.loop import doing
from app.services.pipeline import Terms
from app.services.services import Ports, Services, build_services
from app.services.stages import all_stages
from app.settings import Settings, SettingsError

if TYPE_CHECKING:
    from celery import Task


@asynccontextmanager
async def open_services(
    settings: Settings, task: "Task[[str, int], None]", serves: frozenset[Load] = frozenset(Load)
) -> AsyncIterator[Services]:
    """The services of one process over what the URLs name; everything is closed when the context ends.

    `task` is the Celery task that hints go to; `serves` are the loads that this process works on.
    """
    from redis.asyncio import Redis

    from app.adapters.clock import SystemClock
    from app.adapters.event_log.redis import RedisEventLog
    from app.adapters.machine import PsutilMachine
    from app.adapters.queue.celery import CeleryQueue
    from app.adapters.redis_errors import take_leave

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    clock: Clock = SystemClock()
    async with AsyncExitStack() as stack:
        redis = Redis.from_url(settings.redis_url)
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
        yield build_services(ports, all_stages(files, reader, graph, own_weights(settings)), owner, terms)


def broker_url(redis_url: str) -> str:
    """The same Redis as Celery spells it."""
    parts = urlsplit(redis_url)
    options = parse_qs(parts.query)
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in options:
        # Celery would take any certificate, and send it the password; the client of the log wants a good one.
        return parts._replace(query=f"{parts.query}&ssl_cert_reqs=required".lstrip("&")).geturl()
    if parts.scheme != "unix":
        return redis_url
    database = options.get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={database}"


async def _open_store(settings: Settings, stack: AsyncExitStack, clock: Clock) -> PaperStore:
    if settings.store_url.startswith("mongodb"):
        from app.adapters.papers import mongo

        store = mongo.connect(settings.store_url)
        stack.push_async_callback(store.close)
        await stack.enter_async_context(doing(clock, "store", store.prepare))
        return store

    from app.adapters.papers.sqlite import SqlitePaperStore
    from app.adapters.sqlite import Database

    database = Database(_sqlite_path(settings, settings.store_url, "papers.sqlite"))
    stack.push_async_callback(database.close)
    return SqlitePaperStore(database)


async def _open_graph(settings: Settings, stack: AsyncExitStack, clock: Clock) -> Graph:
    if not settings.graph_url.startswith("sqlite"):
        from app.adapters.graph import neo4j

        graph = neo4j.connect(settings.graph_url)
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
    try:
        return connect(url)
    except (ValueError, ImportError) as error:
        raise SettingsError(f"PAPERS_FILES_URL is {url!r}, which cannot be: {error}.") from error


def own_weights(settings: Settings) -> Path | None:
    """The user's own model, if there is one; looked into at once, so that a wrong file stops the start."""
    if settings.tagger is None:
        return None
    try:
        tagger.load(settings.tagger)
    except (OSError, WeightsError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"PAPERS_TAGGER is {str(settings.tagger)!r}, which cannot be: {reason}.") from error
    return settings.tagger


def _sqlite_path(settings: Settings, url: str, name: str) -> str:
    """`sqlite:` is a file of that name in the data folder; `sqlite:///PATH` says where."""
    path = url.removeprefix("sqlite:").removeprefix("///")
    if not path:
        return str(settings.data_dir / name)
    return str(Path("/", path) if url.startswith("sqlite:////") else Path(path))

"""The web application: routes over services, and the background work of its process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypedDict

import anyio
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from app.api import dead_letters, knowledge, papers, system
from app.api.cut_off import CutOffAnswer
from app.api.errors import add_error_handlers, documented_everywhere
from app.api.paths import WholePath
from app.api.requests import PROBES, RequestObserver
from app.realtime import routes
from app.realtime.hub import Hub
from app.realtime.outbound import Limits
from app.realtime.shared import Realtime
from app.realtime.status import StatusTicker
from app.services.loop import Loop
from app.services.services import Services
from app.settings import Settings, load_settings
from app.wiring import broker_url, open_services
from app.worker.celery_app import create_celery, refuse

OpenServices = Callable[[], AbstractAsyncContextManager[tuple[Settings, Services]]]


class State(TypedDict):
    """What the lifespan hands to every request."""

    services: Services
    hub: Hub
    realtime: Realtime
    max_upload_mb: int


def create_app(open_services: OpenServices) -> FastAPI:
    """The application. Nothing connects before its lifespan begins, which opens the services anew each time."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with open_services() as (settings, services), run_api_side(settings, services) as state:
            yield dict(state)

    app = FastAPIOffline(  # whose page at /docs needs no network
        static_url="/docs/static",
        redoc_url=None,
        title="Paper Processing",
        version="0.1.0",
        summary="Takes research papers in, extracts what they say, and tells everyone who watches, live.",
        description="Events arrive over WebSockets at `/ws` and `/ws/{paper_id}`: see `/asyncapi.json`.",
        lifespan=lifespan,
        responses=documented_everywhere(),
        # Requests and sockets as spans, where app/tracing.py is switched on; app/services/metrics.py and the log tell the rest.
        telemetry={
            "exclude": lambda scope: scope["path"] in PROBES,
            "operation_spans": False,
            "metrics": False,
            "logs": False,
        },
    )
    add_error_handlers(app)
    app.add_middleware(WholePath)
    app.add_middleware(CutOffAnswer)
    app.add_middleware(RequestObserver)  # the outer one: it sees that answer too
    for module in (papers, dead_letters, knowledge, system, routes):
        app.include_router(module.router)
    return app


@asynccontextmanager
async def run_api_side(settings: Settings, services: Services) -> AsyncIterator[State]:
    """The hub and the loops of an API process, for as long as the context lasts."""
    hub = Hub(services.log, services.clock, services.metrics)
    ticker = StatusTicker(hub, services.system, services.clock, settings.system_status_interval)
    realtime = Realtime(
        hub=hub,
        log=services.log,
        papers=services.papers,
        clock=services.clock,
        limits=Limits(
            frames=settings.socket_queue_frames, bytes=settings.socket_queue_bytes, seconds=settings.socket_max_age
        ),
        replay_limit=settings.replay_limit,
        max_connections=settings.max_connections,
        allowed_origins=settings.allowed_origins,
    )
    await Loop(services.clock, "hub").step(hub.start)
    async with anyio.create_task_group() as tasks:
        for loop in (hub.run, services.relay.run, services.dispatcher.run, services.sweeper.run, ticker.run):
            tasks.start_soon(loop)
        await ticker.tick()
        try:
            yield State(services=services, hub=hub, realtime=realtime, max_upload_mb=settings.max_upload_mb)
        finally:
            hub.stop()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _from_environment() -> AsyncIterator[tuple[Settings, Services]]:
    settings = load_settings()
    _, task = create_celery(broker_url(settings.redis_url), refuse)
    async with open_services(settings, task) as services:
        yield settings, services


app = create_app(_from_environment)

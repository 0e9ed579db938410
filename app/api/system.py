"""How the service is: for people, for probes, for Prometheus."""

import logging
from typing import Protocol, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import Field

from app.api.dependencies import AllServices
from app.api.errors import answers
from app.domain.errors import UnavailableError
from app.domain.events import ServiceState, SystemMetricsData, SystemStatusData
from app.domain.model import Value

logger = logging.getLogger(__name__)

router = APIRouter(tags=["system"])


class HubView(Protocol):
    """What these routes need to know of the process's sockets."""

    @property
    def position(self) -> str: ...

    @property
    def connections(self) -> int: ...


class SystemStatus(SystemStatusData, SystemMetricsData):
    """The data of `system_status` and `system_metrics`, and how far each part of the way of an event is."""

    waiting: int = Field(ge=0, description="events stored but not yet in the log")
    log_position: str | None = Field(description="the newest entry of the log; null when it is away")
    hub_position: str | None = Field(description="the entry this process has handed to its sockets")


class Alive(Value):
    status: str = "ok"


class Ready(Value):
    status: str = Field(examples=["ok", "degraded"])
    reasons: tuple[str, ...] = Field(description="why it is degraded, a sentence each; none when all is well")
    services: dict[str, ServiceState] = Field(examples=[{"store": "ok", "redis": "ok", "graph": "ok", "files": "ok"}])


ALL_WELL: dict[str, ServiceState] = {"store": "ok", "redis": "ok", "graph": "ok", "files": "ok"}
ONE_DOWN: dict[str, ServiceState] = {**ALL_WELL, "redis": "down"}
REDIS_AWAY = "redis: Redis does not answer (Connection refused); check PAPERS_REDIS_URL and that it runs."
STATUS = SystemStatus(
    status="ok",
    reasons=(),
    queue_length=3,
    active_tasks=2,
    workers=2,
    connections=5,
    services=ALL_WELL,
    cpu_usage=37.5,
    memory_usage=41.2,
    events_per_second=12.0,
    waiting=0,
    log_position="1769860800000-0",
    hub_position="1769860800000-0",
)


@router.get("/system/status", responses=answers(STATUS))
async def get_status(request: Request, services: AllServices) -> SystemStatus:
    """The state of everything, looked at now."""
    hub = cast(HubView, request.state.hub)
    sample = await services.system.sample(hub.connections)
    log_position: str | None = None
    hub_position: str | None = None
    try:
        # In this order: whoever sees all of it at rest knows that nothing is on its way.
        log_position, hub_position = await services.log.tail(), hub.position
    except UnavailableError as error:
        logger.warning("the log's position is not known: %s", error.detail)
    return SystemStatus(
        **sample.status.data.model_dump(),
        **sample.metrics.data.model_dump(),
        waiting=sample.waiting,
        log_position=log_position,
        hub_position=hub_position,
    )


@router.get("/", include_in_schema=False)
async def get_root() -> RedirectResponse:
    """Whoever opens the service in a browser finds its reference."""
    return RedirectResponse("/docs")


@router.get("/health/live", responses=answers(Alive()))
async def get_live() -> Alive:
    """This process answers."""
    return Alive()


@router.get(
    "/health/ready",
    responses={
        **answers(Ready(status="ok", reasons=(), services=ALL_WELL)),
        503: {
            "model": Ready,
            "description": "A backing service is down",
            **answers(Ready(status="degraded", reasons=(REDIS_AWAY,), services=ONE_DOWN), status=503)[503],
        },
    },
)
async def get_ready(response: Response, services: AllServices) -> Ready:
    """Whether everything this process needs answers; `degraded` with 200: it does, but the workers are in trouble."""
    found = await services.system.condition()
    response.status_code = 200 if found.ready else 503
    return Ready(status="degraded" if found.reasons else "ok", reasons=found.reasons, services=found.services)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "paper_processing_workers 2.0\n"}}}
    },
)
async def get_metrics(request: Request, services: AllServices) -> Response:
    """Gauges, counters and histograms for Prometheus; docs/operations.md says what each means."""
    hub = cast(HubView, request.state.hub)
    sample = await services.system.sample(hub.connections)
    text = services.metrics.text(sample, await services.system.hints())
    return Response(text, media_type=CONTENT_TYPE_LATEST)

"""Looks at every HTTP request as it passes: one line in the log, and its place in the metrics."""

import logging
import time
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import about, note
from app.services.services import Services

logger = logging.getLogger(__name__)

PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by programs: told at DEBUG."""


class RequestObserver:
    """Plain ASGI: it sees the answer's status and adds nothing to it. Sockets pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500  # unless it is answered

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with about():
            try:
                await self._app(scope, receive, watched_send)
            finally:
                _tell(scope, status, time.perf_counter() - began)


def fields_of(scope: Mapping[str, Any]) -> dict[str, object]:
    """What the lines of a request are about."""
    paper_id = scope.get("path_params", {}).get("paper_id")
    return {} if paper_id is None else {"paper": paper_id}


def _tell(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "none")
    note(**fields_of(scope))  # an upload has noted its own
    level = logging.DEBUG if route in PROBES else logging.INFO
    logger.log(level, "%s %s %d in %.0f ms", scope["method"], quote(scope["path"]), status, seconds * 1000)
    cast(Services, scope["state"]["services"]).metrics.request(scope["method"], route, status, seconds)

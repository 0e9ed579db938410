"""What no route may be taken for."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import REFUSALS, render
from app.domain.errors import NotFoundError

NOWHERE = NotFoundError(REFUSALS[404][2])


class WholePath:
    """Plain ASGI. A route of Starlette's ends with `$`, which passes over a last line break: `/papers/%0A` would be the list."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_cut = scope["type"] == "http" and scope["path"].endswith("\n")
        await (render(NOWHERE) if is_cut else self._app)(scope, receive, send)

"""What a request hears that is still at work when the process has to end."""

from asyncio import CancelledError

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import render
from app.domain.errors import UnavailableError

ENDING = UnavailableError("The service ends, and could not wait for this request; ask again in a moment.")


class CutOffAnswer:
    """Plain ASGI. uvicorn cancels such a request, and would answer 500, as if something were wrong with the service."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except CancelledError:
            if begun or scope["type"] != "http":
                raise
            await render(ENDING)(scope, receive, send)

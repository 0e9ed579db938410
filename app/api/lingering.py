"""An answer that comes before the request has ended."""

from typing import Any

import anyio
import anyio.lowlevel
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from app.ports import Clock

LINGER_SECONDS = 5.0


class LingeringResponse(JSONResponse):
    """The whole answer at once, then a while of taking and dropping what still comes, then the end of the connection.

    Closed at once, the connection would be reset under a client that still sends, and most would never see the answer.
    One that looks while it sends stops; one that goes on is cut off.
    """

    def __init__(self, content: Any, status_code: int, clock: Clock) -> None:
        super().__init__(content, status_code, {"Connection": "close"})
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, and returns when the client has ended its request or left, or when the while is over."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        async with anyio.create_task_group() as tasks:

            async def give_up() -> None:
                await self._clock.sleep(LINGER_SECONDS)
                tasks.cancel_scope.cancel()

            tasks.start_soon(give_up)
            while (await receive()).get("more_body", False):
                await anyio.lowlevel.checkpoint()  # however fast it comes, time goes on
            tasks.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

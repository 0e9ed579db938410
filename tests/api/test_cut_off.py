"""A request that outlives the process's time to end: told so, in the shape of every error."""

import asyncio

import anyio
import httpx
import pytest
from starlette.types import Receive, Scope, Send

from app.api.cut_off import CutOffAnswer

pytestmark = pytest.mark.anyio


class StandsStill:
    """An application that waits for ever, before its answer or in the middle of it."""

    def __init__(self, *, begins: bool) -> None:
        self.asked = anyio.Event()
        self._begins = begins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        self.asked.set()
        await anyio.sleep_forever()


async def cut_off(app: StandsStill) -> httpx.Response:
    """The answer to a request whose handler is cancelled, as uvicorn does it."""
    transport = httpx.ASGITransport(CutOffAnswer(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        request = asyncio.create_task(client.get("/papers/"))
        await app.asked.wait()
        request.cancel()
        return await request


async def test_a_request_that_is_cut_off_is_told_to_ask_again() -> None:
    answer = await cut_off(StandsStill(begins=False))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json() == {
        "detail": "The service ends, and could not wait for this request; ask again in a moment.",
        "code": "service_unavailable",
    }


async def test_an_answer_that_has_begun_is_not_followed_by_another() -> None:
    with pytest.raises(asyncio.CancelledError):
        await cut_off(StandsStill(begins=True))

"""HTTP to a service whose processes come and go: a call is made again until somebody answers."""

import asyncio
from itertools import cycle
from types import TracebackType
from typing import Any

import httpx

from tests.support.transcript import Message

PAUSE = 0.1


class Desk:
    """Calls go to any of the URLs. An answer of 500 is never right, and raises."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self._next = cycle(urls)
        self._client = httpx.AsyncClient(timeout=30)

    async def __aenter__(self) -> "Desk":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def upload(self, name: str, content: bytes) -> str:
        """The paper's id. Names are unique: after a broken call the list tells whether the paper is there."""
        while True:
            answer = await self._try("POST", "/papers/", files={"file": (name, content)})
            if answer is not None:
                return str(answer.raise_for_status().json()["id"])
            there = (await self.call("GET", "/papers/", params={"q": name})).json()["items"]
            if there:
                return str(there[0]["id"])

    async def papers(self) -> list[Message]:
        """All snapshots."""
        items: list[Message] = (
            (await self.call("GET", "/papers/", params={"limit": 100})).raise_for_status().json()["items"]
        )
        return items

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The first answer that somebody gives."""
        while True:
            answer = await self._try(method, path, **more)
            if answer is not None:
                return answer
            await asyncio.sleep(PAUSE)

    async def status(self, url: str) -> dict[str, Any] | None:
        """`/system/status` of that API; None while it does not answer."""
        try:
            answer = await self._client.get(f"{url}/system/status")
        except httpx.TransportError:
            return None
        body: dict[str, Any] = answer.raise_for_status().json()
        return body

    async def _try(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        try:
            answer = await self._client.request(method, next(self._next) + path, **more)
        except httpx.TransportError:
            return None
        if answer.status_code == 500:
            raise AssertionError(f"{method} {path} was answered with 500: {answer.text}")
        return None if answer.status_code == 503 else answer

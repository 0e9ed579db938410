"""A service that is played by hand to the client, and what it says: no socket is opened."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio.lowlevel
import httpx

from app.client.follower import Way
from app.client.server import Server
from app.domain.events import PAPER_EVENT, PaperEvent
from app.domain.paper import Paper

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
URL = "http://papers.test"


def paper(**fields: Any) -> Paper:
    start: dict[str, Any] = {
        "id": "p1", "filename": "a.pdf", "content_type": "application/pdf", "size": 9, "sha256": "0", "status": "uploaded",
        "seq": 1, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Paper.model_validate({**start, **fields})


def status(seq: int, status: str, progress: int = 0, paper_id: str = "p1", **changes: Any) -> dict[str, Any]:
    """A `paper_status` event as it comes over the wire."""
    data = {"paper_id": paper_id, "seq": seq, "run": 1, "status": status, "progress": progress}
    return {
        "event_type": "paper_status", "id": f"at-{seq}", "timestamp": "2026-01-31T12:00:00.000Z", "message": "",
        "data": {**data, "changes": {"status": status, "progress": progress, "run": 1, **changes}},
    }  # fmt: skip


def plain(kind: str, **data: Any) -> dict[str, Any]:
    """An event that is not in the log."""
    return {"event_type": kind, "id": None, "timestamp": "2026-01-31T12:00:00.000Z", "message": "", "data": data}


def event(message: dict[str, Any]) -> PaperEvent:
    return PAPER_EVENT.validate_python(message)


class Service:
    """Answers over HTTP as told, and plays one list of messages for each time the socket is opened."""

    def __init__(self) -> None:
        self.way = Way(self.dial, first_pause_seconds=0.001)
        self.sockets: list[list[dict[str, Any] | Exception]] = []
        self.opened: list[str] = []
        self.asked: list[str] = []
        self.answers: dict[str, Callable[[httpx.Request], httpx.Response]] = {
            "POST /papers/": lambda _: httpx.Response(201, json=paper().model_dump(mode="json")),
            "POST /papers/p1/process": lambda _: httpx.Response(200, json={}),
        }

    def server(self) -> Server:
        return Server(URL, httpx.MockTransport(self._answer))

    @asynccontextmanager
    async def dial(self, url: str) -> AsyncIterator[AsyncIterator[str]]:
        self.opened.append(url)
        yield self._play(self.sockets.pop(0))

    async def _play(self, messages: list[dict[str, Any] | Exception]) -> AsyncIterator[str]:
        for message in messages:
            if isinstance(message, Exception):
                raise message
            if message["event_type"] == "paper_status":  # the service tells of a run only once it was asked for
                await until(lambda: "POST /papers/p1/process" in self.asked or "/ws/" in self.opened[0])
            yield json.dumps(message)
        if not self.sockets:  # no more are expected: a service that is as it should be leaves this one open
            await anyio.sleep_forever()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        return self.answers[self.asked[-1]](request)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await anyio.lowlevel.checkpoint()


def json_of(paper: Paper) -> dict[str, Any]:
    return paper.model_dump(mode="json")


CONNECTED = plain("connection", position="at-0")

"""The client of the README, against a service that breaks off: it comes back where it was, and stays away when told so."""

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from app.realtime.protocol import Close as Closing
from tests.docs import watch
from tests.docs.pages import blocks
from tests.support.transcript import Message

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

PLACE: Message = {"event_type": "connection", "id": None, "message": "hello", "data": {"position": "one"}}
LATER: Message = {"event_type": "paper_status", "id": "two", "message": "queued", "data": {}}
NOTE: Message = {"event_type": "system_status", "id": None, "message": "well", "data": {}}


class Service:
    """Answers each connection with the next list of events, then breaks off; the last time for good."""

    def __init__(self, *sessions: list[Message]) -> None:
        self.sessions = list(sessions)
        self.urls: list[str] = []

    def __call__(self, url: str) -> "Service":
        self.urls.append(url)
        return self

    async def __aenter__(self) -> AsyncIterator[str]:
        if not self.sessions:
            gone = Close(Closing.GONE.code, Closing.GONE.reason)
            raise ConnectionClosedError(gone, gone, rcvd_then_sent=True)
        return self._tell(self.sessions.pop(0))

    async def __aexit__(self, *_: object) -> None:
        return None

    async def _tell(self, events: list[Message]) -> AsyncIterator[str]:
        for event in events:
            yield json.dumps(event)
        raise ConnectionResetError


async def test_the_example_resumes_where_it_broke_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def no_pause(_: float) -> None:
        return None

    service = Service([PLACE], [PLACE, LATER, NOTE])
    monkeypatch.setattr(watch, "connect", service)
    monkeypatch.setattr(asyncio, "sleep", no_pause)
    await watch.watch("ws://service/ws")
    assert service.urls == ["ws://service/ws", "ws://service/ws?after=one", "ws://service/ws?after=two"]
    assert "paper_status queued" in capsys.readouterr().out


def test_the_examples_stay_away_exactly_where_coming_back_would_not_help() -> None:
    ours = {close.code for close in Closing if not close.reconnect}
    assert ours == watch.FINAL
    (page,) = blocks("README.md", "js")
    listed = re.search(r"FINAL = \[([\d, ]+)\]", page)
    assert listed is not None
    assert ours == set(map(int, listed[1].split(", ")))

"""The WebSocket: everything it tells goes to the board; when it drops it is opened again where it broke off."""

import asyncio
import json
import math
import random
from collections.abc import AsyncIterable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from app.client.board import Board
from app.client.errors import ClientError, RefusedError, UnreachableError
from app.client.server import Server
from app.domain.events import PAPER_EVENT, ConnectionEvent, ResyncEvent
from app.realtime.protocol import Close

LONGEST_PAUSE_SECONDS = 5.0
LASTING_SECONDS = 5.0
"""A connection that lasted so long was a good one: its end starts the patience anew."""
_PAPER_EVENTS = frozenset(
    {"paper_status", "paper_progress", "entity_extraction", "relationship_extraction", "paper_deleted"}
)
_FINAL = {close.code: close for close in Close if not close.reconnect}

Dial = Callable[[str], AbstractAsyncContextManager[AsyncIterable[str | bytes]]]


@dataclass(frozen=True)
class Way:
    """How the socket is opened, and how it is opened again."""

    dial: Dial | None = None
    """Over the network without one."""
    first_pause_seconds: float = 0.2
    patience_seconds: float = 60.0
    """How long the service may be away before the client gives up; a restart takes a few seconds."""


WAY = Way()


class Follower:
    """Follows one paper, or all of them when there is no id."""

    def __init__(self, server: Server, board: Board, paper_id: str | None = None, way: Way = WAY) -> None:
        self._server = server
        self._board = board
        self._path = "/ws" if paper_id is None else f"/ws/{quote(paper_id, safe='')}"
        self._way = way
        self._dial = way.dial or self._connect
        self._position: str | None = None
        self._greeted = math.inf
        """When the present connection began to speak."""
        self.connected = asyncio.Event()
        """What is done after this will be heard of."""

    async def run(self) -> None:
        """Never returns. Raises `ClientError` when coming back would not help, or has not helped for too long."""
        clock = asyncio.get_running_loop().time
        lost, pause = clock(), self._way.first_pause_seconds
        while True:
            self._greeted = math.inf
            problem = await self._listen()
            if self._position is None:
                raise problem
            now = clock()
            if now - self._greeted > LASTING_SECONDS:
                lost, pause = now, self._way.first_pause_seconds
            patience = self._way.patience_seconds
            if now - lost > patience:
                raise ClientError(f"{problem} That was so for {patience:.0f} seconds; the papers may go on.")
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _listen(self) -> UnreachableError:
        """Opens the socket and takes what comes until it breaks; answers why it did."""
        try:
            async with self._dial(self._server.socket_url(self._path, self._position)) as socket:
                async for text in socket:
                    await self._take(text)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            if code in _FINAL:
                raise ClientError(f"The service closed the connection: {_FINAL[code].reason}.") from closed
            return self._server.unreachable(closed)
        except InvalidStatus as refusal:
            if refusal.response.status_code < 500:
                raise ClientError(f"The service at {self._server.url} refuses the socket: {_why(refusal)}") from refusal
            return self._server.unreachable(refusal)
        except (OSError, InvalidHandshake) as error:
            return self._server.unreachable(error)
        except UnreachableError as error:  # a snapshot was needed, and could not be had
            return error
        return UnreachableError(f"The service at {self._server.url} closed the connection.")

    async def _take(self, text: str | bytes) -> None:
        """Takes one event. The position moves on last, so that whatever fails here is heard again."""
        try:
            message = json.loads(text)
            kind = message["event_type"]
            if kind in _PAPER_EVENTS:
                event = PAPER_EVENT.validate_python(message)
                if not self._board.fold(event):
                    await self._refresh(event.data.paper_id)
                self._position = event.id or self._position
            elif kind == "connection":
                self._take_connection(ConnectionEvent.model_validate(message))
            elif kind == "resync":
                await self._take_resync(ResyncEvent.model_validate(message))
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise ClientError(self._server.strange("an event has another form")) from error

    def _take_connection(self, event: ConnectionEvent) -> None:
        paper = event.data.snapshot
        if paper is not None and self._position is None:
            self._board.follow(paper, paper.run)
        self._position = event.data.position
        self._greeted = asyncio.get_running_loop().time()
        self.connected.set()

    async def _take_resync(self, event: ResyncEvent) -> None:
        """What came between is lost; the snapshots hold what came of it."""
        for paper_id in self._board.unfinished:
            await self._refresh(paper_id)
        self._position = event.data.position

    async def _refresh(self, paper_id: str) -> None:
        try:
            self._board.update(await self._server.paper(paper_id))
        except RefusedError as refusal:
            if refusal.status == 404:
                self._board.delete(paper_id)
            elif refusal.status < 500:
                raise
            else:
                raise self._server.unreachable(refusal) from refusal

    def _connect(self, url: str) -> Any:
        return connect(url, max_size=2**24, proxy=None if self._server.is_local else True)


def _why(refusal: InvalidStatus) -> str:
    """The service's own sentence, if it gave one with the refusal."""
    try:
        return str(json.loads(refusal.response.body)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {refusal.response.status_code}."

"""A client as the documents have it: it folds what it hears, comes back with `?after=`, and holds what a fresh GET answers."""

import asyncio
import json
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from starlette.websockets import WebSocket

from app.domain.errors import PaperNotFoundError
from app.domain.events import PAPER_EVENT, PaperEvent
from app.domain.paper import Paper
from app.domain.position import decode_position, entry_order
from app.domain.projection import apply
from app.realtime.session import Session
from tests.schedules.process import broken
from tests.schedules.world import World
from tests.support.one_loop import on
from tests.support.transcript import NOT_LOGGED, Message, Transcript


class Client:
    """One client of one address. A transcript goes on through connections that resume; a fresh one begins another."""

    def __init__(self, world: World, name: str, paper_id: str | None = None) -> None:
        self.name = name
        self.paper_id = paper_id
        self.path = "/ws" if paper_id is None else f"/ws/{paper_id}"
        self.transcripts: list[Transcript] = []
        self.complaints: list[str] = []
        self.papers: dict[str, Paper | None] = {}
        """What it holds of each paper it knows of; None for one that was deleted."""
        self.only: set[str] | None = None if paper_id is None else {paper_id}
        self.code: int | None = None
        """With which the service closed the last connection, if it did."""
        self.position: str | None = None
        self._world = world
        self._wire = world.wire(name)
        self._early: list[PaperEvent] = []
        """Of papers whose snapshot is still being fetched."""
        self._fetches = 0
        self._stale = False
        self._left = False
        self._session: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard = asyncio.Condition()
        self._to_service: asyncio.Queue[Message] = asyncio.Queue()

    # -- what a test does with it

    @property
    def transcript(self) -> Transcript:
        return self.transcripts[-1]

    @property
    def is_open(self) -> bool:
        return self.is_connected and self._session is not None and not self._session.done() and self.code is None

    @property
    def is_connected(self) -> bool:
        """Or was, until the service closed the connection."""
        return self._session is not None and not self._left

    async def connect(self, *, resume: bool = True) -> None:
        """Opens the socket, from where the last connection ended if there was one; waits until the service has spoken."""
        self._to_service = asyncio.Queue()
        self._left = False
        self.code = None
        after = self.position if resume else None
        if after is None:
            self.papers.clear()
            self.transcripts.append(Transcript(self.path, asyncio.get_running_loop().time))
        if self.paper_id is None:
            if after is None or self.only is not None:
                self._stale = True  # of papers that it did not follow it knows nothing
            self.only = None
        before = len(self.transcript.rows)
        to_service = self._to_service
        to_service.put_nowait({"type": "websocket.connect"})
        here = self._session_key = object()

        async def send(message: MutableMapping[str, Any]) -> None:
            await self._wire.cross()
            if self._session_key is here:
                self._take(message)
                async with self._heard:
                    self._heard.notify_all()

        scope = {"type": "websocket", "path": self.path, "headers": [], "query_string": b"", "state": {}}
        socket = WebSocket(scope, to_service.get, send)
        session = broken(Session(socket, self.paper_id, after, self._world.realtime), self._world.breaks)
        self._session = asyncio.get_running_loop().create_task(session.run(), context=on(self._world.api.wire))
        await self._until(lambda: len(self.transcript.rows) > before or self.code is not None)

    async def leave(self) -> None:
        """Is gone at once; what is on its way to it is lost."""
        self._session_key = object()
        self._left = True
        self._to_service.put_nowait({"type": "websocket.disconnect", "code": 1001})
        if self._session is not None:
            await self._session

    async def say(self, **message: Any) -> None:
        await self._wire.cross()
        self._to_service.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def ask(self, answer: str, **message: Any) -> Message:
        """Says something and waits for the next event of that type, or for an error."""
        before = len(self.transcript.rows)
        await self.say(**message)

        def answers() -> list[Message]:
            return [heard for heard in self.transcript.messages[before:] if heard["event_type"] in {answer, "error"}]

        await self._until(lambda: bool(answers()) or self.code is not None)
        return answers()[0] if answers() else {"event_type": "closed"}

    async def fence(self, tail: str) -> None:
        """Returns when all up to that entry has come, or the service has closed the socket."""
        async with asyncio.timeout(100):
            while self.is_open:
                pong = await self.ask("pong", action="ping")
                if pong["event_type"] == "pong" and entry_order(
                    decode_position(pong["data"]["position"]).entry
                ) >= entry_order(tail):
                    break
                await asyncio.sleep(0.05)
            while self._tasks:
                await asyncio.wait(self._tasks)

    def follows(self, paper_id: str) -> bool:
        return self.only is None or paper_id in self.only

    # -- what it makes of what it hears

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(100), self._heard:
            await self._heard.wait_for(condition)

    def _take(self, frame: MutableMapping[str, Any]) -> None:
        if frame["type"] == "websocket.close":
            self.code = frame["code"]
            self.transcript.ending = f"closed {self.code} by the service"
        elif frame["type"] == "websocket.send":
            message = json.loads(frame["text"])
            self.transcript.add(message)
            if message["event_type"] in NOT_LOGGED:
                self._take_reply(message)
            else:
                self.position = message["id"]
                self._fold(PAPER_EVENT.validate_python(message))

    def _take_reply(self, message: Message) -> None:
        kind, data = message["event_type"], message["data"]
        if "position" in data:
            self.position = data["position"]
        if kind in {"subscribed", "unsubscribed"}:
            self.only = set(data["paper_ids"])
            self._know(Paper.model_validate(snapshot) for snapshot in data.get("snapshots", ()))
        if kind in {"connection", "resync"} and data.get("snapshot"):
            self._know([Paper.model_validate(data["snapshot"])])
        elif kind == "resync" or (kind == "connection" and self._stale):
            self._stale = False
            self._fetch()

    def _know(self, papers: Iterable[Paper]) -> None:
        """Of two snapshots the later one counts; and what is deleted stays so."""
        for paper in papers:
            held = self.papers.setdefault(paper.id, paper)
            if held is not None and held.seq < paper.seq:
                self.papers[paper.id] = paper

    def _fetch(self) -> None:
        """On `/ws` there are no snapshots: the list has them, asked for after the connection or the resync."""
        self._fetches += 1
        task = asyncio.create_task(self._get_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _get_all(self) -> None:
        papers = self._world.api.services.papers
        await self._wire.cross()
        self._know((await papers.list(None, None, 100, None)).items)
        known = [paper_id for paper_id, paper in self.papers.items() if paper is not None]
        for paper_id in dict.fromkeys([*known, *(event.data.paper_id for event in self._early)]):
            try:  # what the list does not have may have been deleted since
                self._know([await papers.get(paper_id)])
            except PaperNotFoundError:
                self.papers[paper_id] = None
        self._fetches -= 1
        if self._fetches:
            return  # one that was asked for later knows more
        early, self._early = self._early, []
        for event in early:
            self._fold(event)

    def _fold(self, event: PaperEvent) -> None:
        if self._fetches:
            self._early.append(event)
            return
        paper_id, seq = event.data.paper_id, event.data.seq
        paper = self.papers.get(paper_id)
        if paper is None and paper_id in self.papers:
            return
        if paper is not None and seq > paper.seq + 1:
            self.complaints.append(f"{self.name} holds paper {paper_id} at {paper.seq} and hears {seq} of it")
        if paper is None and seq != 1:
            self.papers[paper_id] = None  # it was deleted before the list was read, which the log tells later
            return
        self.papers[paper_id] = apply(paper, event)

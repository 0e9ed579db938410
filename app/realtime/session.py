"""One connection: opens with a position and a snapshot, then feeds its client and obeys it.

Everything sent goes through the one `Outbound` queue. Whatever needs more than the hub gives (opening, subscribing, a
log that lost entries) pauses the feed, does its part and catches up again: one way for all of them, one at a time.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import anyio
from anyio.abc import TaskGroup
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.domain.errors import (
    BadMessageError,
    InvalidPositionError,
    NotAllowedHereError,
    PaperGoneError,
    PaperNotFoundError,
    PaperProcessingError,
    UnavailableError,
)
from app.domain.events import Event, ResyncReason
from app.domain.paper import Paper
from app.domain.position import Position, decode_position
from app.realtime import replies
from app.realtime.feed import BehindError, Feed
from app.realtime.frames import Frames, frame
from app.realtime.news import News
from app.realtime.outbound import Outbound, SlowConsumerError
from app.realtime.protocol import MAX_MESSAGE_BYTES, Action, Close, Ping, Subscribe, parse_action
from app.realtime.shared import Realtime
from app.realtime.wire import offered

logger = logging.getLogger(__name__)


class Session:
    """A `Consumer` of the hub, for as long as its socket is open."""

    def __init__(self, websocket: WebSocket, paper_id: str | None, after: str | None, shared: Realtime) -> None:
        self._websocket = websocket
        self._paper_id = paper_id
        self._after = after
        self._shared = shared
        self._hub = shared.hub
        self._outbound = Outbound(shared.limits)
        self._wire = offered(websocket.scope)
        self._feed = Feed(shared.hub, shared.log, self._outbound, paper_id, shared.replay_limit)
        self._turn = anyio.Lock()
        self._reason: Close | None = None
        self._ended = False
        self._ends_at: str | None = None
        self._greeted = False
        self._tasks: TaskGroup

    async def run(self) -> None:
        """From accept to close."""
        await self._websocket.accept()
        if self._hub.connections >= self._shared.max_connections:
            await self._close(Close.TOO_MANY_CONNECTIONS)
            return
        self._hub.open(self)
        try:
            async with anyio.create_task_group() as self._tasks:
                self._tasks.start_soon(self._guard, self._write)
                self._tasks.start_soon(self._guard, self._serve)
        finally:
            self._hub.close(self)
        if self._reason is not None:
            await self._close(self._reason)
        logger.info("the socket is closed: %s", "the client left" if self._reason is None else self._reason.reason)

    # -- what the hub calls

    @property
    def papers(self) -> set[str] | None:
        return self._feed.papers

    def deliver(self, news: News) -> None:
        try:
            self._feed.deliver(news)
        except SlowConsumerError:
            self._end(Close.SLOW_CONSUMER)

    def deliver_system(self, frames: Frames) -> None:
        if self._greeted and self._paper_id is None:
            self._outbound.offer_newest("system", frames)

    def lose_log(self) -> None:
        self._feed.pause(self)  # at the lost entry: no pong may claim a later one before the resync
        self._tasks.start_soon(self._guard, self._start_anew)

    def go_away(self) -> None:
        self._end(Close.GOING_AWAY)

    # -- the tasks of a connection

    async def _write(self) -> None:
        if self._wire is None:
            await self._outbound.send_each(self._websocket.send_text)
        else:
            await self._outbound.write(self._wire)
        self._end(Close.GONE)  # only a deleted paper closes the queue

    async def _serve(self) -> None:
        async with self._turn:
            await self._open()
        while True:
            text = await self._receive()
            async with self._turn:
                try:
                    await self._obey(parse_action(text))
                except (BadMessageError, PaperNotFoundError) as error:
                    await self._refuse(error)

    async def _start_anew(self) -> None:
        async with self._turn:
            self._feed.pause(self)
            await self._resync("log_lost")

    async def _guard(self, task: Callable[[], Awaitable[None]]) -> None:
        """Runs a task of the connection; whatever ends it ends the connection, with its close code."""
        try:
            await task()
        except WebSocketDisconnect as left:  # with that code it is the server who found the client too slow
            self._end(Close.SLOW_CONSUMER if left.code == Close.SLOW_CONSUMER.code else None)
        except SlowConsumerError:
            self._end(Close.SLOW_CONSUMER)
        except PaperGoneError:
            self._end(Close.GONE)
        except PaperNotFoundError:
            self._end(Close.UNKNOWN_PAPER)
        except UnavailableError as error:
            logger.warning("a socket is closed: %s", error.detail)
            self._end(Close.UNAVAILABLE)
        except Exception:
            logger.exception("a socket is closed after an unexpected error")
            self._end(Close.INTERNAL_ERROR)

    # -- what they do

    async def _open(self) -> None:
        """The connection event, and everything up to now. Raises `PaperNotFoundError`, `UnavailableError`."""
        resume, reason = await self._resume_position()
        if resume is not None:
            await self._check_paper()
            self._feed.stand_at(resume.entry)
            if self._paper_id is not None:
                self._feed.know(self._paper_id, resume.seq)
            snapshot = None
        else:
            snapshot = await self._take_snapshot()
        # Without a snapshot a client that is cut off before the resync would take a new position for all it missed.
        lost = self._after if reason is not None and snapshot is None else None
        position = lost or self._feed.position().encode()
        await self._say(replies.connection(self._now(), position, self._paper_id, snapshot))
        sample = self._hub.sample
        if self._paper_id is None and sample is not None:
            await self._say(sample.status)
            await self._say(sample.metrics)
        self._greeted = True
        if reason is not None:
            await self._say(replies.resync(self._now(), self._feed.position(), self._paper_id, snapshot, reason))
        await self._catch_up()

    async def _resume_position(self) -> tuple[Position | None, ResyncReason | None]:
        """The position the client resumes from; or why that cannot be, if it asked."""
        if self._after is None:
            return None, None
        try:
            position = decode_position(self._after)
        except InvalidPositionError:
            return None, "invalid_position"
        if not await self._shared.log.holds(position.entry):
            return None, "position_not_in_log"
        return position, None

    async def _check_paper(self) -> None:
        """A deleted paper may still be replayed up to its deletion, or followed up to it when the log lacks it yet."""
        if self._paper_id is None:
            return
        try:
            await self._shared.papers.get(self._paper_id)
        except PaperGoneError as error:
            if error.told:
                self._ends_at = await self._shared.log.tail()

    async def _take_snapshot(self) -> Paper | None:
        """Stands at the hub's position, then reads the paper: what the snapshot lacks comes after that position."""
        self._feed.stand_at(self._hub.position)
        if self._paper_id is None:
            return None
        paper = await self._shared.papers.get(self._paper_id)
        self._feed.know(paper.id, paper.seq)
        return paper

    async def _catch_up(self) -> None:
        try:
            await self._feed.catch_up(self, self._ends_at)
        except BehindError as error:
            await self._resync(error.reason)
        if self._ends_at is not None:
            self._outbound.close()

    async def _resync(self, reason: ResyncReason) -> None:
        snapshot = await self._take_snapshot()
        await self._say(replies.resync(self._now(), self._feed.position(), self._paper_id, snapshot, reason))
        await self._catch_up()

    async def _obey(self, action: Action) -> None:
        """Raises `NotAllowedHereError`, `PaperNotFoundError`."""
        if isinstance(action, Ping):
            await self._outbound.room()
            await self._say(replies.pong(self._now(), self._feed.position()))
            return
        if self._paper_id is not None:
            raise NotAllowedHereError("This socket follows one paper; subscribe and unsubscribe belong on /ws.")
        if isinstance(action, Subscribe):
            await self._subscribe(action.paper_ids)
        elif self._feed.papers is None:
            raise NotAllowedHereError("This socket follows every paper; subscribe to some first, which narrows it.")
        else:
            await self._unsubscribe(action.paper_ids)

    async def _subscribe(self, paper_ids: Iterable[str]) -> None:
        self._feed.pause(self)
        try:
            snapshots = [await self._shared.papers.get(paper_id) for paper_id in dict.fromkeys(paper_ids)]
            self._feed.narrow(snapshots)
            followed = self._feed.papers or ()
            await self._say(replies.subscribed(self._now(), self._feed.position(), followed, snapshots))
        finally:
            await self._catch_up()

    async def _unsubscribe(self, paper_ids: Iterable[str]) -> None:
        self._feed.pause(self)
        self._feed.drop(paper_ids)
        await self._say(replies.unsubscribed(self._now(), self._feed.position(), self._feed.papers or ()))
        await self._catch_up()

    async def _refuse(self, error: PaperProcessingError) -> None:
        await self._say(replies.error(self._now(), error))

    # -- the socket itself

    def _now(self) -> datetime:
        return self._shared.clock.now()

    async def _say(self, event: Event) -> None:
        """Queues an event that is for this client alone, once there is room: a flood of pings waits for its own answers."""
        await self._outbound.room()
        self._outbound.offer(frame(event))

    async def _receive(self) -> str:
        """The next message. Raises `WebSocketDisconnect`; ends the connection on a message beyond the limit."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            text, binary = message.get("text"), message.get("bytes")
            if len(binary or b"" if text is None else text.encode()) > MAX_MESSAGE_BYTES:
                self._end(Close.TOO_BIG)
                await anyio.sleep_forever()
            if text is not None:
                return str(text)
            await self._refuse(BadMessageError("Send text frames with a JSON object in each."))

    def _end(self, reason: Close | None) -> None:
        """Ends the connection once; the first reason given is the one told."""
        if not self._ended:
            self._ended = True
            self._reason = reason
            self._tasks.cancel_scope.cancel()

    async def _close(self, reason: Close) -> None:
        """Tells the client why, if it is still there to hear it."""
        self._hub.metrics.socket_closed(reason.code)
        if self._wire is not None:
            self._wire.cut(reason.code, reason.reason)
            return
        with anyio.move_on_after(self._shared.close_seconds, shield=True):
            try:
                await self._websocket.close(reason.code, reason.reason)
            except (WebSocketDisconnect, RuntimeError) as error:
                logger.debug("the client was gone before its close frame: %s", error)

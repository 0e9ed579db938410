"""The events that are for one client alone: they answer it, or tell it where it stands."""

from collections.abc import Iterable
from datetime import datetime

from app.domain.errors import PaperProcessingError
from app.domain.events import (
    ConnectionData,
    ConnectionEvent,
    ErrorData,
    ErrorEvent,
    PongData,
    PongEvent,
    ResyncData,
    ResyncEvent,
    ResyncReason,
    SubscribedData,
    SubscribedEvent,
    UnsubscribedData,
    UnsubscribedEvent,
)
from app.domain.paper import Paper
from app.domain.position import Position


def connection(now: datetime, position: str, paper_id: str | None, snapshot: Paper | None) -> ConnectionEvent:
    words = "Paper Processing WebSocket" if paper_id is None else f"updates for paper {paper_id}"
    data = ConnectionData(position=position, paper_id=paper_id, snapshot=snapshot)
    return ConnectionEvent(timestamp=now, message=f"Connected to {words}", data=data)


def resync(
    now: datetime, position: Position, paper_id: str | None, snapshot: Paper | None, reason: ResyncReason
) -> ResyncEvent:
    data = ResyncData(paper_id=paper_id, reason=reason, position=position.encode(), snapshot=snapshot)
    return ResyncEvent(timestamp=now, message="What you asked for is no longer in the log; go on from here", data=data)


def pong(now: datetime, position: Position) -> PongEvent:
    return PongEvent(timestamp=now, message="pong", data=PongData(position=position.encode()))


def subscribed(
    now: datetime, position: Position, paper_ids: Iterable[str], snapshots: Iterable[Paper]
) -> SubscribedEvent:
    every = tuple(sorted(paper_ids))
    data = SubscribedData(position=position.encode(), paper_ids=every, snapshots=tuple(snapshots))
    return SubscribedEvent(timestamp=now, message=f"Subscribed to {_papers(len(every))}", data=data)


def unsubscribed(now: datetime, position: Position, paper_ids: Iterable[str]) -> UnsubscribedEvent:
    left = tuple(sorted(paper_ids))
    data = UnsubscribedData(position=position.encode(), paper_ids=left)
    return UnsubscribedEvent(timestamp=now, message=f"Still subscribed to {_papers(len(left))}", data=data)


def error(now: datetime, cause: PaperProcessingError) -> ErrorEvent:
    return ErrorEvent(timestamp=now, message=cause.detail, data=ErrorData(code=cause.code, detail=cause.detail))


def _papers(count: int) -> str:
    return "1 paper" if count == 1 else f"{count} papers"

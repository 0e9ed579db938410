"""Events of the log on their way to sockets: framed once, joined once for all who get the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from app.domain.events import PaperDeletedEvent
from app.domain.position import Position, entry_order
from app.ports import LogEntry
from app.realtime.frames import Frames, frame, join


@dataclass(frozen=True, slots=True)
class Framed:
    """An event of the log, ready to be sent."""

    order: tuple[int, int]
    """Of its entry; see `entry_order`."""
    paper_id: str
    seq: int
    deleted: bool
    frames: Frames


class News:
    """Some events, in the order of the log."""

    def __init__(self, events: Sequence[Framed]) -> None:
        self.events = events

    @cached_property
    def frames(self) -> Frames:
        return join(event.frames for event in self.events)


def make_frame(entry: LogEntry) -> Framed:
    """The wire form of an entry that has an event."""
    if entry.event is None:
        raise ValueError(f"log entry {entry.id} has no event")
    event = entry.event.model_copy(update={"id": Position(entry=entry.id).encode()})
    return Framed(
        order=entry_order(entry.id),
        paper_id=event.data.paper_id,
        seq=event.data.seq,
        deleted=isinstance(event, PaperDeletedEvent),
        frames=frame(event),
    )

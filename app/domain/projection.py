"""The fold from events to a snapshot: the service makes its state with it, and so can every client."""

from app.domain.events import PaperDeletedEvent, PaperEvent
from app.domain.paper import Paper


def apply(paper: Paper | None, event: PaperEvent) -> Paper | None:
    """The snapshot after the event; None once the paper is deleted.

    An event whose `seq` is not above the snapshot's has been applied already and changes nothing.
    Raises `ValueError` when there is no snapshot and the event is not the paper's first.
    """
    if paper is not None and event.data.seq <= paper.seq:
        return paper
    if isinstance(event, PaperDeletedEvent):
        return None
    if paper is None and event.data.seq != 1:
        raise ValueError(f"event {event.data.seq} of paper {event.data.paper_id} has no snapshot to go on")
    before = {} if paper is None else paper.model_dump(mode="json")
    return Paper.model_validate({**before, **event.data.changes, "seq": event.data.seq})

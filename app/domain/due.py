"""What waits for a worker."""

from typing import Self

from app.domain.lifecycle import Status
from app.domain.model import Value
from app.domain.paper import PaperRecord
from app.domain.stages import STAGES, Load


class Due(Value):
    """A run that a worker could claim now."""

    paper_id: str
    run: int
    attempts: int
    begun: bool
    """Some worker has had it: no hint is under way that could come first."""
    priority: int
    load: Load
    """Of the stage it stands at."""

    @classmethod
    def of(cls, record: PaperRecord) -> Self:
        return cls(
            paper_id=record.paper.id,
            run=record.paper.run,
            attempts=record.attempts,
            begun=record.paper.status is not Status.QUEUED,
            priority=record.priority,
            load=STAGES[len(record.stages_done)].load,
        )

"""What is answered when a run is opened or ended, with the examples and errors that routes share."""

from typing import Self

from pydantic import Field

from app.api.examples import OTHER_ID, PAPER_ID
from app.domain.errors import InvalidError, PaperBusyError, PaperNotFoundError, StorageFullError, UnavailableError
from app.domain.lifecycle import Status
from app.domain.model import Value
from app.domain.paper import Paper
from app.services.papers import BatchAnswer, Rejection

AWAY = UnavailableError("Redis does not answer; check PAPERS_REDIS_URL and that it runs.")
FULL = StorageFullError("The disk of data is full: 3 MB are free, 33 MB are needed; make room, and everything goes on.")
INVALID = InvalidError("query.limit: Input should be greater than or equal to 1.")
UNKNOWN = PaperNotFoundError(PAPER_ID)


class RunAnswer(Value):
    """A run that was opened or ended, and the `seq` of the event that says so."""

    paper_id: str = Field(examples=[PAPER_ID])
    status: Status
    run: int
    seq: int

    @classmethod
    def of(cls, paper: Paper) -> Self:
        return cls(paper_id=paper.id, status=paper.status, run=paper.run, seq=paper.seq)


class BatchResponse(Value):
    """What became of each."""

    accepted: tuple[RunAnswer, ...]
    rejected: tuple[Rejection, ...]

    @classmethod
    def of(cls, answer: BatchAnswer) -> Self:
        return cls(accepted=tuple(map(RunAnswer.of, answer.accepted)), rejected=answer.rejected)


OPENED = RunAnswer(paper_id=PAPER_ID, status=Status.QUEUED, run=1, seq=2)
ENDED = RunAnswer(paper_id=PAPER_ID, status=Status.CANCELLED, run=1, seq=3)
BUSY = PaperBusyError(Status.PROCESSING)
BATCH = BatchResponse(accepted=(OPENED,), rejected=(Rejection(paper_id=OTHER_ID, code=BUSY.code, detail=BUSY.detail),))

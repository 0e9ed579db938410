"""A paper: its snapshot, which everyone sees, and the record the service keeps of it."""

from enum import StrEnum
from typing import Self

from pydantic import Field

from app.domain.errors import ReadError
from app.domain.lifecycle import Status
from app.domain.model import Timestamp, Value


class Counts(Value):
    """How much was found, so far or in the run before."""

    pages: int = Field(default=0, description="pages of the file")
    sections: int = Field(default=0, description="sections and subsections")
    references: int = Field(default=0, description="entries of the list of references")
    entities: int = Field(default=0, description="different things the paper names")
    mentions: int = Field(default=0, description="places that name one")
    relationships: int = Field(default=0, description="relationships between two entities")


class Failure(Value):
    """Why a run failed: a code for programs, a sentence for people."""

    code: str = Field(description="why, for programs")
    detail: str = Field(description="why, for people")
    stage: str | None = Field(default=None, description="the stage that failed")


class Paper(Value):
    """The snapshot: what `GET /papers/{id}` answers and what events change."""

    id: str = Field(description="a UUID")
    filename: str = Field(description="as it was uploaded, without its folders")
    content_type: str = Field(description="told by the content, not by the name")
    size: int = Field(ge=0, description="bytes")
    sha256: str = Field(description="of the original bytes, in hex")
    title: str | None = Field(default=None, description="null until it is found")
    authors: tuple[str, ...] = Field(default=(), description="empty until they are found")
    status: Status = Field(description="where the paper stands")
    progress: int = Field(default=0, ge=0, le=100, description="percent of the run")
    stage: str | None = Field(default=None, description="the stage at work, null when none is")
    run: int = Field(default=0, ge=0, description="0 before the first run")
    seq: int = Field(ge=0, description="the number of events of this paper so far")
    error: Failure | None = Field(default=None, description="why the last run failed, if it did")
    counts: Counts = Field(default=Counts(), description="how much was found")
    created_at: Timestamp = Field(description="of the upload")
    updated_at: Timestamp = Field(description="of the last event")
    queued_at: Timestamp | None = Field(default=None, description="of the last run")
    started_at: Timestamp | None = Field(default=None, description="of the last run, null while it waits")
    finished_at: Timestamp | None = Field(default=None, description="of the last run, null while it goes on")

    @property
    def is_dead_letter(self) -> bool:
        """Whether the last run failed although trying again might have helped: its attempts ran out."""
        return self.status is Status.FAILED and self.error is not None and self.error.code not in ReadError.CODES


class Lease(Value):
    """Who may work on a run, and until when without a word."""

    owner: str
    token: str
    expires_at: Timestamp


class Output(StrEnum):
    """The kinds of things a run leaves behind, stored per paper and run."""

    READING = "reading"
    DOCUMENT = "document"
    REFERENCES = "references"
    ENTITIES = "entities"
    RELATIONSHIPS = "relationships"


PRIORITIES = range(10)
PRIORITY = 5
"""Of a run whose priority nobody named."""


class PaperRecord(Value):
    """A paper as the store keeps it: the snapshot, and what only the service needs to know."""

    paper: Paper
    revision: int = 0
    """Counts the writes of this record, those without an event too: every write is filtered on it."""
    stages_done: tuple[str, ...] = ()
    """Of the present run, in order."""
    outputs: dict[Output, int] = Field(default_factory=dict)
    """The run whose output is the visible one, by kind."""
    lease: Lease | None = None
    priority: int = PRIORITY
    """Of the present run; a higher one goes first."""
    attempts: int = 0
    """Claims of the present run that did not end in a release."""
    last_error: Failure | None = None
    """What ended the attempt before; told if the run fails."""
    deleted_at: Timestamp | None = None
    """Set on a tombstone."""
    swept: bool = False
    """Of a tombstone: nothing of the paper is left anywhere else."""
    waiting: int = 0
    """Events in the outbox when the record was read; the store counts them, nobody writes them."""


class DeadLetter(Value):
    """A run that ended because its attempts ran out: the file may be poison, or the machine was at fault."""

    paper_id: str
    filename: str
    run: int
    attempts: int = Field(description="how often the run was begun")
    error: Failure = Field(description="what ended the last attempt")
    failed_at: Timestamp

    @classmethod
    def of(cls, record: PaperRecord) -> Self:
        """Of a record whose run ended so. Raises `ValueError` for another."""
        paper = record.paper
        if paper.error is None or paper.finished_at is None:
            raise ValueError(f"run {paper.run} of paper {paper.id} did not fail")
        return cls(
            paper_id=paper.id,
            filename=paper.filename,
            run=paper.run,
            attempts=record.attempts,
            error=paper.error,
            failed_at=paper.finished_at,
        )

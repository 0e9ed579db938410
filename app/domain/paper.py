"""A paper: its snapshot, which everyone sees, and the record the service keeps of it."""

from enum import StrEnum

from pydantic import Field

from app.domain.lifecycle import Status
from app.domain.model import Timestamp, Value


class Counts(Value):
    """How much was found, so far or in the run before."""

    pages: int = 0
    sections: int = 0
    references: int = 0
    entities: int = 0
    mentions: int = 0
    relationships: int = 0


class Failure(Value):
    """Why a run failed: a code for programs, a sentence for people."""

    code: str
    detail: str
    stage: str | None = Field(default=None, description="the stage that failed")


class Paper(Value):
    """The snapshot: what `GET /papers/{id}` answers and what events change."""

    id: str
    filename: str
    content_type: str
    size: int = Field(ge=0, description="bytes")
    sha256: str
    title: str | None = None
    authors: tuple[str, ...] = ()
    status: Status
    progress: int = Field(default=0, ge=0, le=100, description="percent of the run")
    stage: str | None = Field(default=None, description="the stage at work, null when none is")
    run: int = Field(default=0, ge=0, description="0 before the first run")
    seq: int = Field(ge=0, description="the number of events of this paper so far")
    error: Failure | None = None
    counts: Counts = Counts()
    created_at: Timestamp
    updated_at: Timestamp
    queued_at: Timestamp | None = None
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None


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

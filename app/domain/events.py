"""Every event the service tells, as models: the code, the stores and the AsyncAPI document use the same ones."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from app.domain.knowledge import EntityType, RelationType
from app.domain.lifecycle import Status
from app.domain.model import Timestamp, Value
from app.domain.paper import Paper

LISTED = 100
"""How many entities or relationships an event carries; the rest is a GET away."""


class Event(Value):
    """The envelope of everything that is sent over a socket."""

    event_type: str
    id: str | None = Field(
        default=None, description="opaque position to resume from; null when the event is not logged, and over HTTP"
    )
    timestamp: Timestamp = Field(description="when it happened, in UTC")
    message: str = Field(description="one sentence for people")


# -- events of a paper: stored, logged, replayed


class PaperData(Value):
    """What every event of a paper carries."""

    paper_id: str = Field(description="the paper it is about")
    seq: int = Field(ge=1, description="1, 2, 3… of this paper, without a gap")
    run: int = Field(ge=0, description="the run it belongs to; 0 before the first one")
    changes: dict[str, JsonValue] = Field(description="the snapshot fields this event set")


class PaperStatusData(PaperData):
    status: Status = Field(description="where the paper stands now")
    previous_status: Status | None = Field(default=None, description="where it stood; null for an upload")
    progress: int = Field(ge=0, le=100, description="percent of the run")


class PaperProgressData(PaperData):
    progress: int = Field(ge=0, le=100, description="percent of the run, never falling within it")
    stage: str = Field(description="the stage this tells of")
    stage_progress: int = Field(ge=0, le=100, description="percent of the stage")
    stages_completed: int = Field(ge=0, description="stages of the run that are done")
    stages_total: int = Field(ge=1, description="stages of a run")


class EntitySummary(Value):
    key: str = Field(description="the same for the same thing in every paper")
    name: str = Field(description="what the paper calls it")
    type: EntityType = Field(description="what kind of thing it is")
    mentions: int = Field(ge=1, description="how often the paper names it")


class EntityExtractionData(PaperData):
    count: int = Field(ge=0, description="how many there are")
    types: dict[EntityType, int] = Field(description="entities by type")
    entities: tuple[EntitySummary, ...] = Field(max_length=LISTED, description=f"the first {LISTED}")


class RelationshipSummary(Value):
    source: str = Field(description="key of the entity it goes from")
    target: str = Field(description="key of the entity it goes to")
    type: RelationType = Field(description="how the two relate")


class RelationshipExtractionData(PaperData):
    count: int = Field(ge=0, description="how many there are")
    types: dict[RelationType, int] = Field(description="relationships by type")
    relationships: tuple[RelationshipSummary, ...] = Field(max_length=LISTED, description=f"the first {LISTED}")


class PaperStatusEvent(Event):
    """The paper went from one status to another, or was uploaded."""

    event_type: Literal["paper_status"] = "paper_status"
    data: PaperStatusData


class PaperProgressEvent(Event):
    """The run went on: a stage told how far it is, or ended."""

    event_type: Literal["paper_progress"] = "paper_progress"
    data: PaperProgressData


class EntityExtractionEvent(Event):
    """The entities of the paper are there."""

    event_type: Literal["entity_extraction"] = "entity_extraction"
    data: EntityExtractionData


class RelationshipExtractionEvent(Event):
    """The relationships of the paper are there."""

    event_type: Literal["relationship_extraction"] = "relationship_extraction"
    data: RelationshipExtractionData


class PaperDeletedEvent(Event):
    """The paper is gone; nothing of it follows."""

    event_type: Literal["paper_deleted"] = "paper_deleted"
    data: PaperData


PaperEvent = Annotated[
    PaperStatusEvent | PaperProgressEvent | EntityExtractionEvent | RelationshipExtractionEvent | PaperDeletedEvent,
    Field(discriminator="event_type"),
]
PAPER_EVENT: TypeAdapter[PaperEvent] = TypeAdapter(PaperEvent)


# -- events of a socket and of the system: never logged, `id` is null


class ConnectionData(Value):
    position: str = Field(
        description="resume from here with `?after=`; on `/ws` the one you gave, if a `resync` has to follow"
    )
    paper_id: str | None = Field(default=None, description="the paper of the socket; null on `/ws`")
    snapshot: Paper | None = Field(default=None, description="on a paper socket; null when a valid `after` is replayed")


class ConnectionEvent(Event):
    """The first event on every socket."""

    event_type: Literal["connection"] = "connection"
    data: ConnectionData


ResyncReason = Literal["invalid_position", "position_not_in_log", "too_far_behind", "log_lost"]


class ResyncData(Value):
    paper_id: str | None = Field(description="the paper of the socket; null on `/ws`")
    reason: ResyncReason = Field(description="why the events in between cannot be told")
    position: str = Field(description="resume from here with `?after=`")
    snapshot: Paper | None = Field(default=None, description="on a paper socket: the paper as it is now")


class ResyncEvent(Event):
    """What was asked for is no longer in the log: fetch a snapshot, go on from `position`."""

    event_type: Literal["resync"] = "resync"
    data: ResyncData


class PongData(Value):
    position: str = Field(description="everything up to here was sent before this pong")


class PongEvent(Event):
    """The answer to a ping."""

    event_type: Literal["pong"] = "pong"
    data: PongData


class SubscribedData(Value):
    position: str = Field(description="resume from here with `?after=`")
    paper_ids: tuple[str, ...] = Field(description="all papers this socket is narrowed to now")
    snapshots: tuple[Paper, ...] = Field(description="of the papers just added")


class SubscribedEvent(Event):
    """The socket is narrowed to these papers."""

    event_type: Literal["subscribed"] = "subscribed"
    data: SubscribedData


class UnsubscribedData(Value):
    position: str = Field(description="resume from here with `?after=`")
    paper_ids: tuple[str, ...] = Field(description="all papers this socket is still narrowed to")


class UnsubscribedEvent(Event):
    """The socket no longer follows the papers named."""

    event_type: Literal["unsubscribed"] = "unsubscribed"
    data: UnsubscribedData


class ErrorData(Value):
    code: str = Field(description="why, for programs")
    detail: str = Field(description="why and what to do, for people")


class ErrorEvent(Event):
    """A message could not be understood or obeyed; the socket lives on."""

    event_type: Literal["error"] = "error"
    data: ErrorData


ServiceState = Literal["ok", "down"]


class SystemStatusData(Value):
    status: Literal["ok", "degraded"] = Field(
        description="`degraded` when a service is down, no worker is there, or one ran out of memory a moment ago"
    )
    reasons: tuple[str, ...] = Field(description="why it is degraded, a sentence each; none when all is well")
    queue_length: int = Field(ge=0, description="papers that wait for a worker")
    active_tasks: int = Field(ge=0, description="runs that have begun and not ended")
    workers: int = Field(ge=0, description="worker processes heard of lately")
    connections: int = Field(ge=0, description="sockets open in this process")
    services: dict[str, ServiceState] = Field(description="the state of each backing service")


class SystemMetricsData(Value):
    cpu_usage: float = Field(ge=0, description="percent of this machine")
    memory_usage: float = Field(ge=0, description="percent of this machine")
    events_per_second: float = Field(ge=0, description="events this process read from the log")


class SystemStatusEvent(Event):
    """How the service is, on `/ws` after `connection` and then periodically."""

    event_type: Literal["system_status"] = "system_status"
    data: SystemStatusData


class SystemMetricsEvent(Event):
    """How busy the machine is, beside each `system_status`."""

    event_type: Literal["system_metrics"] = "system_metrics"
    data: SystemMetricsData

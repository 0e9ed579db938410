"""The statuses of a paper, and the one table of the ways between them."""

from enum import StrEnum
from types import MappingProxyType

from app.domain.errors import IllegalTransitionError


class Status(StrEnum):
    """Where a paper stands."""

    UPLOADED = "uploaded"
    QUEUED = "queued"
    PROCESSING = "processing"
    EXTRACTING_ENTITIES = "extracting_entities"
    EXTRACTING_RELATIONSHIPS = "extracting_relationships"
    BUILDING_KNOWLEDGE_GRAPH = "building_knowledge_graph"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


RUNNING = frozenset(
    {
        Status.PROCESSING,
        Status.EXTRACTING_ENTITIES,
        Status.EXTRACTING_RELATIONSHIPS,
        Status.BUILDING_KNOWLEDGE_GRAPH,
    }
)
TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
ACTIVE = RUNNING | {Status.QUEUED}

_ENDS_BADLY = frozenset({Status.FAILED, Status.CANCELLED})

TRANSITIONS = MappingProxyType(
    {
        Status.UPLOADED: frozenset({Status.QUEUED}),
        Status.QUEUED: frozenset({Status.PROCESSING, Status.CANCELLED}),
        Status.PROCESSING: _ENDS_BADLY | {Status.EXTRACTING_ENTITIES},
        Status.EXTRACTING_ENTITIES: _ENDS_BADLY | {Status.EXTRACTING_RELATIONSHIPS},
        Status.EXTRACTING_RELATIONSHIPS: _ENDS_BADLY | {Status.BUILDING_KNOWLEDGE_GRAPH},
        Status.BUILDING_KNOWLEDGE_GRAPH: _ENDS_BADLY | {Status.COMPLETED},
        Status.COMPLETED: frozenset({Status.QUEUED}),
        Status.FAILED: frozenset({Status.QUEUED}),
        Status.CANCELLED: frozenset({Status.QUEUED}),
    }
)


def check_transition(before: Status, after: Status) -> None:
    """Raises `IllegalTransitionError` when the table has no way from one to the other."""
    if after not in TRANSITIONS[before]:
        raise IllegalTransitionError(before, after)

"""Papers, changes and knowledge for tests: a plausible value of each, and only what a test is about is named.

Changes are made by the domain's own decisions, so a test cannot stand on a state that the service would never reach.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import hypot
from struct import pack
from typing import Any
from uuid import uuid4

from app.domain import decisions
from app.domain.decisions import Change, Findings
from app.domain.embedding import Embedding
from app.domain.events import SystemMetricsData, SystemMetricsEvent, SystemStatusData, SystemStatusEvent
from app.domain.knowledge import Document, Entity, EntityType, Mention, Relationship, RelationType, Span
from app.domain.lifecycle import Status
from app.domain.paper import Output, Paper, PaperRecord
from app.domain.stages import STAGES, StagePlan
from app.services.system import Sample

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TOKEN = "token-of-a-worker"
SAMPLE = Sample(
    status=SystemStatusEvent(
        timestamp=NOW,
        message="well",
        data=SystemStatusData(
            status="ok", reasons=(), queue_length=0, active_tasks=0, workers=1, connections=0, services={"store": "ok"}
        ),
    ),
    metrics=SystemMetricsEvent(
        timestamp=NOW, message="idle", data=SystemMetricsData(cpu_usage=0, memory_usage=0, events_per_second=0)
    ),
    waiting=0,
)
"""One look at a service that is well."""


def at(seconds: float) -> datetime:
    """That many seconds after `NOW`."""
    return NOW + timedelta(seconds=seconds)


def a_paper(**fields: Any) -> Paper:
    """A paper that was just uploaded."""
    created_at = fields.get("created_at", NOW)
    return Paper(
        **{
            "id": str(uuid4()),
            "filename": "attention.pdf",
            "content_type": "application/pdf",
            "size": 1234,
            "sha256": sha256(b"a paper").hexdigest(),
            "status": Status.UPLOADED,
            "seq": 0,
            "created_at": created_at,
            "updated_at": created_at,
            **fields,
        }
    )


def submitted(**fields: Any) -> Change:
    """The first write of a paper: its record and event 1."""
    return decisions.submit(a_paper(**fields))


def queued(record: PaperRecord, now: datetime = NOW) -> Change:
    return decisions.queue(record, now)


def claimed(record: PaperRecord, now: datetime = NOW, token: str = TOKEN) -> Change:
    return decisions.claim(record, record.paper.run, "a worker", token, now)


def stage_finished(
    record: PaperRecord,
    *,
    outputs: tuple[Output, ...] = (),
    snapshot: dict[str, Any] | None = None,
    now: datetime = NOW,
    token: str = TOKEN,
) -> Change:
    """The record's present stage is done, with these outputs visible from now on."""
    findings = Findings(outputs=outputs, snapshot=snapshot or {})
    return decisions.finish_stage(record, record.paper.run, token, present_stage(record), findings, now)


def progressed(record: PaperRecord, percent: int, now: datetime = NOW, token: str = TOKEN) -> Change:
    return decisions.report_progress(record, record.paper.run, token, present_stage(record), percent, now)


def cancelled(record: PaperRecord, now: datetime = NOW) -> Change:
    return decisions.cancel(record, now)


def deleted(record: PaperRecord, now: datetime = NOW) -> Change:
    return decisions.delete(record, now)


def present_stage(record: PaperRecord) -> StagePlan:
    return STAGES[len(record.stages_done)]


def a_document(text: str = "We train a model.", title: str | None = "A Title", **fields: Any) -> dict[str, Any]:
    """A document as a stage stores it."""
    return Document(text=text, title=title, **fields).model_dump(mode="json")


def meaning(*direction: float, model: str = "model") -> Embedding:
    """That direction, as an encoder tells it."""
    length = hypot(*direction)
    return Embedding(model=model, vector=pack(f"<{len(direction)}f", *(number / length for number in direction)))


def an_entity(name: str, type: EntityType = EntityType.METHOD, *, mentions: int = 1) -> Entity:
    """An entity, its key made of its name."""
    key = f"{type}:{name.lower().replace(' ', '-')}"
    return Entity(
        key=key,
        name=name,
        type=type,
        mentions=tuple(Mention(start=100 * i, end=100 * i + len(name), text=name) for i in range(mentions)),
    )


def entities(*names: str) -> tuple[Entity, ...]:
    return tuple(an_entity(name) for name in names)


def a_relationship(source: Entity, target: Entity, type: RelationType = RelationType.USED_FOR) -> Relationship:
    sentence = f"We use {source.name} for {target.name}."
    return Relationship(
        source=source.key, target=target.key, type=type, evidence=Span(start=0, end=len(sentence)), sentence=sentence
    )


def seqs(events: Sequence[Any]) -> list[int]:
    return [event.data.seq for event in events]

"""An example of each message, made by the very code that makes the real ones: a few moments of one paper's first run."""

from datetime import UTC, datetime, timedelta
from functools import cache

from app.domain import decisions
from app.domain.decisions import Change, Findings
from app.domain.errors import PaperNotFoundError
from app.domain.events import Event, SystemMetricsData, SystemMetricsEvent, SystemStatusData, SystemStatusEvent
from app.domain.lifecycle import Status
from app.domain.model import Value
from app.domain.paper import Counts, Paper
from app.domain.position import Position
from app.domain.stages import ENTITIES, RELATIONSHIPS, STAGES, StagePlan
from app.realtime import replies
from app.realtime.protocol import Ping, Subscribe, Unsubscribe

PAPER_ID = "7b0c5c1e-3a52-4b3f-9a57-0d6a2f0f4a11"
OTHER_ID = "b6f1d7a2-9f0e-4a53-8c1d-2e7c44a0c8de"
START = datetime(2026, 1, 31, 12, tzinfo=UTC)
TOKEN = "example"  # noqa: S105  # of a lease nobody holds

FOUND = {
    ENTITIES.name: Findings(
        snapshot={"counts": Counts(pages=15, sections=7, references=40, entities=2, mentions=31)},
        event_type="entity_extraction",
        message="2 entities found in attention.pdf",
        data={
            "count": 2,
            "types": {"method": 1, "task": 1},
            "entities": [
                {"key": "method:transformer", "name": "Transformer", "type": "method", "mentions": 24},
                {"key": "task:machine-translation", "name": "machine translation", "type": "task", "mentions": 7},
            ],
        },
    ),
    RELATIONSHIPS.name: Findings(
        snapshot={"counts": Counts(pages=15, sections=7, references=40, entities=2, mentions=31, relationships=1)},
        event_type="relationship_extraction",
        message="1 relationships found in attention.pdf",
        data={
            "count": 1,
            "types": {"used_for": 1},
            "relationships": [
                {"source": "method:transformer", "target": "task:machine-translation", "type": "used_for"}
            ],
        },
    ),
}


@cache
def build_examples() -> dict[str, Value]:
    """One message of each kind, by its `event_type` or `action`."""
    examples: dict[str, Value] = {event.event_type: event for event in (*_of_a_paper(), *_of_a_socket(), *_of_system())}
    for action in (
        Ping(action="ping"),
        Subscribe(action="subscribe", paper_ids=(PAPER_ID, OTHER_ID)),
        Unsubscribe(action="unsubscribe", paper_ids=(OTHER_ID,)),
    ):
        examples[action.action] = action
    return examples


def _uploaded() -> Change:
    return decisions.submit(
        Paper(
            id=PAPER_ID,
            filename="attention.pdf",
            content_type="application/pdf",
            size=2215244,
            sha256="bdfaa68d8984f0dc02beaca527b76f207d99b666d31d1da728ee0728182df697",
            status=Status.UPLOADED,
            seq=0,
            created_at=START,
            updated_at=START,
        )
    )


def _of_a_paper() -> list[Event]:
    """What the log would hold of each type."""
    queued = decisions.queue(_uploaded().record, _after(1))
    claimed = decisions.claim(queued.record, 1, "worker-1", TOKEN, _after(2))
    events: list[Event] = [*claimed.events]
    record = claimed.record
    for number, stage in enumerate(STAGES):
        if stage == ENTITIES:
            told = decisions.report_progress(record, 1, TOKEN, stage, 50, _after(3 + number))
            events.extend(told.events)
            record = told.record
        finished = decisions.finish_stage(record, 1, TOKEN, stage, _findings(stage), _after(4 + number))
        events.extend(finished.events[:1] if stage.name in FOUND else ())
        record = finished.record
    events.extend(decisions.delete(record, _after(60)).events)
    return [event.model_copy(update={"id": _position(event.timestamp).encode()}) for event in events]


def _findings(stage: StagePlan) -> Findings:
    return FOUND.get(stage.name, Findings())


def _of_a_socket() -> list[Event]:
    paper = _uploaded().record.paper
    here = _position(START)
    return [
        replies.connection(START, here.model_copy(update={"seq": paper.seq}).encode(), PAPER_ID, paper),
        replies.resync(START, here, None, None, "position_not_in_log"),
        replies.pong(START, here),
        replies.subscribed(START, here, [PAPER_ID], [paper]),
        replies.unsubscribed(START, here, [PAPER_ID]),
        replies.error(START, PaperNotFoundError(OTHER_ID)),
    ]


def _of_system() -> list[Event]:
    services = dict.fromkeys(("store", "redis", "graph", "files"), "ok")
    status = SystemStatusData.model_validate(
        {
            "status": "ok",
            "reasons": (),
            "services": services,
            "queue_length": 3,
            "active_tasks": 2,
            "workers": 2,
            "connections": 5,
        }
    )
    metrics = SystemMetricsData(cpu_usage=37.5, memory_usage=41.2, events_per_second=12.0)
    return [
        SystemStatusEvent(timestamp=START, message="The service is well", data=status),
        SystemMetricsEvent(timestamp=START, message="CPU 38 %, memory 41 %", data=metrics),
    ]


def _after(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def _position(moment: datetime) -> Position:
    return Position(entry=f"{int(moment.timestamp() * 1000)}-0")

"""How records, events and outputs are written down, the same in every store."""

import json
from typing import Any

from pydantic import JsonValue

from app.domain.events import PAPER_EVENT, PaperEvent
from app.domain.paper import PaperRecord


def record_to_json(record: PaperRecord, revision: int) -> dict[str, Any]:
    """The record as stored: `waiting` is counted when it is read, never kept."""
    return {**record.model_dump(mode="json", exclude={"waiting"}), "revision": revision}


def record_from_json(body: dict[str, Any], waiting: int) -> PaperRecord:
    return PaperRecord.model_validate({**body, "waiting": waiting})


def event_to_text(event: PaperEvent) -> str:
    return event.model_dump_json()


def event_from_text(text: str) -> PaperEvent:
    return PAPER_EVENT.validate_json(text)


def output_to_text(body: JsonValue) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def output_from_text(text: str | bytes) -> JsonValue:
    body: JsonValue = json.loads(text)
    return body

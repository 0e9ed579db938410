"""What version 0.1.0 wrote into stores and logs. The file is never written anew: its papers still have to be read."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from app.adapters.papers.codec import event_from_text, event_to_text, record_from_json, record_to_json
from app.domain.events import PaperEvent

pytestmark = pytest.mark.extended

STORED: dict[str, Any] = json.loads(Path(__file__).with_name("stored_by_0_1_0.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["record", "tombstone"])
def test_what_an_older_version_stored_is_read(name: str) -> None:
    record = record_from_json(STORED[name], waiting=0)
    again = record_to_json(record, STORED[name]["revision"])
    assert {key: again[key] for key in STORED[name]} == STORED[name]


def test_the_events_of_an_older_version_are_read() -> None:
    kinds = {type(event_from_text(json.dumps(event))) for event in STORED["events"]}
    assert kinds == set(get_args(get_args(PaperEvent)[0]))
    for event in STORED["events"]:
        assert json.loads(event_to_text(event_from_text(json.dumps(event)))) == event


def test_a_field_of_a_newer_version_is_refused() -> None:
    """And not dropped at the next write: versions that store different fields may not run side by side."""
    with pytest.raises(ValidationError, match="of_tomorrow"):
        record_from_json({**STORED["record"], "of_tomorrow": 1}, waiting=0)
    event = STORED["events"][0]
    with pytest.raises(ValidationError, match="of_tomorrow"):
        event_from_text(json.dumps({**event, "data": {**event["data"], "of_tomorrow": 1}}))

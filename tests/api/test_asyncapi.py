"""The AsyncAPI document, and the page of the docs that is made from it, say what the service does."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from pydantic import BaseModel

from app.domain import events
from app.domain.events import PAPER_EVENT, Event
from app.realtime import protocol
from app.realtime.asyncapi import build_asyncapi, name_of
from app.realtime.protocol import Close, parse_action
from tests.support import event_reference

pytestmark = pytest.mark.extended

OFFICIAL = Path(__file__).with_name("asyncapi-3.0.0.schema.json")
EVENTS = {
    name_of(model): model
    for model in vars(events).values()
    if isinstance(model, type) and issubclass(model, Event) and model is not Event
}
ACTIONS = {name_of(model): model for model in (protocol.Ping, protocol.Subscribe, protocol.Unsubscribe)}
MESSAGES = {**EVENTS, **ACTIONS}
OF_A_PAPER = {"paper_status", "paper_progress", "entity_extraction", "relationship_extraction", "paper_deleted"}
OF_THE_SYSTEM = {"system_status", "system_metrics"}
SUBSCRIBING = {"subscribe", "subscribed", "unsubscribe", "unsubscribed"}

# Written out here too: what a client does about a closed socket must not change unnoticed.
RECONNECT = {
    1009: False,
    1011: True,
    1012: True,
    1013: True,
    4401: False,
    4403: False,
    4404: False,
    4408: True,
    4410: False,
    4429: True,
}

DOCUMENT = build_asyncapi()


def example_of(name: str) -> dict[str, Any]:
    payload: dict[str, Any] = DOCUMENT["components"]["messages"][name]["examples"][0]["payload"]
    return payload


def payload_schema(name: str) -> dict[str, Any]:
    """The schema of a message's payload, with all it refers to."""
    return {**DOCUMENT["components"]["messages"][name]["payload"], "components": DOCUMENT["components"]}


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [target for item in node for target in references(item)]
    if isinstance(node, dict):
        here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return here + [target for item in node.values() for target in references(item)]
    return []


def names(messages: list[dict[str, str]]) -> set[str]:
    return {message["$ref"].rpartition("/")[2] for message in messages}


# -- the document as such


def test_it_is_valid_asyncapi_3() -> None:
    validator = Draft7Validator(json.loads(OFFICIAL.read_text(encoding="utf-8")))
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(DOCUMENT)] == []


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


def test_every_reference_leads_somewhere() -> None:
    for target in references(DOCUMENT):
        node = DOCUMENT
        for part in target.removeprefix("#/").split("/"):
            assert part in node, target
            node = node[part]


def test_each_schema_has_the_name_of_its_model() -> None:
    """Two models of one name would get names that depend on where they stand."""
    schemas = DOCUMENT["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z]+", name)] == []
    assert {model.__name__ for model in MESSAGES.values()} <= set(schemas)


# -- its messages


@pytest.mark.parametrize("name", MESSAGES)
def test_every_event_and_action_is_described(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    assert message["description"] == MESSAGES[name].__doc__
    assert message["payload"] == {"$ref": f"#/components/schemas/{MESSAGES[name].__name__}"}


def test_it_describes_nothing_else() -> None:
    assert set(DOCUMENT["components"]["messages"]) == set(MESSAGES)


@pytest.mark.parametrize("name", MESSAGES)
def test_the_example_fits_its_schema(name: str) -> None:
    Draft202012Validator(payload_schema(name)).validate(example_of(name))


@pytest.mark.parametrize("name", MESSAGES)
def test_the_schema_refuses_a_field_too_few_and_one_too_many(name: str) -> None:
    validator = Draft202012Validator(payload_schema(name))
    example = example_of(name)
    for field in example:
        assert not validator.is_valid({key: value for key, value in example.items() if key != field}), field
    assert not validator.is_valid({**example, "surprise": 1})


@pytest.mark.parametrize("name", MESSAGES)
def test_the_example_is_what_the_model_says(name: str) -> None:
    model: type[BaseModel] = MESSAGES[name]
    assert model.model_validate(example_of(name)).model_dump(mode="json") == example_of(name)


@pytest.mark.parametrize("name", sorted(OF_A_PAPER))
def test_the_example_is_an_event_of_the_log(name: str) -> None:
    assert PAPER_EVENT.validate_python(example_of(name)).event_type == name


@pytest.mark.parametrize("name", ACTIONS)
def test_the_example_is_obeyed(name: str) -> None:
    assert parse_action(json.dumps(example_of(name))).action == name


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_an_id_exactly_if_it_is_logged(name: str) -> None:
    is_logged = name in OF_A_PAPER
    assert (name in DOCUMENT["x-not-logged"]) is not is_logged
    assert (example_of(name)["id"] is not None) is is_logged
    schema = DOCUMENT["components"]["schemas"][EVENTS[name].__name__]
    assert schema["properties"]["id"]["type"] == ("string" if is_logged else "null")


# -- its channels and operations


def test_it_has_the_two_sockets() -> None:
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == {"/ws", "/ws/{paper_id}"}
    assert set(DOCUMENT["channels"]["paper"]["parameters"]) == {"paper_id"}


@pytest.mark.parametrize("channel", ["everything", "paper"])
def test_a_socket_takes_a_position_to_resume_from(channel: str) -> None:
    assert DOCUMENT["channels"][channel]["bindings"]["ws"]["query"]["properties"]["after"]["type"] == "string"


def test_the_socket_of_everything_has_every_message() -> None:
    assert set(DOCUMENT["channels"]["everything"]["messages"]) == set(MESSAGES)


def test_the_socket_of_one_paper_has_no_system_events_and_no_subscriptions() -> None:
    assert set(DOCUMENT["channels"]["paper"]["messages"]) == set(MESSAGES) - OF_THE_SYSTEM - SUBSCRIBING


@pytest.mark.parametrize("channel", ["everything", "paper"])
def test_each_message_goes_the_way_the_service_sends_or_hears_it(channel: str) -> None:
    sent: set[str] = set()
    heard: set[str] = set()
    for operation in DOCUMENT["operations"].values():
        if operation["channel"]["$ref"] == f"#/channels/{channel}":
            (sent if operation["action"] == "send" else heard).update(names(operation["messages"]))
            sent.update(names(operation.get("reply", {}).get("messages", [])))
    of_channel = set(DOCUMENT["channels"][channel]["messages"])
    assert heard == of_channel & set(ACTIONS)
    assert sent == of_channel & set(EVENTS)


@pytest.mark.parametrize(
    ("operation", "action", "reply"),
    [
        ("answerPing", "ping", "pong"),
        ("answerSubscribe", "subscribe", "subscribed"),
        ("answerUnsubscribe", "unsubscribe", "unsubscribed"),
        ("answerPaperPing", "ping", "pong"),
    ],
)
def test_each_action_has_its_reply(operation: str, action: str, reply: str) -> None:
    described = DOCUMENT["operations"][operation]
    assert names(described["messages"]) == {action}
    assert names(described["reply"]["messages"]) == {reply, "error"}


# -- its close codes


@pytest.mark.parametrize("close", Close, ids=lambda close: f"{close.code}-{close.name.lower()}")
def test_each_close_code_tells_whether_to_reconnect(close: Close) -> None:
    told = [row for row in DOCUMENT["x-close-codes"] if row["code"] == close.code]
    assert told == [
        {
            "code": close.code,
            "name": close.name.lower(),
            "reason": close.reason,
            "reconnect": RECONNECT[close.code],
        }
    ]
    assert len(close.reason.encode()) <= 123, "a close frame holds no more"


def test_each_close_code_means_one_thing() -> None:
    assert [code for code, count in Counter(close.code for close in Close).items() if count > 1] == []
    assert {row["code"] for row in DOCUMENT["x-close-codes"]} == set(RECONNECT)


# -- docs/events.md


def test_the_page_of_the_docs_is_up_to_date() -> None:
    written = event_reference.PAGE.read_text(encoding="utf-8")
    assert written == event_reference.render(), f"docs/events.md is old: run `{event_reference.COMMAND}`"


def test_the_links_of_the_page_lead_somewhere() -> None:
    text = event_reference.render()
    headings = {heading.lower() for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def test_every_field_has_a_meaning() -> None:
    assert [row for row in event_reference.render().splitlines() if row.endswith("|  |")] == []

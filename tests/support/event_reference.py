"""Writes docs/events.md from the AsyncAPI document, so from the models: `python -m tests.support.event_reference`."""

import json
from pathlib import Path
from typing import Any

from app.realtime.asyncapi import ACTIONS, LOGGED, REPLIES, SCHEMAS, build_asyncapi, name_of
from app.realtime.protocol import MAX_MESSAGE_BYTES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"
COMMAND = "python -m tests.support.event_reference"

INTRODUCTION = f"""\
# Events

<!-- Made from the models by `{COMMAND}`; a test keeps it up to date. -->

`/ws` tells of every paper and of the system, `/ws/{{paper_id}}` of one paper. Every message is one text frame of JSON.
The same as an AsyncAPI 3 document, for programs: `/asyncapi.json`.

## Envelope

Every event has these fields and no others.
"""

OF_A_PAPER = """\
## Events of a paper

In the log, so with an `id`; on both sockets. Beside the fields of its type each has in `data`:
"""

NOT_LOGGED = """\
## Events of a socket and of the system

Not in the log: `id` is null.
"""

RESUME = f"""\
## Resuming

Keep the newest position you have seen: the `id` of an event that has one, or `data.position` of `connection`,
`resync`, `pong`, `subscribed` or `unsubscribed`. Open the socket again with `?after=` and that position, and what you
missed follows `connection`. If the log no longer holds it, a `resync` comes instead, and the socket goes on from
there: on a paper's socket it carries the snapshot, on `/ws` fetch `GET /papers/` after it.

To hold a paper's snapshot, merge `data.changes` of each of its events into it and set `seq`; ignore an event whose
`data.seq` is not above the snapshot's. What you then hold is what `GET /papers/{{paper_id}}` answers.

## Actions

What a client may send, at most {MAX_MESSAGE_BYTES} bytes a message. What cannot be obeyed is answered by `error`, and
the socket lives on. On `/ws/{{paper_id}}` only `ping` is obeyed.
"""

CLOSING = """\
## Close codes

Come back with `?after=`, and with growing pauses. A page of an origin that is not allowed gets HTTP 403 and no socket.
Frames that break the WebSocket protocol itself are answered with its own codes, 1002 (no such frame) or 1007 (text that
is no UTF-8): mend the client first.
"""


def render() -> str:
    """The whole page."""
    document = build_asyncapi()
    schemas: dict[str, Any] = document["components"]["schemas"]
    messages: dict[str, Any] = document["components"]["messages"]
    shared = schemas["PaperData"]["properties"]
    parts = [INTRODUCTION, _table(_envelope(schemas)), OF_A_PAPER, _table(shared)]
    parts += [_event(messages[name_of(event)], schemas, leave_out=shared) for event in LOGGED]
    parts.append(NOT_LOGGED)
    parts += [
        _event(message, schemas, where=_where(document, name))
        for name, message in messages.items()
        if name in document["x-not-logged"]
    ]
    parts.append(RESUME)
    for action in map(name_of, ACTIONS):
        parts += [f"### {action}\n", f"{messages[action]['description']} Answer: `{name_of(REPLIES[action])}`.\n"]
        parts.append(_example(messages[action]))
    codes = [
        [str(close["code"]), close["name"].replace("_", " "), close["reason"], "yes" if close["reconnect"] else "no"]
        for close in document["x-close-codes"]
    ]
    parts += [CLOSING, _rows(["code", "name", "reason", "reconnect"], codes)]
    parts += ["## Types\n", *(_type(name, schemas[name]) for name in _types(schemas))]
    return "\n".join(parts)


def _envelope(schemas: dict[str, Any]) -> dict[str, Any]:
    """What all events have, said of them all."""
    return {
        **schemas["PaperStatusEvent"]["properties"],
        "event_type": {"type": "string", "description": "which of the events below it is"},
        "id": {
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "description": "position to resume from with `?after=`; null for an event that is not in the log, and over HTTP",
        },
        "data": {"type": "object", "description": "what the event is about, by type"},
    }


def _where(document: dict[str, Any], name: str) -> str:
    return "" if name in document["channels"]["paper"]["messages"] else " Only on `/ws`."


def _event(message: dict[str, Any], schemas: dict[str, Any], leave_out: Any = (), where: str = "") -> str:
    data = schemas[_target(schemas[_target(message["payload"])]["properties"]["data"])]
    own = {name: field for name, field in data["properties"].items() if name not in leave_out}
    table = [_table(own)] if own else []
    return "\n".join([f"### {message['name']}\n", f"{message['description']}{where}\n", *table, _example(message)])


def _example(message: dict[str, Any]) -> str:
    return f"```json\n{json.dumps(message['examples'][0]['payload'], indent=2, ensure_ascii=False)}\n```\n"


def _table(fields: dict[str, Any]) -> str:
    rows = [[f"`{name}`", _words(field), field.get("description", "")] for name, field in fields.items()]
    return _rows(["field", "type", "meaning"], rows)


def _rows(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _words(field: dict[str, Any]) -> str:
    """The type of a field, for people."""
    if "$ref" in field:
        name = _target(field)
        return "anything" if name == "JsonValue" else f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(_words(choice) for choice in field["anyOf"])
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field["type"] == "array":
        return f"list of {_words(field['items'])}"
    if "additionalProperties" in field:
        return f"object of {_words(field['additionalProperties'])}"
    if field.get("format") == "date-time":
        return "time"
    limits = {"minimum": "from", "maximum": "to"}
    return " ".join([field["type"], *(f"{limits[key]} {field[key]}" for key in limits if key in field)])


def _target(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).removeprefix(SCHEMAS)


def _types(schemas: dict[str, Any]) -> list[str]:
    """What the tables link to: neither a message nor the `data` of one."""
    inside = {name for name in schemas if name.endswith(("Event", "Data"))} | {action.__name__ for action in ACTIONS}
    return [name for name in schemas if name not in inside and name != "JsonValue"]


def _type(name: str, schema: dict[str, Any]) -> str:
    words = [f"{schema['description']}\n"] if "description" in schema else []
    body = (
        _table(schema["properties"])
        if "properties" in schema
        else f"{', '.join(f'`{value}`' for value in schema['enum'])}\n"
    )
    return "\n".join([f"### {name}\n", *words, body])


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

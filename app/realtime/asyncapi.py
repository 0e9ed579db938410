"""The AsyncAPI 3 document, made from the models the service itself works with.

Its directions are the application's, as the standard has it: `send` is what the service says, `receive` what it hears.
"""

from functools import cache
from inspect import cleandoc
from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import core_schema

from app.domain.events import (
    ConnectionEvent,
    ErrorEvent,
    Event,
    PaperEvent,
    PongEvent,
    ResyncEvent,
    SubscribedEvent,
    SystemMetricsEvent,
    SystemStatusEvent,
    UnsubscribedEvent,
)
from app.domain.model import Value
from app.realtime.examples import PAPER_ID, build_examples
from app.realtime.protocol import MAX_MESSAGE_BYTES, Action, Close

Model = type[Value]

LOGGED: tuple[type[Event], ...] = get_args(get_args(PaperEvent)[0])
"""The events of papers: in the log, so with an `id` to resume from."""
TOLD_BY_BOTH: tuple[type[Event], ...] = (*LOGGED, ConnectionEvent, ResyncEvent, ErrorEvent)
TOLD_BY_WS: tuple[type[Event], ...] = (*TOLD_BY_BOTH, SystemStatusEvent, SystemMetricsEvent)
REPLIES: dict[str, type[Event]] = {"ping": PongEvent, "subscribe": SubscribedEvent, "unsubscribe": UnsubscribedEvent}
EVENTS: tuple[type[Event], ...] = (*TOLD_BY_WS, *REPLIES.values())
ACTIONS: tuple[Model, ...] = get_args(get_args(Action)[0])
MESSAGES: tuple[Model, ...] = (*EVENTS, *ACTIONS)

SCHEMAS = "#/components/schemas/"
AFTER = {
    "type": "object",
    "properties": {
        "after": {
            "type": "string",
            "description": "The `id` or `position` to resume from: what came after it is sent, or `resync`.",
        }
    },
}


@cache
def build_asyncapi() -> dict[str, Any]:
    """The document, as `/asyncapi.json` serves it."""
    everything = list(map(name_of, MESSAGES))
    of_a_paper = [*map(name_of, TOLD_BY_BOTH), "pong", "ping"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Paper Processing events",
            "version": "1.0.0",
            "description": "What happens to papers, told over WebSockets while it happens. Every message is one text "
            f"frame of JSON; one from a client has at most {MAX_MESSAGE_BYTES} bytes. Within a paper `data.seq` counts "
            "1, 2, 3… without a gap; what cannot be told that way is told by `resync`.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "service": {
                "host": "{host}",
                "protocol": "ws",
                "description": "The service itself; behind a proxy that ends TLS the protocol is `wss`.",
                "variables": {"host": {"default": "127.0.0.1:8000", "description": "Name and port of the service."}},
            }
        },
        "channels": {
            "everything": _channel("/ws", "Every paper, and the system itself.", everything),
            "paper": {
                **_channel("/ws/{paper_id}", "One paper, from its snapshot on.", of_a_paper),
                "parameters": {"paper_id": {"description": "The paper to follow.", "examples": [PAPER_ID]}},
            },
        },
        "operations": {
            "tellEverything": _tell("everything", "Tells what happens to every paper, and to the system.", TOLD_BY_WS),
            **{f"answer{name.title()}": _answer("everything", name) for name in REPLIES},
            "tellPaper": _tell("paper", "Tells what happens to the paper.", TOLD_BY_BOTH),
            "answerPaperPing": _answer("paper", "ping"),
        },
        "components": {
            "messages": {name_of(model): _message(model) for model in MESSAGES},
            "schemas": _schemas(),
        },
        "x-close-codes": [
            {"code": close.code, "name": close.name.lower(), "reason": close.reason, "reconnect": close.reconnect}
            for close in sorted(Close, key=lambda close: close.code)
        ],
        "x-not-logged": sorted(name_of(event) for event in EVENTS if event not in LOGGED),
    }


def name_of(model: Model) -> str:
    """The `event_type` or `action` of a message."""
    field = model.model_fields.get("event_type") or model.model_fields["action"]
    return str(get_args(field.annotation)[0])


def _channel(address: str, description: str, names: list[str]) -> dict[str, Any]:
    return {
        "address": address,
        "description": description,
        "servers": [_reference("#/servers/service")],
        "messages": {name: _reference(f"#/components/messages/{name}") for name in names},
        "bindings": {"ws": {"method": "GET", "query": AFTER, "bindingVersion": "0.1.0"}},
    }


def _tell(channel: str, summary: str, events: tuple[type[Event], ...]) -> dict[str, Any]:
    messages = _messages_of(channel, *map(name_of, events))
    return {"action": "send", "channel": _reference(f"#/channels/{channel}"), "summary": summary, "messages": messages}


def _answer(channel: str, action: str) -> dict[str, Any]:
    here = _reference(f"#/channels/{channel}")
    return {
        "action": "receive",
        "channel": here,
        "summary": f"Answers `{action}` with `{name_of(REPLIES[action])}`, or with `error` if it cannot be obeyed.",
        "messages": _messages_of(channel, action),
        "reply": {"channel": here, "messages": _messages_of(channel, name_of(REPLIES[action]), name_of(ErrorEvent))},
    }


def _messages_of(channel: str, *names: str) -> list[dict[str, str]]:
    return [_reference(f"#/channels/{channel}/messages/{name}") for name in names]


def _message(model: Model) -> dict[str, Any]:
    name = name_of(model)
    return {
        "name": name,
        "title": model.__name__,
        "description": cleandoc(model.__doc__ or ""),
        "payload": _reference(SCHEMAS + model.__name__),
        "examples": [{"name": name, "payload": build_examples()[name].model_dump(mode="json")}],
    }


def _reference(target: str) -> dict[str, str]:
    return {"$ref": target}


class _OnTheWire(GenerateJsonSchema):
    """A frame holds every field of its model, defaults too; and a field's name needs no title beside it."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _schemas() -> dict[str, Any]:
    models: list[tuple[Model, JsonSchemaMode]] = [(event, "serialization") for event in EVENTS]
    models += [(action, "validation") for action in ACTIONS]
    _, document = models_json_schema(models, ref_template=SCHEMAS + "{model}", schema_generator=_OnTheWire)
    schemas: dict[str, Any] = document["$defs"]
    for event in EVENTS:
        schemas[event.__name__]["properties"]["id"] = (
            {"type": "string", "description": "position of this event: resume behind it with `?after=`"}
            if event in LOGGED
            else {"type": "null", "description": "this event is not in the log"}
        )
    return schemas

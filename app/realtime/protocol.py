"""What is said over a socket beside the events: close codes, and the messages a client may send."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from app.domain.errors import BadMessageError, UnknownActionError
from app.domain.model import Value

MAX_MESSAGE_BYTES = 64 * 1024
MAX_SUBSCRIPTIONS = 1000


@dataclass(frozen=True)
class _Close:
    code: int
    reason: str
    reconnect: bool


class Close(Enum):
    """Why the service closes a socket, and whether a client should come back (with `?after=` and growing pauses)."""

    GOING_AWAY = _Close(1012, "the service restarts: reconnect with ?after=", reconnect=True)
    TOO_BIG = _Close(1009, "the message is too big", reconnect=False)
    INTERNAL_ERROR = _Close(1011, "something unforeseen went wrong: reconnect with ?after=", reconnect=True)
    UNAVAILABLE = _Close(1013, "a backing service is away: reconnect with ?after= in a moment", reconnect=True)
    UNAUTHENTICATED = _Close(4401, "who are you?", reconnect=False)
    FORBIDDEN = _Close(4403, "this is not for you", reconnect=False)
    UNKNOWN_PAPER = _Close(4404, "no paper has this id", reconnect=False)
    SLOW_CONSUMER = _Close(4408, "too slow: reconnect with ?after=", reconnect=True)
    GONE = _Close(4410, "the paper was deleted", reconnect=False)
    TOO_MANY_CONNECTIONS = _Close(4429, "too many connections: come back later", reconnect=True)

    @property
    def code(self) -> int:
        return self.value.code

    @property
    def reason(self) -> str:
        return self.value.reason

    @property
    def reconnect(self) -> bool:
        return self.value.reconnect


class Ping(Value):
    """Asks for a `pong`, which comes behind everything sent before."""

    action: Literal["ping"]


PaperIds = Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_SUBSCRIPTIONS)]


class Subscribe(Value):
    """Narrows `/ws` to these papers, beside those subscribed to before."""

    action: Literal["subscribe"]
    paper_ids: PaperIds


class Unsubscribe(Value):
    """Takes papers away again; the socket stays narrowed, if to nothing."""

    action: Literal["unsubscribe"]
    paper_ids: PaperIds


Action = Annotated[Ping | Subscribe | Unsubscribe, Field(discriminator="action")]
_ACTION: TypeAdapter[Action] = TypeAdapter(Action)
_UNKNOWN = ("union_tag_invalid", "union_tag_not_found")


def parse_action(text: str) -> Action:
    """Raises `BadMessageError` or `UnknownActionError` with a sentence for the client."""
    try:
        return _ACTION.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] in _UNKNOWN:
            raise UnknownActionError(
                'A message is an object with "action": "ping", "subscribe" or "unsubscribe".'
            ) from error
        where = ".".join(str(part) for part in first["loc"][1:]) or "the message"
        raise BadMessageError(f"{where}: {first['msg']}.") from error

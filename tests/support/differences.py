"""Where Starlette's test client and a real server differ over a WebSocket: the one list. Each entry is asserted on the
transport a test runs on, so that an entry which stops being true is noticed; the tests beside it say what is the same.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

Transport = Literal["in_process", "live"]


@dataclass(frozen=True)
class Difference:
    """What a client sees on either side."""

    why: str
    in_process: Any
    live: Any

    def on(self, transport: Transport) -> Any:
        return self.in_process if transport == "in_process" else self.live


HUGE_MESSAGE_REASON: Final = Difference(
    "uvicorn refuses a message above 16 MB by itself, in its own words; the test client lets any size through to us. "
    "The code is 1009 on both.",
    in_process="the message is too big",
    live="frame with 20971520 bytes exceeds limit of 16777216 bytes",
)
UNKNOWN_PATH: Final = Difference(
    "the router closes a socket it has no route for before it is accepted: a server makes HTTP 403 of that close frame",
    in_process=(403, {"code": 1000}),
    live=(403, None),
)
BAD_UTF8: Final = Difference(
    "a server closes a text frame that is no UTF-8 with 1007; the test client has no bytes below its text frames at all",
    in_process=None,
    live=1007,
)

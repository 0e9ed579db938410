"""Where Starlette's test client and a real server differ over a WebSocket: the one list. Each entry is asserted on the
transport a test runs on, so that an entry which stops being true is noticed; the tests beside it say what is the same.

Evened out by the sockets themselves, so that no test sees it: the test client takes frames after the service closed, a
server refuses them (`LiveSocket` leaves it to the reader to tell); it cancels a handler whose client leaves, a server
sends a disconnect and lets it return (`InProcessSocket.close` does, too); it never blocks a sender, a server does after
some megabytes (`InProcessSocket` with a `buffer` does after as many frames).
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from app.realtime.protocol import MAX_MESSAGE_BYTES, Close

Transport = Literal["in_process", "live"]


@dataclass(frozen=True)
class Difference:
    """What a client sees on either side."""

    why: str
    in_process: Any
    live: Any

    def on(self, transport: Transport) -> Any:
        return self.in_process if transport == "in_process" else self.live


def big_message_reason(size: int) -> Difference:
    return Difference(
        "uvicorn refuses a message beyond its limit, which we set to ours, while it comes in and in its own words; the "
        "test client lets any size through to us. The code is 1009 on both.",
        in_process=Close.TOO_BIG.reason,
        live=f"frame with {size} bytes exceeds limit of {MAX_MESSAGE_BYTES} bytes",
    )


UNKNOWN_PATH: Final = Difference(
    "the router closes a socket it has no route for before it accepts: a server makes an empty HTTP 403 of that",
    in_process=(403, {"code": 1000}),
    live=(403, None),
)
BAD_UTF8: Final = Difference(
    "a server closes a text frame that is no UTF-8 with 1007; the test client's text frames are no bytes at all",
    in_process=None,
    live=1007,
)

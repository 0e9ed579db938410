"""What a server may offer beyond ASGI, so that frames are shared and a reader that stalls hears why it is cut off."""

from collections.abc import Mapping
from typing import Any, Protocol, cast

EXTENSION = "paper_processing.wire"
"""Names the ASGI extension: `scope["extensions"][EXTENSION]["wire"]` is a `Wire`."""


class Wire(Protocol):
    """The transport below one socket, after `accept`. None of these fails once the client has left."""

    def write(self, data: bytes) -> bool:
        """Hands over whole frames, ready made. False when they are not all taken yet: `drained` waits for that."""

    async def drained(self) -> None:
        """Returns when everything handed over has been taken, or the connection was lost."""

    def cut(self, code: int, reason: str) -> None:
        """Closes without waiting for the reader: the close frame goes out behind what was handed over, and the
        connection is aborted if that takes too long.
        """


def offered(scope: Mapping[str, Any]) -> Wire | None:
    """The wire of the socket with this scope, if its server has one."""
    extension = (scope.get("extensions") or {}).get(EXTENSION)
    return None if extension is None else cast(Wire, extension["wire"])

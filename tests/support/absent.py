"""What libraries import where it happens to be installed, and nobody here uses: a fifth of a second of each start.

Imported first. Other tools brought them; an installation for production has none of them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def absent(name: str) -> Iterator[None]:
    """What is imported meanwhile finds no module of that name."""
    sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to say so
    try:
        yield
    finally:
        del sys.modules[name]


with absent("opentelemetry.sdk.metrics"):
    import redis.asyncio  # noqa: F401

with absent("valkey"):
    import fakeredis  # noqa: F401

with absent("rich"):  # for a command of its own
    import httpx  # noqa: F401

with absent("cryptography"):
    import pymongo  # noqa: F401

with absent("python_socks"):
    import websockets.asyncio.client  # noqa: F401

with absent("yaml"):
    import kombu.serialization  # noqa: F401
    import uvicorn.config  # noqa: F401

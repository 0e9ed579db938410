"""The embedded Valkey without a `serve` around it."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from app.supervisor.valkey import EmbeddedValkey


@contextmanager
def embedded_valkey(folder: Path) -> Iterator[str]:
    """Its URL, while it works in the folder."""
    valkey = EmbeddedValkey(folder)
    asyncio.run(valkey.make_room())
    with Popen(valkey.program(os.environ).command) as process:
        try:
            asyncio.run(valkey.until_ready())
            yield valkey.url
        finally:
            process.terminate()

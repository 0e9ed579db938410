"""Calls to a driver that must not be cancelled, for callers that are.

PyMongo (4.20) waits for a server on a condition, through `asyncio.wait_for`; in Python 3.11 a cancellation at the wrong
moment of that, once or again and again as anyio's scopes do it, leaves its lock taken for ever, and no call ends after it.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
logger = logging.getLogger(__name__)

GRACE_SECONDS = 0.2
"""So long is a call waited for whose caller was cancelled: what a server answers at once leaves nothing behind."""

_left: set[asyncio.Task[Any]] = set()
"""Calls nobody waits for any more; each ends by the driver's own time limits. (asyncio itself does not hold them.)"""


async def never_cancelled(call: Coroutine[Any, Any, T], grace: float = GRACE_SECONDS) -> T:
    """Awaits it in a task of its own. A caller that is cancelled goes on soon; the call ends by itself, as if its answer were lost."""
    task = asyncio.create_task(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task], timeout=grace)
        _left.add(task)
        task.add_done_callback(_forget)
        raise


def _forget(task: asyncio.Task[Any]) -> None:
    _left.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.debug("a call that nobody waits for any more failed: %s", error)

"""Drivers that bear to be cancelled once, among task groups that cancel again at every await.

asyncio cancels a task once, and code written for it cleans up with awaits of its own. A cancelled scope of anyio cancels
these too. PyMongo (4.20), so interrupted while it waits for a server, keeps a lock for ever: no call ended after that.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


async def cancelled_once(call: Coroutine[Any, Any, T]) -> T:
    """Awaits it in a task of its own, which hears of a cancellation once; returns when it has cleaned up."""
    task = asyncio.create_task(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task])
        raise

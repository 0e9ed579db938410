"""How a background loop survives a bad moment of what it depends on."""

import logging
from collections.abc import Awaitable, Callable

from app.domain.errors import UnavailableError
from app.ports import Clock

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5


async def keep_going(clock: Clock, name: str, step: Callable[[], Awaitable[None]]) -> None:
    """One step of a loop that must never end: an error is logged, and the next step waits a little."""
    try:
        await step()
    except UnavailableError as error:
        logger.warning("%s: %s", name, error.detail)
        await clock.sleep(PAUSE_SECONDS)
    except Exception:
        logger.exception("%s: an unexpected error; it goes on", name)
        await clock.sleep(PAUSE_SECONDS)

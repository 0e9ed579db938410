"""The time of this machine."""

from datetime import UTC, datetime

import anyio

from app.domain.model import to_milliseconds


class SystemClock:
    """`Clock` on the real time."""

    def now(self) -> datetime:
        return to_milliseconds(datetime.now(UTC))

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def pause(self, seconds: float) -> None:
        await anyio.sleep(seconds)

"""A hint that there is work, for loops that also look by themselves now and then."""

import anyio

from app.ports import Clock


class Wake:
    """Set by whoever makes work, waited for by the one loop that does it. Belongs to one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = anyio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Returns when set, or after `seconds` at the latest; answers whether it was set."""
        async with anyio.create_task_group() as tasks:

            async def give_up() -> None:
                await self._clock.sleep(seconds)
                tasks.cancel_scope.cancel()

            tasks.start_soon(give_up)
            await self._event.wait()
            tasks.cancel_scope.cancel()
        woken = self._event.is_set()
        self._event = anyio.Event()
        return woken

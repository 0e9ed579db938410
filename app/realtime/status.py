"""Tells every socket how the system is, now and then."""

from app.ports import Clock
from app.realtime.hub import Hub
from app.services.loop import Loop
from app.services.system import System


class StatusTicker:
    """One sample a process each interval, however many sockets there are."""

    def __init__(self, hub: Hub, system: System, clock: Clock, interval: float) -> None:
        self._hub = hub
        self._system = system
        self._clock = clock
        self._loop = Loop(clock, "system status")
        self._interval = interval

    async def run(self) -> None:
        while True:
            await self._clock.sleep(self._interval)
            await self._loop.step(self.tick)

    async def tick(self) -> None:
        self._hub.tell_system(await self._system.sample(self._hub.connections))

"""One process of the installation: its services, and its own wire to what all processes share."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from app.adapters.event_log.redis import RedisEventLog
from app.adapters.files.fsspec import FsspecFiles
from app.adapters.graph.sqlite import SqliteGraph
from app.adapters.reader.inline import InlineReader
from app.adapters.sqlite import Database
from app.services.services import Ports, build_services
from tests.schedules.stages import quick_stages
from tests.support.hints import HintQueue
from tests.support.in_process import FixedMachine
from tests.support.mongo import MongoServer
from tests.support.one_loop import cross
from tests.support.redis import Redis

if TYPE_CHECKING:
    from tests.schedules.world import World

T = TypeVar("T")


class FarMongo(MongoServer):
    """Calls cross the caller's wire."""

    async def travel(self) -> None:
        await cross()

    async def travel_back(self) -> None:
        await cross()


class FarRedis(Redis):
    """Commands cross the caller's wire."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        await cross()
        answer = await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        await cross()
        return answer


Breaks = Mapping[type, type]
"""For a class, the broken subclass that a test puts in its place."""


def broken(part: T, breaks: Breaks) -> T:
    """The part, of its broken class if there is one."""
    if type(part) in breaks:
        part.__class__ = breaks[type(part)]
    return part


class Connections:
    """One process's connections to what all share."""

    def __init__(self, world: "World") -> None:
        self.store = broken(world.open_store(), world.breaks)
        self.redis = FarRedis(world.redis)
        self.log = broken(RedisEventLog(self.redis, retention=100_000), world.breaks)
        self.files = FsspecFiles(world.filesystem, world.root)
        self._graph = Database(world.graph)
        self.graph = SqliteGraph(self._graph)

    async def close(self) -> None:
        await self.store.close()
        await self._graph.close()
        await self.redis.aclose()


class Process(Connections):
    """One process's services and the wire they use."""

    def __init__(self, world: "World", name: str) -> None:
        super().__init__(world)
        self.wire = world.wire(name)
        self.killed = asyncio.Event()
        ports = Ports(
            store=self.store,
            log=self.log,
            queue=HintQueue(world.broker, world.clock),
            graph=self.graph,
            files=self.files,
            reader=InlineReader(),
            clock=world.clock,
            machine=FixedMachine(),
        )
        self.services = build_services(ports, quick_stages(self.files, self.graph, world.before_stage), owner=name)
        for part in (self.services.pipeline, self.services.sweeper, self.services.dispatcher):
            broken(part, world.breaks)

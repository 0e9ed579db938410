"""Where two things meet: each seam is a short story whose timing the seed decides."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fakeredis import FakeRedis

from app.adapters.event_log.redis import EVENT, LAST_SEQ, STREAM
from app.domain.events import PAPER_EVENT
from tests.schedules.client import Client
from tests.schedules.world import World

Seam = Callable[[World], Awaitable[list[Client]]]


async def watching(world: World, *papers: str) -> list[Client]:
    """A client on `/ws` and one on each paper."""
    clients = [Client(world, "everything"), *(Client(world, f"watcher {n}", paper) for n, paper in enumerate(papers))]
    await world.together(*(client.connect() for client in clients))
    return clients


async def come_and_go(world: World, client: Client, times: int) -> None:
    """Leaves, at times when it has hardly been greeted, and resumes."""
    for _ in range(times):
        await world.somewhen(world.chance.choice([0.002, 0.3]))
        await client.leave()
        await world.somewhen()
        await client.connect()


async def connect_against_publish(world: World) -> list[Client]:
    p = await world.upload()
    clients = [Client(world, f"newcomer {n}", p) for n in range(4)]
    await world.together(world.process(p), *(client.connect() for client in clients), within=0.1)
    return clients


async def subscribe_against_publish(world: World) -> list[Client]:
    p, q = await world.upload(), await world.upload()
    client = Client(world, "subscriber")

    async def subscribe() -> None:
        await client.connect()
        for _ in range(world.chance.randint(1, 4)):
            await world.somewhen()
            action = world.chance.choice(["subscribe", "subscribe", "unsubscribe"])
            papers = world.chance.choice([[p], [q], [p, q]])
            await client.ask(f"{action}d", action=action, paper_ids=papers)

    await world.together(subscribe(), world.process(p), world.process(q), within=0.3)
    return [client]


async def replay_against_live(world: World) -> list[Client]:
    p, q = await world.upload(), await world.upload()
    clients = await watching(world, p)
    coming = (come_and_go(world, client, world.chance.randint(1, 4)) for client in clients)
    await world.together(*coming, world.process(p), world.process(q))
    return clients


async def cancel_against_finish(world: World) -> list[Client]:
    p = await world.upload()
    clients = await watching(world, p)
    await world.process(p)
    await world.somewhen(world.chance.choice([0.05, 0.5, 2]))
    await world.together(world.cancel(p), world.cancel(p))
    return clients


async def delete_against_process(world: World) -> list[Client]:
    world.longest_stage = 0.1
    p = await world.upload()
    clients = await watching(world, p)
    late = Client(world, "late", p)
    if world.chance.random() < 0.6:
        await world.process(p)
        await world.somewhen(world.chance.choice([0.1, 0.5]))

    await world.together(world.process(p), world.delete(p), late.connect(), world.delete(p))
    return [*clients, late]


async def sweep_against_late_worker(world: World) -> list[Client]:
    world.longest_stage = 0.2
    p = await world.upload()
    clients = await watching(world, p)
    await world.process(p)
    await world.somewhen(1)
    for worker in world.workers:
        worker.wire.freeze()
    await world.delete(p)
    await asyncio.sleep(world.chance.uniform(0, 40))  # until its lease has long ended
    return clients


async def process_against_process(world: World) -> list[Client]:
    p = await world.upload()
    clients = await watching(world, p)
    for _ in range(2):
        await world.together(*(world.process(p) for _ in range(3)), world.cancel(p))
        await world.somewhen(world.chance.choice([0.05, 1]))
    return clients


async def lease_against_finish(world: World) -> list[Client]:
    world.longest_stage = world.chance.choice([2, 8])
    p = await world.upload()
    clients = await watching(world, p)
    await world.process(p)
    for worker in world.workers:
        await world.somewhen(10)
        worker.wire.freeze()
        await asyncio.sleep(world.chance.uniform(10, 25))  # about as long as a lease
        worker.wire.thaw()
    return clients


async def upload_against_delete(world: World) -> list[Client]:
    [client] = await watching(world)

    async def delete_at_first_sight() -> None:
        gone: set[str] = set()
        async with asyncio.timeout(30):
            while len(gone) < 2:
                for paper_id in [paper_id for paper_id in client.papers if paper_id not in gone]:
                    gone.add(paper_id)
                    await world.delete(paper_id)
                await asyncio.sleep(0.001)

    await world.together(world.upload(), world.upload(), delete_at_first_sight())
    return [client]


async def resume_against_trim(world: World) -> list[Client]:
    p, q = await world.upload(), await world.upload()
    clients = await watching(world, p)

    async def trim() -> None:
        redis = FakeRedis(server=world.redis)
        for _ in range(3):
            await world.somewhen(0.5)
            redis.xtrim(STREAM, maxlen=world.chance.randint(1, 10), approximate=False)

    world.trimmed = True
    coming = (come_and_go(world, client, 4) for client in clients)
    await world.together(*coming, trim(), world.process(p), world.process(q))
    return clients


async def log_loss_against_live(world: World) -> list[Client]:
    p, q = await world.upload(), await world.upload()
    clients = await watching(world, p)

    async def lose() -> None:
        await world.somewhen(0.5)
        lose_newest(world, world.chance.randint(1, 10))

    await world.together(lose(), come_and_go(world, clients[0], 1), world.process(p), world.process(q))
    await asyncio.sleep(10)  # by then every relay has looked whether the log restarted
    return clients


def lose_newest(world: World, entries: int) -> None:
    """The log's server was killed and comes back without its newest entries, all within one step of the loop."""
    redis: Any = FakeRedis(server=world.redis)
    for entry, fields in redis.xrevrange(STREAM, count=entries):
        if EVENT in fields:
            event = PAPER_EVENT.validate_json(fields[EVENT])
            redis.xdel(STREAM, entry)
            redis.set(LAST_SEQ + event.data.paper_id, event.data.seq - 1)
    world.redis.restart()


SEAMS: dict[str, Seam] = {
    seam.__name__: seam
    for seam in (
        connect_against_publish,
        subscribe_against_publish,
        replay_against_live,
        cancel_against_finish,
        delete_against_process,
        sweep_against_late_worker,
        process_against_process,
        lease_against_finish,
        upload_against_delete,
        resume_against_trim,
        log_loss_against_live,
    )
}

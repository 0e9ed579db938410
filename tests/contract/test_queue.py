"""What the `TaskQueue` promises: a hint reaches a worker's callable, and workers are heard of for a quarter of a minute."""

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from kombu import Queue

from app.adapters.queue.celery import OUT_OF_MEMORY, WORKERS, CeleryQueue
from app.domain.errors import UnavailableError
from app.domain.stages import Load
from app.ports import TaskQueue
from app.worker.celery_app import create_celery, refuse
from tests.support.clock import ManualClock
from tests.support.hints import Broker, HintQueue
from tests.support.redis import Redis, Server

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]


class Worker:
    """A Celery application whose tasks run where they are sent."""

    def __init__(self) -> None:
        self.received: list[tuple[str, int]] = []
        self.threads: set[int] = set()
        self.error: Exception | None = None
        self.celery, self.task = create_celery("memory://", self._process)
        self.celery.conf.update(task_always_eager=True)

    def _process(self, paper_id: str, run: int) -> None:
        self.received.append((paper_id, run))
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise self.error


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.celery.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    client = Redis(Server())
    yield client
    await client.aclose()


@pytest.fixture
def queue(worker: Worker, redis: Redis, clock: ManualClock) -> CeleryQueue:
    return CeleryQueue(worker.task, redis, clock)


async def test_a_hint_runs_the_task_outside_the_loop(queue: CeleryQueue, worker: Worker) -> None:
    await queue.send("p", 1, Load.HEAVY)
    await queue.send("p", 2, Load.LIGHT)
    assert worker.received == [("p", 1), ("p", 2)]
    assert threading.get_ident() not in worker.threads


@pytest.mark.slow
async def test_many_hints_are_sent_at_once(queue: CeleryQueue, worker: Worker) -> None:
    await asyncio.gather(*(queue.send("p", run, Load.HEAVY) for run in range(100)))
    assert sorted(worker.received) == [("p", run) for run in range(100)]


async def test_a_run_that_fails_is_not_the_senders_trouble(queue: CeleryQueue, worker: Worker) -> None:
    worker.error = RuntimeError("the run failed")
    await queue.send("p", 1, Load.HEAVY)
    assert worker.received == [("p", 1)]


async def test_two_applications_each_run_their_own_task(queue: CeleryQueue, worker: Worker) -> None:
    other = Worker()
    other.task.delay("p", 1)
    assert (worker.received, other.received) == ([], [("p", 1)])
    other.celery.close()


def test_a_worker_takes_the_next_hint_although_the_ack_of_the_last_one_was_lost() -> None:
    """A broker that dies between the two takes the ack with it: a worker has room for one message, and must not lose it."""
    celery, task = create_celery("memory://", refuse)
    received: list[Any] = []
    with celery.connection_for_read() as connection, connection.channel() as channel:
        consumer = celery.amqp.TaskConsumer(channel, callbacks=[lambda body, message: received.append(body[0])])
        consumer.qos(prefetch_count=1)
        with consumer:
            for run in (1, 2):
                task.delay("p", run)
            for _ in range(2):
                connection.drain_events(timeout=1)
    celery.close()
    assert received == [["p", 1], ["p", 2]]


async def test_the_queue_without_celery_hands_each_hint_to_one_worker_in_order(clock: ManualClock) -> None:
    broker = Broker(random.Random(0))
    queue = HintQueue(broker, clock)
    for run in (1, 2):
        await queue.send("p", run, Load.HEAVY)
    assert await queue.length(Load.HEAVY) == 2
    assert [await broker.take(), await broker.take()] == [("p", 1), ("p", 2)]
    assert await queue.length(Load.HEAVY) == 0


@pytest.mark.parametrize(("lost", "doubled", "arrive"), [(1.0, 0.0, 0), (0.0, 1.0, 2)])
async def test_the_queue_without_celery_loses_and_doubles_hints_as_it_is_told(
    clock: ManualClock, lost: float, doubled: float, arrive: int
) -> None:
    queue = HintQueue(Broker(random.Random(0), lost=lost, doubled=doubled), clock)
    await queue.send("p", 1, Load.HEAVY)
    assert await queue.length(Load.HEAVY) == arrive


def test_a_process_that_only_sends_refuses_to_work() -> None:
    with pytest.raises(RuntimeError, match="run 3 of paper p"):
        refuse("p", 3)


async def test_hints_nobody_took_are_the_entries_of_the_queues_list(
    queue: CeleryQueue, worker: Worker, redis: Redis
) -> None:
    assert await queue.length(Load.HEAVY) == 0
    for run in range(3):
        await redis.lpush(Load.HEAVY.queue, json.dumps({"run": run}))
    assert await queue.length(Load.HEAVY) == 3
    assert await queue.length(Load.LIGHT) == 0
    for step in (3, 6, 9):  # of Celery's priorities on Redis each has a list of its own
        await redis.lpush(f"{Load.LIGHT.queue}\x06\x16{step}", json.dumps({"run": step}))
    assert await queue.length(Load.LIGHT) == 3
    await redis.rpop(Load.HEAVY.queue)
    assert await queue.length(Load.HEAVY) == 2


@pytest.fixture(params=["celery", "without celery"])
def any_queue(request: pytest.FixtureRequest, queue: CeleryQueue, clock: ManualClock) -> TaskQueue:
    """The port's promises to those who ask, of the fake as well."""
    return queue if request.param == "celery" else HintQueue(Broker(random.Random(0)), clock)


async def test_a_worker_is_heard_of_for_fifteen_seconds(any_queue: TaskQueue, clock: ManualClock) -> None:
    queue = any_queue
    assert await queue.workers() == 0
    await queue.announce("one")
    await queue.announce("one")
    clock.advance(10)
    await queue.announce("two")
    assert await queue.workers() == 2
    clock.advance(4)
    assert await queue.workers() == 2
    clock.advance(2)
    assert await queue.workers() == 1, "a worker is counted that was not heard of for 16 seconds"
    await queue.announce("one")
    assert await queue.workers() == 2


async def test_that_a_worker_ran_out_of_memory_is_known_for_a_minute_though_it_is_gone(
    any_queue: TaskQueue, clock: ManualClock
) -> None:
    await any_queue.announce("well")
    at = clock.now()
    await any_queue.announce("short", at)
    clock.advance(40)
    await any_queue.announce("well")
    assert await any_queue.out_of_memory() == {"short": at}
    clock.advance(20)
    assert await any_queue.out_of_memory() == {}
    await any_queue.announce("short", at)
    assert await any_queue.out_of_memory() == {}, "an old time is told anew"
    await any_queue.announce("short", clock.now())
    assert await any_queue.out_of_memory() == {"short": clock.now()}


async def test_workers_long_gone_are_forgotten(queue: CeleryQueue, clock: ManualClock, redis: Redis) -> None:
    for number in range(5):
        await queue.announce(f"old-{number}", clock.now())
    clock.advance(120)
    await queue.announce("new", clock.now())
    assert (await redis.zcard(WORKERS), await redis.zcard(OUT_OF_MEMORY)) == (1, 1)


async def test_a_broker_that_is_away_is_told_as_such(worker: Worker, clock: ManualClock) -> None:
    server = Server()
    client = Redis(server)
    queue = CeleryQueue(worker.task, client, clock)
    server.connected = False
    for call in (queue.length(Load.HEAVY), queue.announce("one"), queue.workers(), queue.out_of_memory()):
        with pytest.raises(UnavailableError, match="PAPERS_REDIS_URL"):
            await call
    await client.aclose()


def test_a_hint_waits_in_the_queue_of_its_load_for_workers_that_serve_it() -> None:
    celery, task = create_celery("memory://", refuse)
    received: list[Any] = []
    with celery.connection_for_read() as connection, connection.channel() as channel:
        celery.amqp.queues.select([Load.LIGHT.queue])
        consumer = celery.amqp.TaskConsumer(channel, callbacks=[lambda body, message: received.append(body[0])])
        with consumer:
            for run, load in enumerate((Load.HEAVY, Load.LIGHT)):
                task.apply_async(("p", run), queue=load.queue)
            connection.drain_events(timeout=1)
            with pytest.raises(TimeoutError):
                connection.drain_events(timeout=0.01)
        Queue(Load.HEAVY.queue, channel=channel).purge()  # the broker in memory is all tests' own
    celery.close()
    assert received == [["p", 1]]


async def test_a_hint_that_cannot_be_sent_is_told_as_such(clock: ManualClock, redis: Redis) -> None:
    celery, task = create_celery("redis+socket:///nowhere/valkey.sock", refuse)
    celery.conf.broker_transport_options |= {"max_retries": 0}  # kombu would try for six seconds
    queue = CeleryQueue(task, redis, clock)
    with pytest.raises(UnavailableError, match="PAPERS_REDIS_URL"):
        await queue.send("p", 1, Load.HEAVY)
    celery.close()

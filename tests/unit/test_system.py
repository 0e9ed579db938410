"""How the service says it is: what answers, what waits, and what a service that is away changes about that."""

from collections.abc import Mapping

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.domain.errors import UnavailableError
from app.domain.stages import Load
from app.ports import StoreCounts
from app.services.metrics import Metrics
from app.services.system import RATE_WINDOW, Check, EventRate, Sample, System
from tests.support.bench import Bench
from tests.support.clock import ManualClock
from tests.support.in_process import FixedMachine
from tests.support.log_lines import log_lines

pytestmark = pytest.mark.anyio


async def answers() -> None:
    """A service that is there."""


async def fails() -> None:
    raise ConnectionError("nobody is there")


def system_of(bench: Bench, checks: Mapping[str, Check]) -> System:
    return System(bench.store, bench.side.queue, checks, FixedMachine(), bench.clock, EventRate(bench.clock))


async def sample(bench: Bench, checks: Mapping[str, Check]) -> Sample:
    return await system_of(bench, checks).sample(connections=3)


async def test_a_service_is_well_when_all_answer_and_a_worker_is_there(bench: Bench) -> None:
    await bench.services.heartbeat.beat()
    seen = await sample(bench, {"store": answers, "redis": answers, "graph": answers})
    assert (seen.status.data.status, seen.status.message) == ("ok", "The service is well")
    assert seen.status.data.services == {"store": "ok", "redis": "ok", "graph": "ok"}
    assert (seen.status.data.workers, seen.status.data.connections) == (1, 3)
    assert (seen.metrics.data.cpu_usage, seen.metrics.data.memory_usage) == (50.0, 25.0)
    assert seen.metrics.message == "CPU 50 %, memory 25 %"


async def test_without_a_worker_it_is_degraded(bench: Bench) -> None:
    seen = await sample(bench, {"store": answers, "redis": answers})
    assert (seen.status.data.status, seen.status.data.workers) == ("degraded", 0)
    assert seen.status.message == "The service is degraded"
    assert seen.status.data.reasons == (
        "No worker was heard of lately, so papers wait; start one (`paper-processing worker`).",
    )


async def test_with_a_worker_that_ran_out_of_memory_it_is_degraded_for_a_minute_and_says_which(bench: Bench) -> None:
    await bench.side.queue.announce("here:7", bench.clock.now())
    seen = (await sample(bench, {"store": answers, "redis": answers})).status
    assert (seen.data.status, seen.message, seen.data.services["redis"]) == (
        "degraded",
        "The service is degraded",
        "ok",
    )
    (reason,) = seen.data.reasons
    assert reason.startswith(
        f"Worker here:7 ran out of memory at {bench.clock.now():%H:%M:%S} UTC; give its machine more"
    )
    bench.clock.advance(59)
    await bench.services.heartbeat.beat()
    assert (await sample(bench, {"store": answers, "redis": answers})).status.data.reasons == (reason,)
    bench.clock.advance(1)
    assert (await sample(bench, {"store": answers, "redis": answers})).status.data.status == "ok"


async def test_a_service_that_fails_is_down_and_the_others_are_not(bench: Bench) -> None:
    await bench.services.heartbeat.beat()
    seen = await sample(bench, {"graph": fails, "store": answers, "redis": answers})
    assert seen.status.data.services == {"graph": "down", "store": "ok", "redis": "ok"}
    assert seen.status.data.status == "degraded"
    assert seen.status.data.reasons == ("graph: ConnectionError: nobody is there.",)


async def test_the_log_says_once_which_service_went_and_once_that_it_is_back(bench: Bench) -> None:
    answers_now = iter((False, False, True, True))

    async def check() -> None:
        if not next(answers_now):
            raise UnavailableError("Neo4j does not answer; check PAPERS_GRAPH_URL and that it runs.")

    checks: dict[str, Check] = {"graph": check, "store": answers}
    system = System(bench.store, bench.side.queue, checks, FixedMachine(), bench.clock, EventRate(bench.clock))
    told = []
    for _ in range(4):
        with log_lines() as lines:
            await system.condition()
        told.append([(line["level"], line["message"]) for line in lines.all])
    assert told == [
        [("WARNING", "graph is down: Neo4j does not answer; check PAPERS_GRAPH_URL and that it runs.")],
        [],
        [("INFO", "graph answers again")],
        [],
    ]


@pytest.mark.slow
async def test_a_service_that_never_answers_is_down_within_the_deadline(bench: Bench) -> None:
    await bench.services.heartbeat.beat()
    with anyio.fail_after(3), log_lines() as lines:
        seen = await sample(bench, {"graph": anyio.sleep_forever, "store": answers, "redis": answers})
    assert seen.status.data.services == {"graph": "down", "store": "ok", "redis": "ok"}
    assert [line["message"] for line in lines.all] == ["graph is down: it did not answer within 1 s."]


async def test_what_waits_is_counted_in_the_store(bench: Bench) -> None:
    for _ in range(3):
        await bench.submit_and_queue()
    await bench.claim(await bench.submit_and_queue(), "a worker")
    seen = await sample(bench, {"store": answers, "redis": answers})
    assert (seen.status.data.queue_length, seen.status.data.active_tasks, seen.waiting) == (3, 1, 9)


async def test_what_does_not_answer_counts_as_nothing_and_the_rest_is_told(bench: Bench) -> None:
    await bench.services.heartbeat.beat()
    await bench.submit_and_queue()
    bench.backing.redis.connected = False
    data = (await sample(bench, {"store": answers, "redis": bench.log.check})).status.data
    assert (data.services["redis"], data.workers) == ("down", 0)
    assert [reason[:28] for reason in data.reasons] == ["redis: Redis does not answer"], "nobody knows of the workers"
    assert data.queue_length == 1, "the store was not asked because another service is away"


async def test_hints_are_counted_in_each_queue_and_nobody_takes_a_broker_that_is_away_for_an_empty_one(
    bench: Bench,
) -> None:
    for name in ("papers.light", "papers.light\x06\x163", "papers.heavy\x06\x169"):  # a list for each step of priority
        await bench.side.redis.lpush(name, "a hint")
    assert await bench.services.system.hints() == {"papers.light": 2, "papers.heavy": 1}
    bench.backing.redis.connected = False
    assert await bench.services.system.hints() == {}


async def test_a_store_that_cannot_be_counted_is_down_and_not_one_with_nothing_to_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def counts() -> StoreCounts:
        raise UnavailableError("MongoDB does not answer; check PAPERS_STORE_URL and that it runs.")

    await bench.services.heartbeat.beat()
    monkeypatch.setattr(bench.store, "counts", counts)
    seen = await sample(bench, {"store": answers, "redis": answers})
    data = seen.status.data
    assert (data.services["store"], data.status) == ("down", "degraded")
    assert data.reasons == ("store: its papers could not be counted.",)
    assert (data.queue_length, data.active_tasks, seen.waiting) == (0, 0, 0)
    assert not (await system_of(bench, {"store": answers}).condition()).ready


@pytest.mark.slow
async def test_a_store_that_is_too_slow_to_count_is_down_and_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.store, "counts", anyio.sleep_forever)
    with anyio.fail_after(3):
        data = (await sample(bench, {"store": answers, "redis": answers})).status.data
    assert (data.services["store"], data.status, data.queue_length) == ("down", "degraded", 0)


@pytest.mark.slow
async def test_a_broker_that_never_says_how_many_hints_wait_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def length(_: Load) -> int:
        await anyio.sleep_forever()
        return 0

    monkeypatch.setattr(bench.side.queue, "length", length)
    with anyio.fail_after(3):
        assert await system_of(bench, {}).hints() == {}


def test_events_a_second_are_those_of_the_last_five_seconds() -> None:
    clock = ManualClock()
    rate = EventRate(clock)
    assert rate.per_second() == 0
    rate.count(12)
    clock.advance(1)
    rate.count(4)
    assert rate.per_second() == 3.2
    clock.advance(RATE_WINDOW.total_seconds() - 1)
    assert rate.per_second() == 3.2, "five seconds are not over"
    clock.advance(0.5)
    assert rate.per_second() == 0.8
    clock.advance(1)
    assert rate.per_second() == 0


async def test_prometheus_reads_the_figures_of_the_sample_under_these_names(bench: Bench) -> None:
    await bench.submit_and_queue()
    seen = await sample(bench, {"store": answers, "redis": answers, "graph": fails})
    text = Metrics(bench.clock, EventRate(bench.clock)).text(seen, {"papers.heavy": 4}).decode()
    told = {
        (found.name, *found.labels.values()): found.value
        for family in text_string_to_metric_families(text)
        for found in family.samples
    }
    expected = {
        ("queue_length",): 1,
        ("active_tasks",): 0,
        ("workers",): 0,
        ("connections",): 3,
        ("outbox_events",): 2,
        ("events_per_second",): 0,
        ("cpu_usage",): 50,
        ("memory_usage",): 25,
        ("celery_queue_length", "papers.heavy"): 4,
        ("service_up", "store"): 1,
        ("service_up", "redis"): 1,
        ("service_up", "graph"): 0,
    }
    assert {name: told[f"paper_processing_{name[0]}", *name[1:]] for name in expected} == expected
    assert 'paper_processing_service_up{service="graph"} 0.0' in text

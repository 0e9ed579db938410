"""What Prometheus is told is counted from the events of the log, whoever worked."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from app.domain.events import PaperEvent
from app.domain.stages import STAGES
from app.ports import LogEntry
from app.services.metrics import FOLLOWED, Metrics
from app.services.system import EventRate
from tests.support.bench import TEXT, Bench
from tests.support.in_process import FixedMachine
from tests.support.prometheus import samples

pytestmark = pytest.mark.anyio


@pytest.fixture
def metrics(bench: Bench) -> Metrics:
    return Metrics(bench.clock, EventRate(bench.clock))


async def values(bench: Bench, metrics: Metrics) -> dict[str, float]:
    sample = await bench.services.system.sample(connections=3)
    return samples(metrics.text(sample, await bench.services.system.hints()).decode())


async def logged(bench: Bench) -> Iterable[LogEntry]:
    await bench.services.relay.relay()
    return await bench.log.read("0-0", 10_000)


def a_second_apart(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """The same entries; each event as if it had come a second later after the one before."""
    return [
        entry.model_copy(update={"event": entry.event and later(entry.event, number)})
        for number, entry in enumerate(entries)
    ]


def later(event: PaperEvent, seconds: float) -> PaperEvent:
    return event.model_copy(update={"timestamp": event.timestamp + timedelta(seconds=seconds)})


async def test_a_run_is_counted_with_each_of_its_stages(bench: Bench, metrics: Metrics) -> None:
    paper_id = await bench.submit_and_queue()
    bench.clock.advance(7)
    await bench.services.pipeline.run(paper_id, 1)
    entries = a_second_apart(await logged(bench))
    metrics.read(entries)
    told = await values(bench, metrics)
    assert {stage.name: told[f"stage_seconds_count,{stage.name}"] for stage in STAGES} == {
        stage.name: 1.0 for stage in STAGES
    }
    assert told["runs_total,,completed"] == told["run_seconds_count"] == told["queue_seconds_count"] == 1
    after_claim = sum(entry.event is not None and entry.event.data.seq > 3 for entry in entries)
    assert told["queue_seconds_sum"] == 8, "from queued to claimed"
    assert told["run_seconds_sum"] == after_claim > len(STAGES), "waiting is no part of the run"
    assert sum(told[f"stage_seconds_sum,{stage.name}"] for stage in STAGES) == after_claim - 1, "all but the last word"
    assert (told["uploads_total,text/plain"], told["upload_bytes_total"]) == (1, len(TEXT))
    assert told["connections"] == 3


async def test_a_failed_run_is_counted_by_its_code(bench: Bench, metrics: Metrics) -> None:
    paper_id = await bench.submit_and_queue()
    for attempt in ("one", "two", "three"):
        await bench.claim(paper_id, attempt)
        bench.clock.advance(16)
    await bench.services.pipeline.run(paper_id, 1)
    metrics.read(list(await logged(bench)))
    assert (await values(bench, metrics))["runs_total,worker_lost,failed"] == 1


async def test_a_run_that_began_before_this_process_did_has_no_duration(bench: Bench, metrics: Metrics) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    seen = [entry for entry in await logged(bench) if entry.event and entry.event.data.seq > 2]
    metrics.read(seen)
    told = await values(bench, metrics)
    assert told["runs_total,,completed"] == 1
    assert told["run_seconds_count"] == told["queue_seconds_count"] == told["stage_seconds_count,read"] == 0


async def test_lags_are_measured_from_the_event_to_the_log_and_from_there_to_here(
    bench: Bench, metrics: Metrics
) -> None:
    await bench.submit()
    (entry,) = (entry for entry in await logged(bench) if entry.event)
    assert entry.event is not None
    stored = round(entry.event.timestamp.timestamp() * 1000)
    bench.clock.advance(6)
    metrics.read([entry.model_copy(update={"id": f"{stored + 2000}-0"})])
    told = await values(bench, metrics)
    assert (told["outbox_lag_seconds_count"], told["log_lag_seconds_count"]) == (1, 1)
    assert told["outbox_lag_seconds_sum"] == pytest.approx(2, abs=0.001)
    assert told["log_lag_seconds_sum"] == pytest.approx(4, abs=0.001)
    counted = [told[f"log_lag_seconds_bucket,{seconds}"] for seconds in (0.001, 2.5, 5.0, 60.0)]
    assert counted == [0, 0, 1, 1], "four seconds are among those of at most five"
    assert told["events_total,paper_status"] == 1


async def test_a_lag_is_told_as_it_is_and_clocks_that_differ_make_none_below_zero(
    bench: Bench, metrics: Metrics
) -> None:
    await bench.submit()
    (entry,) = (entry for entry in await logged(bench) if entry.event)
    assert entry.event is not None
    now = round(entry.event.timestamp.timestamp() * 1000)
    metrics.read([entry.model_copy(update={"id": f"{now - 5000}-0"})])  # the log's clock is behind
    metrics.read([entry.model_copy(update={"id": f"{now + 10}-17"})])  # it is ahead of this process's
    told = await values(bench, metrics)
    assert told["outbox_lag_seconds_sum"] == pytest.approx(0.01, abs=0.001)
    assert told["log_lag_seconds_sum"] == pytest.approx(5, abs=0.001)


async def test_a_run_whose_paper_is_deleted_is_followed_no_longer(bench: Bench, metrics: Metrics) -> None:
    deleted, other = [await bench.submit_and_queue() for _ in range(2)]
    metrics.read(list(await logged(bench)))
    assert metrics.followed == 2
    await bench.services.papers.delete(deleted)
    metrics.read([entry for entry in await logged(bench) if entry.event and entry.event.event_type == "paper_deleted"])
    assert metrics.followed == 1, f"that of {other} goes on"


@pytest.mark.slow
async def test_runs_whose_end_never_comes_do_not_fill_the_memory(bench: Bench, metrics: Metrics) -> None:
    await bench.submit_and_queue()
    queued = next(entry for entry in await logged(bench) if entry.event and entry.event.data.seq == 2)
    assert queued.event is not None
    for number in range(FOLLOWED + 5):
        data = queued.event.data.model_copy(update={"paper_id": str(number)})
        metrics.read([queued.model_copy(update={"event": queued.event.model_copy(update={"data": data})})])
    assert metrics.followed == FOLLOWED


async def test_requests_are_counted_by_route_and_never_by_what_a_client_makes_up(
    bench: Bench, metrics: Metrics
) -> None:
    metrics.request("GET", "/papers/{paper_id}", 200, 0.01)
    metrics.request("BREW", "none", 404, 0.01)
    told = await values(bench, metrics)
    assert told["http_request_seconds_count,GET,/papers/{paper_id},200"] == 1
    assert told["http_request_seconds_count,other,none,404"] == 1


async def test_two_services_in_one_process_share_no_counter(bench: Bench, metrics: Metrics) -> None:
    metrics.socket_closed(4408)
    other = Metrics(bench.clock, EventRate(bench.clock))
    assert (await values(bench, metrics))["sockets_closed_total,4408"] == 1
    assert "sockets_closed_total,4408" not in await values(bench, other)
    assert FixedMachine().usage()[0] == (await values(bench, metrics))["cpu_usage"]


async def test_every_figure_of_a_sample_is_told_under_its_own_name(bench: Bench, metrics: Metrics) -> None:
    await bench.submit_and_queue()  # waits
    await bench.claim(await bench.submit_and_queue(), "a worker")
    for worker in ("one", "another", "a third"):
        await bench.side.queue.announce(worker)
    sample = await bench.services.system.sample(connections=4)
    sample.status.data.services["redis"] = "down"
    told = samples(metrics.text(sample, {"light": 5, "heavy": 0}).decode())
    assert {name: told[name] for name in list(told)[: list(told).index("celery_queue_length,heavy") + 1]} == {
        "queue_length": 1.0,
        "active_tasks": 1.0,
        "workers": 3.0,
        "connections": 4.0,
        "outbox_events": 5.0,  # two uploads, two runs, and the one that began
        "events_per_second": 0.0,
        "cpu_usage": 50.0,
        "memory_usage": 25.0,
        "service_up,store": 1.0,
        "service_up,redis": 0.0,
        "service_up,graph": 1.0,
        "service_up,files": 1.0,
        "celery_queue_length,light": 5.0,
        "celery_queue_length,heavy": 0.0,
    }

"""What the service says of itself: `/system/status`, the probes, `/metrics`."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.answers import body
from tests.support.lane import Lane
from tests.support.prometheus import samples

pytestmark = pytest.mark.anyio

ALL_WELL = {"store": "ok", "redis": "ok", "graph": "ok", "files": "ok"}


async def test_the_status_holds_the_data_of_both_system_events_and_how_far_events_are(lane: Lane) -> None:
    await lane.upload("a.txt", b"Words.")
    await lane.settled()
    status = await lane.status()
    assert status.keys() == {
        *("status", "reasons", "queue_length", "active_tasks", "workers", "connections", "services"),
        *("cpu_usage", "memory_usage", "events_per_second"),
        *("waiting", "log_position", "hub_position"),
    }
    assert (status["status"], status["services"]) == ("ok", ALL_WELL)
    assert status["workers"] >= 1
    assert (status["waiting"], status["hub_position"]) == (0, status["log_position"])


@pytest.mark.one_api
async def test_the_status_counts_open_sockets(lane: Lane) -> None:
    before = (await lane.status())["connections"]
    async with lane.connect("/ws") as socket:
        await socket.receive_json()
        assert (await lane.status())["connections"] == before + 1


async def test_the_probes_say_ok(lane: Lane) -> None:
    assert body(await lane.client.get("/health/live")) == {"status": "ok"}
    assert body(await lane.client.get("/health/ready")) == {"status": "ok", "reasons": [], "services": ALL_WELL}


async def test_the_metrics_are_what_prometheus_reads(lane: Lane) -> None:
    answer = await lane.client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {name.removeprefix("paper_processing_") for name in families} >= {
        *("queue_length", "active_tasks", "workers", "connections", "outbox_events", "service_up"),
        *("stage_seconds", "run_seconds", "outbox_lag_seconds", "log_lag_seconds", "http_request_seconds"),
    }
    up = {sample.labels["service"]: sample.value for sample in families["paper_processing_service_up"].samples}
    assert up == dict.fromkeys(ALL_WELL, 1.0)
    assert all(family.documentation for family in families.values())


@pytest.mark.one_api
async def test_the_metrics_count_what_the_log_tells_and_why_sockets_were_closed(lane: Lane) -> None:
    before = await metrics(lane)
    await lane.upload("a.txt", b"Words.")
    await lane.settled()
    async with lane.connect("/ws/nobody") as socket:
        assert await socket.receive_close() == 4404
    after = await metrics(lane)
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    assert grown["uploads_total,text/plain"] == 1
    assert grown["log_lag_seconds_count"] == grown["outbox_lag_seconds_count"] >= 1
    assert grown["sockets_closed_total,4404"] == 1
    assert grown["http_request_seconds_count,POST,/papers/,201"] == 1


async def metrics(lane: Lane) -> dict[str, float]:
    return samples((await lane.client.get("/metrics")).text)

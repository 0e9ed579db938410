"""How the service is, told on `/ws`: at once, then on every tick of the clock, only ever the newest."""

from typing import Any

import pytest

from conftest import Connect
from tests.integration_tests.websocket.steps import opened, ping, types, upload, with_settings
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.sockets import Socket
from tests.support.starlette_client import InProcessSocket
from tests.support.transcript import Message

pytestmark = pytest.mark.anyio

INTERVAL = 2
STATUS = {"status", "reasons", "queue_length", "active_tasks", "workers", "connections", "services"}
METRICS = {"cpu_usage", "memory_usage", "events_per_second"}
SERVICES = {"store", "redis", "graph", "files"}


async def tick(lane: InProcessLane, socket: Socket) -> tuple[dict[str, Any], dict[str, Any]]:
    """Moves the clock by one interval; the data of the two events that follow."""
    lane.clock.advance(INTERVAL)
    status = await socket.receive_until("system_status")
    metrics = await socket.receive_json()
    assert metrics["event_type"] == "system_metrics"
    return status["data"], metrics["data"]


def of_system(messages: list[Message]) -> list[str]:
    return [kind for kind in types(messages) if kind.startswith("system_")]


@pytest.mark.smoke
async def test_right_after_the_connection_the_state_of_the_system_is_told(websocket_client: Socket) -> None:
    await opened(websocket_client)
    status, metrics = await websocket_client.receive_json(), await websocket_client.receive_json()
    assert (status["event_type"], metrics["event_type"]) == ("system_status", "system_metrics")
    assert (status["id"], metrics["id"]) == (None, None)
    assert status["data"].keys() == STATUS
    assert status["data"]["status"] == "ok"
    assert status["data"]["workers"] >= 1
    assert status["data"]["services"] == dict.fromkeys(SERVICES, "ok")
    assert metrics["data"].keys() == METRICS
    assert 0 <= metrics["data"]["memory_usage"] <= 100


async def test_http_tells_the_same_as_the_events(lane: Lane, websocket_client: Socket) -> None:
    await opened(websocket_client)
    status, metrics = await websocket_client.receive_json(), await websocket_client.receive_json()
    told = await lane.status()
    assert told.keys() > STATUS | METRICS
    assert {name: told[name] for name in ("status", "workers", "services")} == {
        name: status["data"][name] for name in ("status", "workers", "services")
    }
    assert told["memory_usage"] == pytest.approx(metrics["data"]["memory_usage"], abs=20)


@pytest.mark.in_process
@with_settings(system_status_interval=7)
async def test_the_interval_is_the_one_of_the_settings(in_process: InProcessLane, websocket_client: Socket) -> None:
    await opened(websocket_client)
    await in_process.fence(websocket_client)
    in_process.clock.advance(6.9)
    assert of_system(await in_process.fence(websocket_client)) == []
    in_process.clock.advance(0.1)
    await websocket_client.receive_until("system_status")


@pytest.mark.in_process
async def test_every_interval_brings_one_status_and_one_metrics_and_nothing_comes_between(
    in_process: InProcessLane, websocket_client: Socket
) -> None:
    await opened(websocket_client)
    await in_process.fence(websocket_client)
    in_process.clock.advance(INTERVAL - 0.1)
    assert of_system(await in_process.fence(websocket_client)) == []
    in_process.clock.advance(0.1)
    await websocket_client.receive_until("system_metrics")
    for _ in range(2):
        await tick(in_process, websocket_client)
    assert of_system(await in_process.fence(websocket_client)) == []
    told = of_system(websocket_client.transcript.messages)
    assert told == ["system_status", "system_metrics"] * 4


@pytest.mark.in_process
async def test_the_socket_of_a_paper_is_told_nothing_of_the_system(
    in_process: InProcessLane, paper_websocket_client: Socket, websocket_client: Socket
) -> None:
    await opened(websocket_client)
    await in_process.fence(websocket_client)
    await tick(in_process, websocket_client)
    await in_process.fence(paper_websocket_client)
    assert of_system(paper_websocket_client.transcript.messages) == []


@pytest.mark.in_process
async def test_a_slow_reader_gets_the_newest_state_only_and_is_not_cut_off(
    in_process: InProcessLane, websocket_client: Socket
) -> None:
    slow = await InProcessSocket.open(in_process.test_client, "/ws", buffer=1)
    async with in_process.keep(slow):
        await in_process.fence(websocket_client)
        for _ in range(5):
            newest, _ = await tick(in_process, websocket_client)
        await slow.read_on()
        await ping(slow)
        statuses = [m["data"] for m in slow.transcript.messages if m["event_type"] == "system_status"]
    assert len(statuses) == 2, "the one at the opening, and the newest of five"
    assert statuses[-1] == newest


@pytest.mark.in_process
async def test_a_socket_that_opens_gets_the_cached_sample_and_no_look_of_its_own(
    in_process: InProcessLane, websocket_client: Socket
) -> None:
    """Redis is away, but nobody has noticed yet."""
    in_process.backing.redis.connected = False
    async with in_process.connect("/ws") as late:
        assert (await late.receive_until("system_status"))["data"]["status"] == "ok"
    in_process.backing.redis.connected = True


@pytest.mark.in_process
async def test_the_state_is_degraded_while_a_service_is_away_and_well_again_after(
    in_process: InProcessLane, websocket_client: Socket
) -> None:
    await in_process.fence(websocket_client)
    in_process.backing.redis.connected = False
    status, _ = await tick(in_process, websocket_client)
    assert status["status"] == "degraded"
    assert status["services"] == {**dict.fromkeys(SERVICES, "ok"), "redis": "down"}
    async with in_process.connect("/ws") as late:
        assert (await late.receive_until("system_status"))["data"] == status
    in_process.backing.redis.connected = True
    status, _ = await tick(in_process, websocket_client)
    assert status["status"] == "ok"


@pytest.mark.in_process
async def test_waiting_and_running_papers_and_open_sockets_are_counted(
    in_process: InProcessLane, websocket_client: Socket, connect: Connect
) -> None:
    await in_process.fence(websocket_client)
    dispatch, read = in_process.hold("dispatch"), in_process.hold("read")
    paper_id = await upload(in_process)
    await in_process.process(paper_id)
    await dispatch.reached()
    await in_process.fence(websocket_client)  # both events are read, and count
    status, metrics = await tick(in_process, websocket_client)
    assert (status["queue_length"], status["active_tasks"], status["connections"]) == (1, 0, 1)
    assert metrics == {"cpu_usage": 50.0, "memory_usage": 25.0, "events_per_second": 0.4}
    dispatch.release()
    await read.reached()
    async with connect("/ws") as other:
        await opened(other)
        status, _ = await tick(in_process, websocket_client)
    assert (status["queue_length"], status["active_tasks"], status["connections"]) == (0, 1, 2)

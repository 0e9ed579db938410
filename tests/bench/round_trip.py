"""What the in-process suite costs a message: its round trip over a WebSocket, and that of an empty Starlette application."""

import time
from pathlib import Path
from statistics import median

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.settings import Settings
from tests.bench.fan_out import Step
from tests.integration_tests.websocket.steps import ping
from tests.support.in_process import Applications, open_in_process_lane

ROUNDS, TRIPS = 5, 200


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        return


def empty() -> float:
    """Median microseconds of an echo by Starlette's own test client."""
    with (
        TestClient(Starlette(routes=[WebSocketRoute("/ws", _echo)])) as client,
        client.websocket_connect("/ws") as socket,
    ):
        trips = []
        for _ in range(TRIPS):
            start = time.perf_counter()
            socket.send_text('{"action":"ping"}')
            socket.receive_text()
            trips.append(time.perf_counter() - start)
    return median(trips) * 1e6


async def suite(applications: Applications, folder: Path) -> float:
    """Median microseconds of a ping by the suite's socket: through session, queue and transcript."""
    async with open_in_process_lane(applications, Settings(data_dir=folder)) as lane, lane.connect("/ws") as socket:
        trips = []
        for _ in range(TRIPS):
            start = time.perf_counter()
            await ping(socket)
            trips.append(time.perf_counter() - start)
    return median(trips) * 1e6


async def round_trip(folder: Path, step: Step) -> dict[str, float]:
    """Microseconds, the two in turn."""
    applications = Applications()
    found: dict[str, list[float]] = {"empty Starlette application": [], "this suite": []}
    for number in range(ROUNDS):
        step(f"round {number + 1}")
        found["empty Starlette application"].append(empty())
        found["this suite"].append(await suite(applications, folder))
    applications.celery.close()
    return {name: median(trips) for name, trips in found.items()}

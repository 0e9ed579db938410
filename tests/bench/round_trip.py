"""What the in-process suite costs a message: its round trip over a WebSocket, and that of an empty Starlette application."""

import time
from pathlib import Path
from statistics import median

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.settings import Settings
from tests.bench.figures import FIGURES, bars
from tests.bench.report import Report, Step
from tests.integration_tests.websocket.steps import ping
from tests.support.in_process import Applications, open_in_process_lane

ROUNDS, TRIPS = 9, 200
STEPS = ROUNDS


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


async def run(folder: Path, step: Step) -> Report:
    """The two in turn."""
    applications = Applications()
    empties, ours = [], []
    for number in range(ROUNDS):
        step(f"round {number + 1}")
        empties.append(empty())
        ours.append(await suite(applications, folder))
    applications.celery.close()
    times = median(one / other for one, other in zip(ours, empties, strict=True))
    found = {"an empty Starlette application": median(empties), "this suite": median(ours)}
    bars(found, "µs", FIGURES / "round-trip.svg")
    return Report(
        ("a message there and back", "µs"),
        [(name, f"{microseconds:,.0f}") for name, microseconds in found.items()],
        [f"the suite takes {times:.1f} times as long as an empty application"],
    )

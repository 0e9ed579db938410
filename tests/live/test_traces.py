"""The spans of real processes, sent over OTLP to a collector or to nobody."""

import gzip
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import anyio
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from conftest import SEED_PAPER
from tests.support.live import LiveLane, LiveServer
from tests.support.patience import within
from tests.support.ports import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.live]

NEVER = {
    "OTEL_BSP_SCHEDULE_DELAY": "3600000",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10000",
    "OTEL_BSP_MAX_QUEUE_SIZE": "10000",
}
"""Spans are sent when a process ends, and not before."""


@dataclass(frozen=True)
class Told:
    """What a collector was told of one span."""

    process: str
    name: str
    trace: bytes
    last_seq: int


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP in, as a real one does."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Told] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = ExportTraceServiceRequest.FromString(
            gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        )
        for resource in request.resource_spans:
            names = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    numbers = {each.key: each.value.int_value for each in span.attributes}
                    seq = numbers.get("paper.last_seq", 0)
                    self.server.spans.append(Told(names["service.name"], span.name, span.trace_id, seq))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def worked_through(server: LiveServer) -> int:
    """The `seq` of a paper's last event, which a socket has got."""
    async with LiveLane(server) as lane:
        paper_id = (await lane.upload(SEED_PAPER.name, SEED_PAPER.read_bytes()))["id"]
        async with lane.connect(f"/ws/{paper_id}") as watcher:
            await lane.process(paper_id)
            last = await watcher.receive_until("paper_status", status="completed")
        await lane.settled()
    return int(last["data"]["seq"])


async def test_a_collector_gets_one_trace_from_upload_to_last_event_and_all_of_it_when_the_service_ends(
    collector: Collector, tmp_path: Path
) -> None:
    with LiveServer(tmp_path, None, PAPERS_WORKERS="1", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **NEVER) as server:
        last = await worked_through(server)
        assert collector.spans == []
    assert "submit" in {span.name for span in collector.spans}
    (trace,) = {span.trace for span in collector.spans if span.name == "submit"}
    told = [span for span in collector.spans if span.trace == trace]
    where = {
        name: {span.process.removeprefix("paper-processing-") for span in told if span.name == name}
        for name in ("submit", "process", "run", "stage read", "stage knowledge_graph", "deliver")
    }
    assert where == {
        "submit": {"api"},
        "process": {"api"},
        "run": {"worker"},
        "stage read": {"worker"},
        "stage knowledge_graph": {"worker"},
        "deliver": {"api"},
    }
    assert max(span.last_seq for span in told if span.name == "deliver") == last


def about_spans(server: LiveServer, process: str) -> list[str]:
    """What the log of these processes says about spans."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    told = [line for line in lines if line["logger"].startswith(("opentelemetry", "app.tracing"))]
    return [line["message"] for line in told if line["process"] == process]


async def test_without_a_collector_the_service_works_and_says_so_once(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    quick = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    json_lines = {"PAPERS_LOG_FORMAT": "json", "PAPERS_WORKERS": "1"}
    with LiveServer(tmp_path, None, OTEL_EXPORTER_OTLP_ENDPOINT=nobody, **quick, **json_lines) as server:
        await worked_through(server)
        with within(30, "nothing is said about spans that are lost"):
            while not (about_spans(server, "api") and about_spans(server, "worker")):
                await anyio.sleep(0.1)
        await worked_through(server)  # more spans, lost as well
    for process in ("api", "worker"):
        assert about_spans(server, process) == [
            "spans cannot be sent and are lost until they can; PAPERS_LOG_LEVEL=DEBUG tells why"
        ]


def test_a_collector_that_does_not_answer_holds_no_end_up() -> None:
    code = "from app.tracing import step, tracing\nwith tracing('api'), step('work', 'p1'): pass"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "600"}
        # OpenTelemetry alone waits 30 s.
        subprocess.run([sys.executable, "-c", code], env={**os.environ, **settings}, check=True, timeout=20)

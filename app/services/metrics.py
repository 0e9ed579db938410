"""What Prometheus reads of one process, in a registry of its own.

What happens to papers is told by the events of the log, so that is where it is counted: every API process reads them
all, whoever worked. Workers need no endpoint and nothing has to be merged. The price: each API process counts all
papers from its own start on (several of them agree, and must not be added up), and what is told while none runs is
counted by none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from app.domain.events import PaperDeletedEvent, PaperEvent, PaperProgressEvent, PaperStatusEvent
from app.domain.lifecycle import TERMINAL, Status
from app.domain.stages import STAGES
from app.ports import Clock, LogEntry
from app.services.system import EventRate, Sample

disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series each, that nobody reads

PREFIX = "paper_processing"
LAG = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
WORK = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FOLLOWED = 10_000
"""Runs whose beginning is kept in mind; beyond that the oldest is forgotten, as its end may never come."""


@dataclass
class _Run:
    step_began: datetime
    claimed: datetime | None = None


class Metrics:
    """Counters and histograms; `text` adds what is looked at only when asked."""

    def __init__(self, clock: Clock, rate: EventRate) -> None:
        self._clock = clock
        self._rate = rate
        self._registry = registry = CollectorRegistry()
        self._runs_now: dict[str, _Run] = {}

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"{PREFIX}_{name}", meaning, labels, registry=registry)

        def histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"{PREFIX}_{name}", meaning, labels, registry=registry, buckets=buckets)

        self._events = counter("events", "Events of papers read from the log", "event_type")
        self._uploads = counter("uploads", "Papers taken in", "content_type")
        self._upload_bytes = counter("upload_bytes", "Bytes of the papers taken in")
        self._ended = counter("runs", "Runs that ended, failed ones by the code of their error", "status", "code")
        self._closed = counter("sockets_closed", "WebSockets this process closed, by close code", "code")
        self._requests = histogram(
            "http_request_seconds", "HTTP requests, from the first byte to the last", WORK, "method", "route", "status"
        )
        self._waits = histogram("queue_seconds", "From queued to claimed by a worker", WORK)
        self._stages = histogram("stage_seconds", "One stage of a run, redone work included", WORK, "stage")
        self._runs = histogram("run_seconds", "From claimed by a worker to the end of the run", WORK)
        self._outbox_lag = histogram("outbox_lag_seconds", "From an event's own time to its place in the log", LAG)
        self._log_lag = histogram("log_lag_seconds", "From an event's place in the log to this process's sockets", LAG)
        for stage in STAGES:
            self._stages.labels(stage.name)  # there from the start, so that a rate has its zero

    @property
    def followed(self) -> int:
        """Runs that go on, as far as this process knows."""
        return len(self._runs_now)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method if method in METHODS else "other", route, str(status)).observe(seconds)

    def socket_closed(self, code: int) -> None:
        self._closed.labels(str(code)).inc()

    def read(self, entries: Sequence[LogEntry]) -> None:
        """Entries of the log, each once, when they were handed to the sockets."""
        self._rate.count(len(entries))
        now = self._clock.now().timestamp()
        for entry in entries:
            if entry.event is None:
                continue
            logged = int(entry.id.partition("-")[0]) / 1000
            # Two machines' clocks may differ by more than the lag.
            self._outbox_lag.observe(max(0.0, logged - entry.event.timestamp.timestamp()))
            self._log_lag.observe(max(0.0, now - logged))
            self._events.labels(entry.event.event_type).inc()
            self._follow(entry.event)

    def text(self, sample: Sample, hints: Mapping[str, int]) -> bytes:
        """All of it in Prometheus' format, with the figures of a sample and the hints that wait in each queue."""
        status, metrics = sample.status.data, sample.metrics.data
        looked_at = CollectorRegistry()
        gauges = {
            "queue_length": ("Papers that wait for a worker", status.queue_length),
            "active_tasks": ("Runs that have begun and not ended", status.active_tasks),
            "workers": ("Worker processes heard of lately", status.workers),
            "connections": ("WebSockets open in this process", status.connections),
            "outbox_events": ("Events stored but not yet in the log", sample.waiting),
            "events_per_second": ("Events this process read from the log", metrics.events_per_second),
            "cpu_usage": ("Percent of this machine", metrics.cpu_usage),
            "memory_usage": ("Percent of this machine", metrics.memory_usage),
        }
        for name, (meaning, value) in gauges.items():
            Gauge(f"{PREFIX}_{name}", meaning, registry=looked_at).set(value)
        up = Gauge(f"{PREFIX}_service_up", "Whether a backing service answers", ["service"], registry=looked_at)
        for service, state in status.services.items():
            up.labels(service).set(state == "ok")
        waiting = Gauge(f"{PREFIX}_celery_queue_length", "Hints in this queue of Celery", ["queue"], registry=looked_at)
        for queue, length in hints.items():  # one that is not known is left out: it is not empty
            waiting.labels(queue).set(length)
        return generate_latest(looked_at) + generate_latest(self._registry)

    def _follow(self, event: PaperEvent) -> None:
        if isinstance(event, PaperStatusEvent):
            self._note_status(event)
        elif isinstance(event, PaperProgressEvent) and event.data.stage_progress == 100:
            run = self._runs_now.get(event.data.paper_id)
            if run is not None:  # else it began before this process did
                self._stages.labels(event.data.stage).observe(_seconds(run.step_began, event))
                run.step_began = event.timestamp
        elif isinstance(event, PaperDeletedEvent):
            self._runs_now.pop(event.data.paper_id, None)

    def _note_status(self, event: PaperStatusEvent) -> None:
        data = event.data
        if data.status is Status.UPLOADED:
            self._uploads.labels(str(data.changes["content_type"])).inc()
            self._upload_bytes.inc(float(str(data.changes["size"])))
        elif data.status is Status.QUEUED:
            self._runs_now[data.paper_id] = _Run(event.timestamp)
            if len(self._runs_now) > FOLLOWED:
                del self._runs_now[next(iter(self._runs_now))]
        elif data.status in TERMINAL:
            self._end_run(event, self._runs_now.pop(data.paper_id, None))
        elif data.previous_status is Status.QUEUED and data.paper_id in self._runs_now:
            run = self._runs_now[data.paper_id]
            self._waits.observe(_seconds(run.step_began, event))
            run.step_began = run.claimed = event.timestamp

    def _end_run(self, event: PaperStatusEvent, run: _Run | None) -> None:
        error = event.data.changes.get("error")
        code = str(error["code"]) if isinstance(error, dict) else ""
        self._ended.labels(event.data.status.value, code).inc()
        if run is not None and run.claimed is not None:
            self._runs.observe(_seconds(run.claimed, event))


def _seconds(began: datetime, event: PaperEvent) -> float:
    return (event.timestamp - began).total_seconds()

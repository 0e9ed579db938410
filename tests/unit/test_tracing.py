"""One trace tells what happens to a paper, in whichever process; without the variables nothing is recorded."""

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import cast
from uuid import UUID

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind

from app import tracing
from app.domain.errors import PaperProcessingError
from app.domain.stages import STAGES
from app.realtime.hub import Consumer
from app.realtime.news import News
from tests.support.bench import Bench
from tests.support.deadlines import until
from tests.support.in_process import InProcessLane
from tests.support.log_by_hand import LogByHand, entry, hub_over

pytestmark = [pytest.mark.anyio, pytest.mark.in_process, pytest.mark.extended]

PAPER = b"Attention is all you need\n\nAbstract\n\nWe use BERT on GLUE.\n"
CLIENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Every span that ends during the test."""
    exporter = InMemorySpanExporter()
    provider = tracing.make_provider("tests", SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("tests"))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)  # FastAPI's; the official way works once a process
    yield exporter
    provider.shutdown()


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def of_paper(spans: InMemorySpanExporter, paper_id: str) -> list[ReadableSpan]:
    """Those in the paper's trace, in the order they began."""
    wanted = tracing._first_of(paper_id).trace_id
    found = [span for span in spans.get_finished_spans() if context_of(span).trace_id == wanted]
    return sorted(found, key=lambda span: span.start_time or 0)


async def worked_through(in_process: InProcessLane, spans: InMemorySpanExporter) -> str:
    """The id of a paper whose run has ended, its spans too: the last event is told a little before they do."""
    paper_id = str((await in_process.upload("attention.txt", PAPER))["id"])
    await in_process.process(paper_id)
    await in_process.settled()
    last = (await in_process.client.get(f"/papers/{paper_id}")).json()["seq"]

    async def ended() -> bool:
        names = by_name(of_paper(spans, paper_id))
        return {"run", "hint"} <= set(names) and all(last in seqs(names[name]) for name in ("relay", "deliver"))

    await until(ended, f"a run, a hint, and a relay and a delivery of event {last}")
    return paper_id


def by_name(found: list[ReadableSpan]) -> dict[str, list[ReadableSpan]]:
    names = defaultdict(list)
    for span in found:
        names[span.name].append(span)
    return names


def seqs(found: list[ReadableSpan]) -> list[int]:
    """The events that these spans tell of, all of them."""
    told: list[int] = []
    for span in found:
        attributes = span.attributes or {}
        if "paper.first_seq" in attributes:
            told += range(int(str(attributes["paper.first_seq"])), int(str(attributes["paper.last_seq"])) + 1)
    return told


async def test_a_paper_is_one_trace_from_upload_to_its_last_event(
    in_process: InProcessLane, spans: InMemorySpanExporter
) -> None:
    paper_id = await worked_through(in_process, spans)
    last = (await in_process.client.get(f"/papers/{paper_id}")).json()["seq"]

    found = of_paper(spans, paper_id)
    names = by_name(found)
    first = found[0]
    assert (first.name, first.parent) == ("submit", None)
    stages = [f"stage {stage.name}" for stage in STAGES]
    for name in ("submit", "process", "run", *stages):
        assert len(names[name]) == 1, f"{name}: {len(names[name])} spans among {sorted(names)}"
    steps = [span.name for span in found if span.name in {"submit", "process", "hint", "run", *stages}]
    assert list(dict.fromkeys(steps)) == ["submit", "process", "hint", "run", *stages]

    every = list(range(1, last + 1))
    assert sorted(seqs(names["write"])) == every, "each event belongs to one write"
    assert sorted(set(seqs(names["relay"]))) == every
    assert sorted(set(seqs(names["deliver"]))) == every
    assert names["run"][0].kind is SpanKind.CONSUMER
    assert names["hint"][0].kind is SpanKind.PRODUCER
    assert max(span.start_time or 0 for span in names["deliver"]) > max(span.start_time or 0 for span in names["relay"])


async def test_what_people_and_dispatchers_do_with_a_paper_has_a_step_of_its_own(
    bench: Bench, spans: InMemorySpanExporter
) -> None:
    paper_id = await bench.submit_and_queue()
    async with bench.dispatching() as dispatch:
        await dispatch(woken=True)
    await bench.services.papers.cancel(paper_id)
    await bench.services.papers.delete(paper_id)
    names = by_name(of_paper(spans, paper_id))
    assert {"submit", "process", "hint", "cancel", "delete"} <= set(names), sorted(names)
    assert (names["hint"][0].attributes or {})["paper.run"] == 1


async def test_a_delivery_lasts_from_the_reading_to_the_last_socket(spans: InMemorySpanExporter) -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    handed_out: list[int] = []

    class Watcher:
        papers = None

        def deliver(self, news: News) -> None:
            handed_out.append(time.time_ns())

    hub.join(cast(Consumer, Watcher()), hub.position)
    log.entries.append(entry(2, "a"))
    await hub._read()
    (delivery,) = spans.get_finished_spans()
    assert (delivery.start_time or 0) <= handed_out[0] <= (delivery.end_time or 0)


@pytest.mark.slow
async def test_every_span_of_a_paper_hangs_below_its_first(
    in_process: InProcessLane, spans: InMemorySpanExporter
) -> None:
    found = of_paper(spans, await worked_through(in_process, spans))
    ids = {context_of(span).span_id: span for span in found}
    assert [span.name for span in found if span.parent is None] == ["submit"]
    assert [span.name for span in found if span.parent is not None and span.parent.span_id not in ids] == []
    above = {span.name: ids[span.parent.span_id].name for span in found if span.parent is not None}
    assert above["run"] == above["relay"] == above["deliver"] == above["hint"] == above["process"] == "submit"
    assert above["stage read"] == "run"
    writes = {ids[span.parent.span_id].name for span in found if span.name == "write" and span.parent is not None}
    assert writes >= {"submit", "process", "run", "stage read"}


@pytest.mark.slow
async def test_two_papers_are_two_traces(in_process: InProcessLane, spans: InMemorySpanExporter) -> None:
    papers = [await in_process.upload(name, PAPER) for name in ("one.txt", "two.txt")]
    await in_process.settled()
    for paper in papers:
        told = {(span.attributes or {}).get("paper.id", paper["id"]) for span in of_paper(spans, paper["id"])}
        assert told == {paper["id"]}


@pytest.mark.slow
async def test_a_request_is_in_its_client_s_trace_and_the_paper_s_step_links_to_it(
    in_process: InProcessLane, spans: InMemorySpanExporter
) -> None:
    paper = await in_process.upload("attention.txt", PAPER)
    answer = await in_process.client.post(f"/papers/{paper['id']}/process", headers={"traceparent": CLIENT})
    assert answer.status_code == 200
    await in_process.settled()

    requests = by_name(list(spans.get_finished_spans()))
    (request,) = requests["POST /papers/{paper_id}/process"]
    context = context_of(request)
    assert f"{context.trace_id:032x}" == CLIENT.split("-")[1]
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == CLIENT.split("-")[2]
    assert (request.attributes or {})["http.response.status_code"] == 200
    (process,) = by_name(of_paper(spans, paper["id"]))["process"]
    assert [link.context.span_id for link in process.links] == [context.span_id]


@pytest.mark.slow
async def test_probes_are_not_traced(in_process: InProcessLane, spans: InMemorySpanExporter) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        await in_process.client.get(path)
    assert [span.name for span in spans.get_finished_spans() if span.name.startswith("GET")] == []


@pytest.mark.slow
def test_every_process_makes_the_same_ids_for_a_paper() -> None:
    code = "from app.tracing import _first_of; first = _first_of('455f7bb0'); print(first.trace_id, first.span_id)"
    answers = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    first = tracing._first_of("455f7bb0")
    assert answers == {f"{first.trace_id} {first.span_id}\n"}
    assert first.is_valid


KINDS = {"api": tracing.first_step, "worker": tracing.step}
"""How a process of each kind begins its part of a paper's trace."""


def test_the_exporter_is_closed_with_what_tells_of_its_losses() -> None:
    exporter = InMemorySpanExporter()
    told = tracing._tells_once(exporter)
    assert told.export([]) is SpanExportResult.SUCCESS
    told.shutdown()
    assert exporter.export([]) is SpanExportResult.FAILURE, "it was left open, with what it had not sent"


def test_a_sampler_by_ratio_keeps_whole_papers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    providers = {kind: tracing.make_provider(kind, SimpleSpanProcessor(InMemorySpanExporter())) for kind in KINDS}
    kept = 0
    for number in range(200):
        paper_id = str(UUID(int=number, version=4))
        recorded = set()
        for kind, begin in KINDS.items():
            monkeypatch.setattr(tracing, "tracer", providers[kind].get_tracer("tests"))
            with begin("work", paper_id) as span:
                recorded.add(span.is_recording())
        assert len(recorded) == 1, "one process keeps the paper, the other does not"
        kept += recorded.pop()
    for provider in providers.values():
        provider.shutdown()
    assert 60 < kept < 140


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("OTEL_SDK_DISABLED", *tracing._SWITCHES):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"},
        {"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_nothing_is_recorded_unless_the_variables_say_so(unset: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        unset.setenv(name, value)
    tracing.start_tracing("tests")
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    assert not tracing.is_on()
    with tracing.first_step("submit", "p1") as span:
        assert not span.is_recording()


def test_an_exporter_nobody_knows_stops_the_start_with_a_sentence(unset: pytest.MonkeyPatch) -> None:
    unset.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with pytest.raises(PaperProcessingError, match="OTEL_TRACES_EXPORTER is 'zipkin', which cannot be"):
        tracing.start_tracing("tests")


def test_variables_without_the_extra_stop_the_start_with_a_sentence(unset: pytest.MonkeyPatch) -> None:
    unset.setenv("OTEL_TRACES_EXPORTER", "console")
    unset.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    with pytest.raises(PaperProcessingError, match=r"pip install 'paper-processing\[otel\]'"):
        tracing.start_tracing("tests")

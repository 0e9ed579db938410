"""Traces: what happens to a paper is one OpenTelemetry trace, whichever processes it happens in.

The ids of that trace and of its first span are made from the paper's id, so every process knows them and nothing has to
be carried along: no field of a record, an event or a hint. A request is a trace of its own, or its client's (FastAPI makes
it); the steps it sets off link to it. Until `start_tracing` finds that somebody wants them, no span is made at all: even those of
OpenTelemetry's that do nothing cost 10 µs each.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from hashlib import blake2b
from threading import Thread
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags, Tracer

from app.domain.errors import PaperProcessingError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 2
"""How long the end of a process may wait for a collector that does not answer."""

tracer: Tracer | None = None
"""Of this process, once it is switched on."""

_NOTHING = nullcontext(INVALID_SPAN)
_FIRST: ContextVar[SpanContext | None] = ContextVar("first_span", default=None)
"""Set while the first span of a paper is made: the ids it gets."""
_SWITCHES = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def first_step(name: str, paper_id: str) -> AbstractContextManager[Span]:
    """The span all others of the paper hang from."""
    return _NOTHING if tracer is None else _first_span(tracer, name, paper_id)


def step(
    name: str,
    paper_id: str,
    run: int | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    began: int | None = None,
) -> AbstractContextManager[Span]:
    """A span right below the paper's first, linked to what else goes on here. `began`: nanoseconds, if not now."""
    if tracer is None:
        return _NOTHING
    first = _first_of(paper_id)
    attributes: dict[str, str | int] = {"paper.id": paper_id}
    if run is not None:
        attributes["paper.run"] = run
    return tracer.start_as_current_span(
        name, _below(first), kind, attributes=attributes, links=_links(first), start_time=began
    )


def part(name: str, paper_id: str) -> AbstractContextManager[Span]:
    """A span below the present one, if that is of the same paper; otherwise a step."""
    if tracer is None:
        return _NOTHING
    if trace.get_current_span().get_span_context().trace_id != _first_of(paper_id).trace_id:
        return step(name, paper_id)
    return tracer.start_as_current_span(name)


def is_on() -> bool:
    """Whether anybody wants spans."""
    return tracer is not None


def note_events(span: Span, first_seq: int, last_seq: int) -> None:
    """Says of which of the paper's events a span is."""
    span.set_attributes({"paper.first_seq": first_seq, "paper.last_seq": last_seq})


@contextmanager
def tracing(process: str) -> Iterator[None]:
    """Sends spans as `start_tracing` does and, at the end, those that still wait."""
    flush = start_tracing(process)
    try:
        yield
    finally:
        flush()


def start_tracing(process: str) -> Callable[[], None]:
    """Sends spans where the `OTEL_…` variables say; nothing when none is set, or OTEL_SDK_DISABLED is `true`.

    Answers what sends those that wait. A process that was started under `opentelemetry-instrument` has its provider
    already, and keeps it. Raises `PaperProcessingError` when they ask for what is not installed or not known.
    """
    global tracer  # noqa: PLW0603  # as OpenTelemetry's own provider is: one a process
    name = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if disabled or name == "none" or not any(map(os.environ.get, _SWITCHES)):
        return _do_nothing
    flush = _do_nothing
    try:
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            flush = _provide(process, _exporter(name))
        tracer = trace.get_tracer("paper_processing")
    except ImportError as error:
        wanted = "OTEL_… variables ask for traces, and what sends them is not installed"
        raise PaperProcessingError(f"{wanted} ({error.name}): pip install 'paper-processing[otel]'.") from error
    return flush


def _do_nothing() -> None:
    pass


def _provide(process: str, exporter: "SpanExporter") -> Callable[[], None]:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = make_provider(process, BatchSpanProcessor(_tells_once(exporter)))
    trace.set_tracer_provider(provider)

    def flush() -> None:
        shutdown = Thread(target=provider.shutdown, daemon=True)  # alone it may wait 30 s for an answer
        shutdown.start()
        shutdown.join(FLUSH_SECONDS)

    return flush


def _tells_once(exporter: "SpanExporter") -> "SpanExporter":
    """The exporter, with one sentence when spans begin to be lost, and one when they are taken again."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Told(SpanExporter):
        lost = False

        def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
            result = exporter.export(spans)
            lost = result is not SpanExportResult.SUCCESS
            if lost and not self.lost:
                logger.warning("spans cannot be sent and are lost until they can; PAPERS_LOG_LEVEL=DEBUG tells why")
            elif self.lost and not lost:
                logger.info("spans are sent again")
            self.lost = lost
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return Told()


def make_provider(process: str, processor: "SpanProcessor") -> "TracerProvider":
    """The SDK, with a paper's first span getting the ids made for it. `OTEL_SERVICE_NAME` and the like are heeded."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            first = _FIRST.get()
            return super().generate_trace_id() if first is None else first.trace_id

        def generate_span_id(self) -> int:
            first = _FIRST.get()
            return super().generate_span_id() if first is None else first.span_id

    names = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or f"paper-processing-{process}"}
    provider = TracerProvider(resource=Resource.create({**names, "process.pid": os.getpid()}), id_generator=Ids())
    provider.add_span_processor(processor)
    return provider


def _exporter(name: str) -> "SpanExporter":
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    if name == "console":
        return ConsoleSpanExporter()
    if name != "otlp":
        raise PaperProcessingError(f"OTEL_TRACES_EXPORTER is {name!r}, which cannot be: otlp, console or none.")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


@contextmanager
def _first_span(tracer: Tracer, name: str, paper_id: str) -> Iterator[Span]:
    first = _first_of(paper_id)
    token = _FIRST.set(first)
    try:
        span = tracer.start_span(name, Context(), attributes={"paper.id": paper_id}, links=_links(first))
    finally:
        _FIRST.reset(token)
    with trace.use_span(span, end_on_exit=True):
        yield span


def _first_of(paper_id: str) -> SpanContext:
    """A hash, and not the bits of the UUID: some of those are fixed, and samplers go by the trace's id."""
    digest = blake2b(paper_id.encode(), digest_size=24).digest()
    return SpanContext(
        int.from_bytes(digest[:16]), int.from_bytes(digest[16:]), is_remote=True, trace_flags=TraceFlags(1)
    )


def _below(first: SpanContext) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(first), Context())


def _links(first: SpanContext) -> list[Link]:
    here = trace.get_current_span().get_span_context()
    return [Link(here)] if here.is_valid and here.trace_id != first.trace_id else []

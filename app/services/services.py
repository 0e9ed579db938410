"""One side's set of services: an API process has one, and so has each worker."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.ports import Clock, EventLog, Files, Graph, Machine, PaperStore, Reader, TaskQueue
from app.services.checkup import Checkup
from app.services.dead_letters import DeadLetters
from app.services.dispatcher import Dispatcher
from app.services.heartbeat import Heartbeat
from app.services.metrics import Metrics
from app.services.papers import Papers
from app.services.pipeline import Pipeline, Terms
from app.services.relay import Relay
from app.services.search import Embed, Search
from app.services.stages import Stage
from app.services.sweeper import Sweeper
from app.services.system import DEADLINE_SECONDS, EventRate, System
from app.services.wake import Wake
from app.services.writer import Writer


@dataclass(frozen=True)
class Ports:
    """What one side stands on."""

    store: PaperStore
    log: EventLog
    queue: TaskQueue
    graph: Graph
    files: Files
    reader: Reader
    clock: Clock
    machine: Machine


@dataclass(frozen=True)
class Services:
    """Everything above the ports, wired."""

    papers: Papers
    search: Search
    dead_letters: DeadLetters
    graph: Graph
    log: EventLog
    clock: Clock
    pipeline: Pipeline
    relay: Relay
    dispatcher: Dispatcher
    sweeper: Sweeper
    system: System
    heartbeat: Heartbeat
    metrics: Metrics
    checkup: Checkup


def build_services(
    ports: Ports,
    stages: Sequence[Stage],
    owner: str,
    terms: Terms | None = None,
    embed: Embed | None = None,
    look_seconds: float = DEADLINE_SECONDS,
) -> Services:
    """The services over these ports, for one event loop.

    `owner` names this process in leases and heartbeats; `embed` tells what a query means. A look at all backing services
    takes `look_seconds` at most.
    """
    clock = ports.clock
    relay_wake, dispatcher_wake = Wake(clock), Wake(clock)
    writer = Writer(ports.store, clock, on_events=relay_wake.set)
    sweeper = Sweeper(ports.store, ports.files, ports.graph, ports.log, writer, clock)
    checks = {
        "store": ports.store.check,
        "redis": ports.log.check,
        "graph": ports.graph.check,
        "files": ports.files.check,
    }
    rate = EventRate(clock)
    relay = Relay(ports.store, ports.log, clock, relay_wake)
    dispatcher = Dispatcher(ports.store, ports.queue, clock, dispatcher_wake)
    heartbeat = Heartbeat(ports.queue, clock, owner)
    papers = Papers(ports.store, ports.files, writer, sweeper, clock, on_queued=dispatcher.queued)
    return Services(
        papers=papers,
        search=Search(ports.store, embed),
        dead_letters=DeadLetters(ports.store, papers),
        graph=ports.graph,
        log=ports.log,
        clock=clock,
        pipeline=Pipeline(
            ports.store,
            writer,
            stages,
            clock,
            owner,
            sweeper.clear_after_worker,
            on_given_back=dispatcher.look,
            on_out_of_memory=heartbeat.out_of_memory,
            terms=terms or Terms(),
        ),
        relay=relay,
        dispatcher=dispatcher,
        sweeper=sweeper,
        system=System(ports.store, ports.queue, checks, ports.machine, clock, rate, look_seconds),
        heartbeat=heartbeat,
        metrics=Metrics(clock, rate),
        checkup=Checkup(ports.store, ports.log, ports.queue, ports.graph, ports.files, relay, sweeper, checks, clock),
    )

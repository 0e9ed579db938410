"""How the service is: a sample of its parts, taken once per process and told to everyone who asks."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import anyio

from app.domain.errors import PaperProcessingError
from app.domain.events import (
    ServiceState,
    SystemMetricsData,
    SystemMetricsEvent,
    SystemStatusData,
    SystemStatusEvent,
)
from app.domain.model import Value
from app.domain.stages import Load
from app.ports import Clock, Machine, PaperStore, StoreCounts, TaskQueue

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 1.0
"""For all checks of one sample together: a service that takes longer is `down`."""
RATE_WINDOW = timedelta(seconds=5)
NO_WORKER = "No worker was heard of lately, so papers wait; start one (`paper-processing worker`)."

Check = Callable[[], Awaitable[None]]
T = TypeVar("T")


class Condition(Value):
    """What answers and who works."""

    services: dict[str, ServiceState]
    workers: int
    counts: StoreCounts | None
    """None where the store could not count."""
    reasons: tuple[str, ...]
    """Why the service is degraded, a sentence each; none when all is well."""

    @property
    def ready(self) -> bool:
        """Whether requests can be answered: without a worker, or one that lacks memory, they can, and papers wait."""
        return "down" not in self.services.values()


class Sample(Value):
    """One look at the service, as the events tell it."""

    status: SystemStatusEvent
    metrics: SystemMetricsEvent
    waiting: int
    """Events in the outbox."""


class EventRate:
    """Events a second over the last few seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._batches: deque[tuple[datetime, int]] = deque()

    def count(self, events: int) -> None:
        self._batches.append((self._clock.now(), events))

    def per_second(self) -> float:
        since = self._clock.now() - RATE_WINDOW
        while self._batches and self._batches[0][0] < since:
            self._batches.popleft()
        return round(sum(events for _, events in self._batches) / RATE_WINDOW.total_seconds(), 1)


class System:
    """Takes samples; the newest one stays at hand for sockets that open."""

    def __init__(
        self,
        store: PaperStore,
        queue: TaskQueue,
        checks: Mapping[str, Check],
        machine: Machine,
        clock: Clock,
        rate: EventRate,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._store = store
        self._queue = queue
        self._checks = checks
        self._machine = machine
        self._clock = clock
        self._rate = rate
        self._deadline_seconds = deadline_seconds
        self._down: set[str] = set()
        """Backing services whose absence is in the log."""

    async def condition(self) -> Condition:
        """Looks at all backing services and for workers, at the same time."""
        trouble = dict.fromkeys(self._checks, f"it did not answer within {self._deadline_seconds:g} s.")
        workers: int | None = None
        counts: StoreCounts | None = None
        short: Mapping[str, datetime] = {}

        async def ask(name: str, check: Check) -> None:
            try:
                await check()
            except PaperProcessingError as error:
                trouble[name] = error.detail
            except Exception as error:  # noqa: BLE001  # whatever the reason, the service is down: that is the answer
                trouble[name] = f"{type(error).__name__}: {error}."
            else:
                del trouble[name]

        async def hear() -> None:
            nonlocal workers, short
            workers = await _or(workers, self._queue.workers)
            short = await _or(short, self._queue.out_of_memory)

        async def count() -> None:
            nonlocal counts
            counts = await _or(counts, self._store.counts)

        with anyio.move_on_after(self._deadline_seconds):
            async with anyio.create_task_group() as tasks:
                for name, check in self._checks.items():
                    tasks.start_soon(ask, name, check)
                tasks.start_soon(hear)
                tasks.start_soon(count)
        if counts is None:  # nobody may take a store that cannot count for one with nothing to do
            trouble.setdefault("store", "its papers could not be counted.")
        self._note(trouble)
        return Condition(
            services={name: "down" if name in trouble else "ok" for name in self._checks},
            workers=workers or 0,
            counts=counts,
            reasons=(
                *(f"{name}: {reason}" for name, reason in trouble.items()),
                *([NO_WORKER] if workers == 0 else []),
                *out_of_memory(short),
            ),
        )

    def _note(self, trouble: Mapping[str, str]) -> None:
        """Tells the log when a service goes and when it is back, once each."""
        for name, reason in trouble.items():
            if name not in self._down:
                logger.warning("%s is down: %s", name, reason)
        for name in self._down.difference(trouble):
            logger.info("%s answers again", name)
        self._down = set(trouble)

    async def sample(self, connections: int) -> Sample:
        """Looks at everything now; what does not answer within the deadline counts as nothing."""
        condition = await self.condition()
        reasons = condition.reasons
        counts = condition.counts or StoreCounts(queued=0, active=0, waiting=0)
        cpu, memory = self._machine.usage()
        now = self._clock.now()
        return Sample(
            status=SystemStatusEvent(
                timestamp=now,
                message="The service is degraded" if reasons else "The service is well",
                data=SystemStatusData(
                    status="degraded" if reasons else "ok",
                    reasons=reasons,
                    queue_length=counts.queued,
                    active_tasks=counts.active,
                    workers=condition.workers,
                    connections=connections,
                    services=condition.services,
                ),
            ),
            metrics=SystemMetricsEvent(
                timestamp=now,
                message=f"CPU {cpu:.0f} %, memory {memory:.0f} %",
                data=SystemMetricsData(cpu_usage=cpu, memory_usage=memory, events_per_second=self._rate.per_second()),
            ),
            waiting=counts.waiting,
        )

    async def hints(self) -> dict[str, int]:
        """Messages that wait in each of Celery's queues, by its name; none is named when the broker does not answer."""

        async def count() -> dict[str, int]:
            return {load.queue: await self._queue.length(load) for load in Load}

        with anyio.move_on_after(self._deadline_seconds):
            return await _or({}, count)
        return {}


def out_of_memory(workers: Mapping[str, datetime]) -> list[str]:
    """A sentence for each worker that ran out of memory, and what to do about it."""
    return [
        f"Worker {worker} ran out of memory at {at:%H:%M:%S} UTC; give its machine more, then process again what "
        "failed (`paper-processing dead-letters`)."
        for worker, at in sorted(workers.items())
    ]


async def _or(otherwise: T, ask: Callable[[], Awaitable[T]]) -> T:
    """The answer, or what there is without one: a store on a full disk still counts, one that is away does not."""
    try:
        return await ask()
    except Exception:  # noqa: BLE001  # the checks tell that it is down
        return otherwise

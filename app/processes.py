"""The two kinds of process there are: one answers requests, the other works."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from anyio.from_thread import start_blocking_portal

from app.domain.stages import Load
from app.settings import Settings
from app.tracing import tracing

GRACEFUL_SECONDS = 3
LEAVE_SECONDS = 1.0


def run_api(settings: Settings) -> None:
    """Serves HTTP and WebSockets until it is told to stop."""
    import uvicorn

    from app.server import OPTIONS
    from app.wiring import broker_url, check_urls

    # Before uvicorn, which would tell of a wrong setting in a traceback.
    broker_url(settings.redis_url)
    asyncio.run(check_urls(settings))
    # uvicorn ends in order and then raises the signal again: as it is by default, that would end us at once.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with without_waiting_for_threads(), tracing("api"):
        uvicorn.run(
            "app.main:app",
            host=settings.host,
            port=settings.port,
            log_config=None,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
            lifespan="on",
            **OPTIONS,
        )


def run_worker(settings: Settings, serves: frozenset[Load]) -> None:
    """Works on papers, one at a time, until it is told to stop; what is unfinished then is given back."""
    from celery.signals import worker_ready, worker_shutting_down
    from celery.worker import state

    from app.wiring import broker_url, open_services
    from app.worker.celery_app import create_celery
    from app.worker.runtime import Runtime, run_worker_side

    # Celery warns of root because of pickle; our messages are JSON, and in a container root is usual.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    runtime = Runtime()
    celery, task = create_celery(broker_url(settings.redis_url), runtime.process)

    def stop(*_: object, **__: object) -> None:
        runtime.stop()
        state.should_stop = os.EX_OK  # type: ignore[assignment]  # annotated by its first value, None

    def take_over(**_: object) -> None:
        """Celery's own handlers do no more than ours, but print, and take Ctrl-C for an emergency."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)

    worker_shutting_down.connect(stop)
    worker_ready.connect(take_over)
    with (
        without_waiting_for_threads(),
        tracing("worker"),
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_services(settings, task, serves)) as services,
        portal.wrap_async_context_manager(run_worker_side(services)),
    ):
        runtime.attach(portal, services)
        name = f"worker-{os.getpid()}@{socket.gethostname()}"
        queues = ",".join(sorted(load.queue for load in serves))
        options = [f"--queues={queues}", "--pool=solo", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        celery.worker_main(["--quiet", "worker", f"--loglevel={settings.log_level}", f"--hostname={name}", *options])


@contextmanager
def without_waiting_for_threads() -> Iterator[None]:
    """Ends the process with what is done inside: a thread may wait long for a server that does not answer, and to no end."""
    try:
        yield
    except SystemExit as end:
        _leave(end.code)
        raise
    _leave(os.EX_OK)


def _leave(code: object) -> None:
    """Ends the process at once where a thread would keep it for longer than a moment."""
    deadline = time.monotonic() + LEAVE_SECONDS
    others = [one for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    for other in others:
        other.join(max(0.0, deadline - time.monotonic()))
    if any(map(threading.Thread.is_alive, others)):
        logging.shutdown()
        os._exit(code if isinstance(code, int) else os.EX_OK)

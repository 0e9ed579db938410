"""A worker's own event loop, with its services, behind the plain call that a Celery task makes."""

import logging
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError, Future
from contextlib import asynccontextmanager
from threading import Event

import anyio
from anyio.from_thread import BlockingPortal

from app.logs import about
from app.services.services import Services

logger = logging.getLogger(__name__)

GIVE_BACK_SECONDS = 4.0
"""A run that was cancelled may take so long to be given back; the stores are closed after that, and the worker ends."""


class Runtime:
    """Runs hints on the loop of a portal, once it is attached to one."""

    def __init__(self) -> None:
        self._portal: BlockingPortal | None = None
        self._services: Services | None = None
        self._running: set[Future[None]] = set()
        self._stopping = False

    def attach(self, portal: BlockingPortal, services: Services) -> None:
        self._portal, self._services = portal, services

    def process(self, paper_id: str, run: int) -> None:
        """Works on the run; returns when it ended, was not to be had, or the worker stops."""
        if self._portal is None or self._services is None:
            raise RuntimeError("this process sends hints but works on none")
        if self._stopping:  # Celery may hand on one more hint, of a run that was just given back for one
            return
        ended = Event()
        future = self._portal.start_task_soon(self._work, self._services, paper_id, run, ended)
        self._running.add(future)
        if self._stopping:  # the signal came between that question and here, and found nothing to cancel
            future.cancel()  # type: ignore[unreachable]  # mypy knows of no signals
        try:
            future.result()
        except CancelledError:
            ended.wait(GIVE_BACK_SECONDS)  # the future is over at once, the run is not
            with about(paper=paper_id, run=run):
                logger.info("the run is given back: the worker stops")
        finally:
            self._running.discard(future)

    @staticmethod
    async def _work(services: Services, paper_id: str, run: int, ended: Event) -> None:
        try:
            await services.pipeline.run(paper_id, run)
        finally:
            ended.set()

    def stop(self) -> None:
        """Gives back what is at work, and takes no more; safe to call from a signal handler."""
        self._stopping = True
        for future in list(self._running):
            future.cancel()


@asynccontextmanager
async def run_worker_side(services: Services) -> AsyncIterator[None]:
    """The loops of a worker process, for as long as the context lasts."""
    async with anyio.create_task_group() as tasks:
        for loop in (
            services.relay.run,
            services.dispatcher.run,
            services.sweeper.run,
            services.heartbeat.run,
        ):
            tasks.start_soon(loop)
        yield
        tasks.cancel_scope.cancel()

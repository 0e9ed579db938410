"""One child process that is kept alive, and the family of them."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.supervisor.errors import ServeError
from app.supervisor.leash import Leash, tied_by_kernel

logger = logging.getLogger(__name__)

DEATHS = 5
WITHIN_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.2
"""Before the first restart; each further death within the minute doubles it."""


@dataclass(frozen=True)
class Program:
    """What a child runs."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    farewell: signal.Signals = signal.SIGKILL
    """What the kernel sends it when we die without a word."""
    output: Path | None = None
    """Where its output goes; ours when None."""


class Child:
    """Runs a program, and runs it again when it ends by itself."""

    def __init__(self, program: Program, leash: Leash) -> None:
        self._program = program
        self._leash = leash
        self._process: asyncio.subprocess.Process | None = None
        self._ending = asyncio.Event()
        self._deaths: deque[float] = deque(maxlen=DEATHS)

    async def keep(self) -> None:
        """Returns once the child was told to end and has. Raises `ServeError` when it dies too often."""
        while not self._ending.is_set():
            self._process = process = await self._start()
            if self._ending.is_set():  # told so while it started
                self.kill()
            status = await process.wait()
            _kill_group(process.pid)  # what it left behind, a reader at work for one
            if not self._ending.is_set():
                await self._pause(status, self._count_death(status))

    def end(self) -> None:
        """Asks the child to end, and lets it rest then."""
        self._ending.set()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                self._process.terminate()

    def kill(self) -> None:
        """Ends the child and its own children at once."""
        self._ending.set()
        if self._process is not None and self._process.returncode is None:
            _kill_group(self._process.pid)

    async def _start(self) -> asyncio.subprocess.Process:
        program = self._program
        try:
            with contextlib.nullcontext() if program.output is None else program.output.open("ab") as output:
                return await asyncio.create_subprocess_exec(
                    *program.command,
                    env={**program.environment, **self._leash.environment},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=None if output is None else asyncio.subprocess.STDOUT,
                    pass_fds=(self._leash.read_end,),
                    start_new_session=True,  # a terminal's Ctrl-C is for us; we tell the children in order
                    preexec_fn=tied_by_kernel(program.farewell),
                )
        except OSError as error:
            raise ServeError(f"{program.name} cannot be started: {error}.") from error

    def _count_death(self, status: int) -> int:
        """How many deaths there were within a minute. Raises `ServeError` when that is too many."""
        now = time.monotonic()
        self._deaths.append(now)
        recent = sum(now - death < WITHIN_SECONDS for death in self._deaths)
        if recent >= DEATHS:
            raise ServeError(
                f"{self._program.name} died {DEATHS} times within a minute, the last time {_how(status)}; "
                f"{self._where_it_said_why()}."
            )
        return recent

    async def _pause(self, status: int, deaths: int) -> None:
        pause = FIRST_PAUSE_SECONDS * 2 ** (deaths - 1)
        logger.warning("%s %s; it starts again in %.1f s", self._program.name, _how(status), pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._ending.wait()

    def _where_it_said_why(self) -> str:
        return "its messages are above" if self._program.output is None else f"see {self._program.output}"


class Family:
    """The children of one `serve`."""

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._kept: dict[Child, asyncio.Task[None]] = {}

    def keep(self, child: Child) -> None:
        task = asyncio.create_task(child.keep())
        task.add_done_callback(self._look)
        self._kept[child] = task

    async def end(self, children: Iterable[Child], seconds: float, hurry: asyncio.Event) -> None:
        """Asks the children to end; kills those that have not after so many seconds, or as soon as there is hurry."""
        tasks = {child: self._kept[child] for child in children}
        for child in tasks:
            child.end()
        ended = asyncio.ensure_future(asyncio.gather(*tasks.values(), return_exceptions=True))
        hurried = asyncio.ensure_future(hurry.wait())
        either: tuple[asyncio.Future[Any], ...] = (ended, hurried)
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        for child in tasks:
            child.kill()
        await ended

    def _look(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_failure(error)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(
        ProcessLookupError, PermissionError
    ):  # nobody of it is left (macOS says it the second way)
        os.killpg(leader, signal.SIGKILL)


def _how(status: int) -> str:
    """How a process ended, in words."""
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"

"""The life of one `serve`: check, start, tell, keep, end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from app.supervisor.address import free_port, reachable, until_ready
from app.supervisor.children import Child, Family, Program
from app.supervisor.folder import claimed
from app.supervisor.leash import Leash
from app.supervisor.valkey import FLUSH_SECONDS, EmbeddedValkey

READY_SECONDS = 60
GRACE_SECONDS = 7.0
"""uvicorn gives its connections five of them."""

# -P: a folder named `app` where the user happens to stand is not ours; PYTHONPATH makes the children find what we found.
_PYTHON = (sys.executable, "-P", "-m", "app.cli")


@dataclass(frozen=True)
class Commands:
    """What the children run; tests put other programs in their place."""

    worker: Sequence[str] = (*_PYTHON, "worker")
    api: Sequence[str] = (*_PYTHON, "api")


def serve(settings: Settings, say: Callable[[str], None], commands: Commands | None = None) -> None:
    """Returns when it was told to end (SIGINT, SIGTERM, SIGHUP) and all children have. Raises `ServeError`."""
    with claimed(settings.data_dir):
        placed = settings.model_copy(update={"port": free_port(settings.host, settings.port)})
        asyncio.run(_live(placed, commands or Commands(), say))


class _Life:
    """One `serve` from its start to its end; made and lived inside a running loop."""

    def __init__(self, settings: Settings, commands: Commands, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._commands = commands
        self._say = say
        self._leash = Leash()
        self._family = Family(self._finish)
        self._ours: list[Child] = []
        self._valkey: list[Child] = []
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Ends when a signal asks for it, or with the error that ends `serve`."""
        self._hurry = asyncio.Event()

    async def live(self) -> None:
        self._heed_signals()
        start = asyncio.create_task(self._start())
        start.add_done_callback(self._look_at_start)
        try:
            await self._over
            self._say("Stopping; Ctrl-C again stops at once.")
        finally:
            start.cancel()
            await self._end()

    async def _start(self) -> None:
        environment = self._environment()
        if self._settings.redis_url.startswith("embedded:"):
            environment["PAPERS_REDIS_URL"] = await self._start_valkey(environment)
        names = [f"worker-{number}" for number in range(1, self._settings.workers + 1)]
        programs = [Program(name, self._commands.worker, environment) for name in names]
        programs.append(Program("api", self._commands.api, environment))
        for program in programs:
            self._ours.append(self._keep(program))
        try:
            async with asyncio.timeout(READY_SECONDS):
                await until_ready(self._settings.host, self._settings.port)
        except TimeoutError:
            self._say(
                f"Not ready after {READY_SECONDS} seconds (GET /health/ready): the messages above say what does not "
                "answer. All goes on as soon as it does."
            )
            await until_ready(self._settings.host, self._settings.port)
        self._say(_announcement(self._settings))

    async def _start_valkey(self, environment: Mapping[str, str]) -> str:
        """Answers its URL."""
        valkey = EmbeddedValkey(self._settings.data_dir)
        await valkey.make_room()
        self._valkey.append(self._keep(valkey.program(environment)))
        await valkey.until_ready()
        return valkey.url

    def _keep(self, program: Program) -> Child:
        child = Child(program, self._leash)
        self._family.keep(child)
        return child

    def _environment(self) -> dict[str, str]:
        """What the children inherit: our own environment, with what we have found out."""
        return {
            **os.environ,
            "PAPERS_DATA_DIR": str(self._settings.data_dir),
            "PAPERS_PORT": str(self._settings.port),
            "PYTHONPATH": os.pathsep.join(str(Path(place).absolute()) for place in sys.path),
        }

    async def _end(self) -> None:
        """Valkey last: what the others still have to say goes into it."""
        await self._family.end(self._ours, GRACE_SECONDS, self._hurry)
        await self._family.end(self._valkey, FLUSH_SECONDS, self._hurry)
        self._leash.close()

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` has us ignore the terminal's end
                loop.add_signal_handler(number, self._heed)

    def _heed(self) -> None:
        """The first signal asks for an end, the second for haste."""
        if self._over.done():
            self._hurry.set()
        self._finish()

    def _finish(self, error: BaseException | None = None) -> None:
        if self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)

    def _look_at_start(self, start: asyncio.Task[None]) -> None:
        error = None if start.cancelled() else start.exception()
        if error is not None:
            self._finish(error)


async def _live(settings: Settings, commands: Commands, say: Callable[[str], None]) -> None:
    await _Life(settings, commands, say).live()


def _announcement(settings: Settings) -> str:
    place = f"{reachable(settings.host)}:{settings.port}"
    workers = "1 worker" if settings.workers == 1 else f"{settings.workers} workers"
    return (
        "\n"
        f"  Paper Processing is ready.\n\n"
        f"  service     http://{place}/\n"
        f"  reference   http://{place}/docs\n"
        f"  events      ws://{place}/ws\n"
        f"  data        {settings.data_dir}\n"
        f"  processes   {workers}, one API\n\n"
        f"  Submit a paper from another terminal: paper-processing submit FILE --watch\n"
        f"  Ctrl-C stops everything.\n"
    )

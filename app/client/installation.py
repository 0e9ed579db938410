"""`check`: what is wrong with the installation on this machine, in sentences; exit status 1 when anything is."""

import asyncio
import fcntl
import importlib.metadata
import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile

import typer

from app.client.display import printable
from app.client.errors import ClientError
from app.client.server import Server
from app.domain.errors import PaperProcessingError
from app.services.checkup import Problem
from app.settings import Settings, unknown_settings
from app.supervisor.address import reachable
from app.supervisor.folder import LOCK
from app.supervisor.valkey import EmbeddedValkey
from app.wiring import broker_url, open_services
from app.worker.celery_app import create_celery, refuse

LOCKED = Path(__file__).parents[2] / "requirements.lock"
"""There in a checkout; a wheel has none."""
_PIN = re.compile(r"^([\w.-]+)==([^\s;]+)(?: ;.*)?$", re.MULTILINE)


def check(settings: Settings, environment: Mapping[str, str], *, repair: bool) -> int:
    """Prints what it finds; with `repair` also what it did about it."""
    logging.disable(logging.ERROR)  # what it finds it tells in its own words
    return asyncio.run(_check(settings, environment, repair=repair))


async def _check(settings: Settings, environment: Mapping[str, str], *, repair: bool) -> int:
    running = is_running(settings.data_dir)
    typer.echo(await how_it_is(_service(settings)) if running else "No `serve` is running on this data folder.")
    sentences = (*unknown_settings(environment), *versions(), *trouble_with(settings.data_dir))
    left = [Problem(sentence) for sentence in sentences]
    _tell(left)
    if settings.data_dir.is_dir() or not settings.is_embedded:
        left += await _installed(settings, running=running, repair=repair)
    else:
        typer.echo(f"The data folder {settings.data_dir} is not there yet; `serve` makes it.")
    typer.echo(f"Wrong: {len(left)}." if left else "Nothing is wrong.")
    return 1 if left else 0


async def _installed(settings: Settings, *, running: bool, repair: bool) -> list[Problem]:
    """What is wrong with services and papers, and with `repair` what of it is still wrong afterwards."""
    without: set[str] = set()
    if settings.redis_url.startswith("embedded:"):
        settings = settings.model_copy(update={"redis_url": EmbeddedValkey(settings.data_dir).url})
        without = set() if running else {"redis"}
    _, task = create_celery(broker_url(settings.redis_url), refuse)
    try:
        async with open_services(settings, task) as services:
            problems = await services.checkup.problems(without)
            _tell(problems)
            return [problem for problem in problems if not (repair and await _mended(problem))]
    except PaperProcessingError as error:
        problem = Problem(error.detail)
        _tell([problem])
        return [problem]


async def _mended(problem: Problem) -> bool:
    if problem.remedy is None:
        return False
    try:
        typer.echo(f"  * {await problem.remedy()}")
    except PaperProcessingError as error:
        typer.echo(f"  * It could not be mended: {printable(error.detail)}")
        return False
    return True


def _tell(problems: list[Problem]) -> None:
    for problem in problems:
        hint = "" if problem.remedy is None else " (--repair does something about it)"
        typer.echo(f"  - {printable(problem.sentence)}{hint}")


def is_running(data_dir: Path) -> bool:
    """Whether a `serve` holds the folder."""
    try:
        with (data_dir / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no lock, or none to be opened: what is wrong with the folder is told elsewhere
    return False


def _service(settings: Settings) -> Server:
    return Server(f"http://{reachable(settings.host)}:{settings.port}")


async def how_it_is(service: Server) -> str:
    """What the service says of itself."""
    try:
        async with service:
            status = await service.status()
    except ClientError as error:
        return f"The service runs here, but {printable(str(error))}"
    return (
        f"The service runs at {service.url} and says that it is {status.get('status')}: {status.get('workers')} workers, "
        f"{status.get('queue_length')} papers wait, {status.get('active_tasks')} are at work."
    )


def trouble_with(data_dir: Path) -> Iterator[str]:
    """Whether the folder takes anything; how much room its disk has, the service's own checks say."""
    if not data_dir.is_dir():
        return
    try:
        with TemporaryFile(dir=data_dir) as trial:
            trial.write(b"x")
    except OSError as error:
        yield f"Nothing can be written to the data folder {data_dir}: {error.strerror}."


def versions() -> Iterator[str]:
    """What of the software is not as it has to be, or not as it was tested."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for what, statement in {
            "full-text search (FTS5)": "CREATE VIRTUAL TABLE trial USING fts5(text)",
            "JSON": "SELECT json_extract('{\"a\": 1}', '$.a')",
        }.items():
            try:
                connection.execute(statement)
            except sqlite3.OperationalError:
                yield f"This Python's SQLite ({sqlite3.sqlite_version}) has no {what}; use another Python."
    if LOCKED.is_file():
        yield from not_as_locked(LOCKED.read_text(encoding="utf-8"))


def not_as_locked(lock: str) -> Iterator[str]:
    """A sentence when what is installed has other versions than the lock."""
    locked: dict[str, list[str]] = {}
    for name, version in _PIN.findall(lock):
        locked.setdefault(name, []).append(version)  # one for each Python or system, where they differ
    others = []
    for name, allowed in locked.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another system, or for development only; what is really missing stops every start
        if found not in allowed:
            others.append(f"{name} {found} instead of {' or '.join(allowed)}")
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        yield f"Packages are not those of {LOCKED.name}: {', '.join(others[:5])}{more}; `make install` brings them."

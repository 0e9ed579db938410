"""Runs tests on a copy of the checkout with one place deleted, each run in a process forked from one that is warm."""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import count
from pathlib import Path

import psutil
import pytest

from tests.prove.places import Place

NOT_COPIED = shutil.ignore_patterns(
    ".venv", ".git", ".*_cache", ".testmondata*", "__pycache__", "data", "dist", "mutants"
)
NOT_RUN = tuple(
    f"--ignore=tests/{name}"
    for name in ("live", "deployment", "docs", "schedules/test_breaks.py", "unit/test_places.py")
)
"""What needs real processes, and what looks at code or at tests instead of running the service."""
WEBSOCKET = "tests/integration_tests/websocket"
STEPS = [
    f"tests/unit/test_{name}.py"
    for name in ("pipeline", "attempts", "writer", "loops", "sides", "dispatcher", "stages")
]
SOCKETS = [f"tests/unit/test_{name}.py" for name in ("feed", "hub", "outbound", "session")]
LIKELY = {
    "app/domain": ("tests/unit/test_decisions.py", "tests/unit/test_lifecycle.py", "tests/unit/test_projection.py"),
    "app/adapters/papers": ("tests/contract/test_paper_events.py", "tests/contract/test_paper_store.py"),
    "app/adapters": ("tests/contract",),
    "app/services": (*STEPS, f"{WEBSOCKET}/test_websocket_paper_events.py", WEBSOCKET),
    "app/realtime": (*SOCKETS, f"{WEBSOCKET}/test_websocket_connection.py", WEBSOCKET),
    "app/api": ("tests/integration_tests/http", "tests/api"),
    "app": (
        "tests/unit/test_sides.py",
        "tests/unit/test_server.py",
        f"{WEBSOCKET}/test_websocket_connection.py",
        WEBSOCKET,
    ),
}
"""Which tests of a part to begin with; the rest follows."""
DEADLINE_SECONDS = 400.0
_seconds = count(10**9)
"""A time for each edit: a compiled file is known by the whole second its source was written in."""


@dataclass(frozen=True)
class Verdict:
    """What became of one deletion: the test that noticed, None where none did."""

    place: Place
    test: str | None
    seconds: float


@dataclass(frozen=True)
class Run:
    """A child at work."""

    place: Place
    copy: Path
    source: str
    """Of the file, before."""
    selection: Sequence[str]
    """The tests it runs."""
    left: Sequence[Sequence[str]]
    """More of them, for when these notice nothing."""
    begun: float
    started: float


class Recorder:
    """A plugin of the child's pytest: writes down each test that begins or fails, so that even a death can be told.

    With `leave`, the first failure ends the process there and then: what is broken may never get to its end.
    """

    def __init__(self, path: Path, leave: bool) -> None:
        self._path = path
        self._leave = leave
        self._path.write_text("")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._note("begins", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._look_at(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._look_at(report)  # some modules make events when they are imported

    def _look_at(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed:
            self._note("fails", report.nodeid)
            if self._leave:
                for started in psutil.Process().children(recursive=True):  # its fixtures end nothing any more
                    with suppress(psutil.NoSuchProcess):
                        started.kill()
                os._exit(pytest.ExitCode.TESTS_FAILED)

    def _note(self, what: str, nodeid: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{what} {nodeid}\n")


@contextmanager
def copies(root: Path, number: int) -> Iterator[list[Path]]:
    """That many copies of the checkout, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="prove-") as folder:
        paths = [Path(folder) / str(index) for index in range(number)]
        for path in paths:
            shutil.copytree(root, path, ignore=NOT_COPIED)
        yield paths


def warm_up() -> None:
    """Imports all that the suite needs from elsewhere, which takes seconds: a fork has it already."""
    import_module("conftest")


def selections(place: Place, known: str | None, without: Sequence[str]) -> list[Sequence[str]]:
    """The tests to run in turn, without some: the one that noticed last time, the likely ones, all."""
    likely = next(files for part, files in LIKELY.items() if place.path.is_relative_to(part))
    own = Path(f"tests/unit/test_{place.path.stem}.py")
    first = [(str(own),)] if own.exists() else []
    last_time = [(known,)] if known and known not in without else []
    rest = [*first, likely, ("tests", "-m", "not slow"), ("tests", "-m", "slow")]
    return [*last_time, *((*tests, *(f"--deselect={test}" for test in without)) for tests in rest)]


def prove(
    places: Sequence[Place],
    known: dict[str, str],
    without: Sequence[str],
    folders: Sequence[Path],
    tell: Callable[[Verdict], None],
) -> list[Verdict]:
    """Deletes each place in turn, as many at once as there are folders; tells each verdict as it falls.

    `known`: the test to try first for a place, by its name; `without`: tests that do not count.
    """
    waiting = list(places)
    free = list(folders)
    running: dict[int, Run] = {}
    verdicts: list[Verdict] = []
    try:
        while waiting or running:
            while waiting and free:
                place, copy = waiting.pop(0), free.pop()
                source = (copy / place.path).read_text(encoding="utf-8")
                _write(copy / place.path, place.delete(source))
                left, now = selections(place, known.get(place.name), without), time.monotonic()
                pid, run = _start(Run(place, copy, source, (), left, now, now))
                running[pid] = run
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                _end({child for child, run in running.items() if time.monotonic() - run.started > DEADLINE_SECONDS})
                time.sleep(0.01)
                continue
            run = running.pop(pid)
            noticed = _noticed(run.copy, os.waitstatus_to_exitcode(status))
            if noticed is not None and [*run.selection] != [noticed]:
                # Once more and alone: else it may be a test that fails now and then, and is left out from here on.
                run = replace(run, left=[(noticed,), (*run.selection, f"--deselect={noticed}"), *run.left])
                noticed = None
            if noticed is None and run.left:
                pid, run = _start(run)
                running[pid] = run
                continue
            _write(run.copy / run.place.path, run.source)
            free.append(run.copy)
            verdicts.append(Verdict(run.place, noticed, time.monotonic() - run.begun))
            tell(verdicts[-1])
    finally:
        _end(running)
    return verdicts


@contextmanager
def edited(path: Path, source: str) -> Iterator[None]:
    """The file reads so for as long as the context lasts."""
    before = path.read_text(encoding="utf-8")
    _write(path, source)
    try:
        yield
    finally:
        _write(path, before)


def notices(copy: Path, test: str) -> bool:
    """Whether the test begins, and fails."""
    _, status = os.waitpid(_fork(copy, [test], leave=True), 0)
    return "::" in (_noticed(copy, os.waitstatus_to_exitcode(status)) or "")


def control(copy: Path, tests: Sequence[str]) -> list[str]:
    """Runs those tests with nothing deleted, and answers which fail all the same."""
    os.waitpid(_fork(copy, tests, leave=False), 0)
    lines = _record(copy).read_text().splitlines()
    return sorted({line.removeprefix("fails ") for line in lines if line.startswith("fails ")})


def _end(children: Iterable[int]) -> None:
    for child in children:
        os.killpg(child, signal.SIGKILL)


def _start(run: Run) -> tuple[int, Run]:
    selection, *left = run.left
    run = replace(run, selection=selection, left=left, started=time.monotonic())
    return _fork(run.copy, selection, leave=True), run


def _fork(copy: Path, arguments: Sequence[str], leave: bool) -> int:
    """Starts a child that runs pytest in the copy, and answers its process id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.setsid()
            code = _child(copy, arguments, leave)
        finally:
            os._exit(code)
    return pid


def _child(copy: Path, arguments: Sequence[str], leave: bool) -> int:
    """Runs pytest in the copy, with the modules of the copy."""
    output = os.open(copy / ".output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(copy)
    sys.path[:] = [str(copy), *(path for path in sys.path if path and not (Path(path) / "conftest.py").exists())]
    for name in [name for name in sys.modules if name.partition(".")[0] in {"app", "conftest", "tests"}]:
        del sys.modules[name]
    options = ["-q", *(f"-pno:{name}" for name in ("randomly", "cacheprovider", "testmon", "xdist"))]
    # What is warm is imported already, and pytest would have liked to be first.
    options += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *NOT_RUN, *arguments], plugins=[Recorder(_record(copy), leave)]))


def _noticed(copy: Path, code: int) -> str | None:
    """The test that failed, or in which the process ended; None when all passed, or there was none of that name."""
    lines = _record(copy).read_text().splitlines()
    failed = [line.removeprefix("fails ") for line in lines if line.startswith("fails ")]
    if failed:
        return failed[0]
    if code in {pytest.ExitCode.OK, pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED}:
        return None
    if not lines:
        raise RuntimeError(f"pytest ended with {code} before any test: {(copy / '.output').read_text()[-2000:]}")
    return lines[-1].removeprefix("begins ")


def _record(copy: Path) -> Path:
    return copy / ".record"


def _write(path: Path, source: str) -> None:
    path.write_text(source, encoding="utf-8")
    second = next(_seconds)
    os.utime(path, (second, second))

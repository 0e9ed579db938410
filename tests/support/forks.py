"""`--forks N`: one collection, run by N processes that share what was imported and collected.

pytest-xdist starts N more interpreters, each of which imports and collects everything again: as long as half the suite
takes. Here the processes are forked when all is collected, before any test has run and any thread been started.
"""

import itertools
import mmap
import multiprocessing
import os
import pickle
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

DONE = "done"
LONGEST_NAME = 1024
"""Bytes of the name of a test, in memory that a child and its parent share: it is read when the child has died."""

SECONDS_BETWEEN_MESSAGES = 0.1
WORTH_TELLING = 0.005
"""Seconds: what pytest's list of the slowest leaves out."""

Send = Callable[[Any], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--forks", type=int, default=1, metavar="N", help="run the tests in N processes, forked when collected"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Takes the place of pytest's own loop where there is more than one process to run."""
    forks = session.config.getoption("forks")
    if forks < 2 or session.testsfailed or session.config.option.collectonly or _is_distributed(session.config):
        return None
    capture: Any = session.config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()  # its files must not be shared
    shares = _Shares(session)
    children = [_Child(session, shares, number) for number in range(1, forks)]
    _keep_to_one_core(0)
    capture.start_global_capturing()
    for _ in _run(session, shares):
        for child in children:
            child.tell_reports(wait=False)
        shares.stop_with(session)
    for child in children:
        child.tell_reports(wait=True)
        shares.stop_with(session)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)
    return True


def _is_distributed(config: pytest.Config) -> bool:
    """Whether pytest-xdist runs the tests (`-n 2`), here or in a process of its own that this one is."""
    return config.getoption("dist", "no") != "no" or hasattr(config, "workerinput")


def _keep_to_one_core(number: int) -> None:
    """Where the system can: the three threads of a service take turns, and moving between cores costs an eighth."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


class _Shares:
    """Who runs what: the tests of one file after the other, each taken by whoever is free."""

    def __init__(self, session: pytest.Session) -> None:
        self._files = [list(items) for _, items in itertools.groupby(session.items, key=lambda item: item.path)]
        self._taken = multiprocessing.get_context("fork").Value("i", 0)

    def take(self) -> Iterator[pytest.Item]:
        while True:
            with self._taken.get_lock():
                index = self._taken.value
                self._taken.value += 1
            if index >= len(self._files):
                return
            yield from self._files[index]

    def stop_with(self, session: pytest.Session) -> None:
        """After `-x` or Ctrl-C nobody begins another file."""
        if session.shouldfail or session.shouldstop:
            self._taken.value = len(self._files)


def _run(session: pytest.Session, shares: _Shares) -> Iterator[None]:
    """Runs this process's share, and gives way after each test."""
    items = shares.take()
    item = next(items, None)
    while item is not None and not (session.shouldfail or session.shouldstop):
        following = next(items, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        item = following
        yield


class _Child:
    """A forked process, as its parent sees it."""

    def __init__(self, session: pytest.Session, shares: _Shares, number: int) -> None:
        self._session = session
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._current = mmap.mmap(-1, LONGEST_NAME)
        self._current.write(b"its start")
        self._done = False
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _keep_to_one_core(number)
            _be_child(session, shares, writing, self._current)
        os.close(writing)
        # A thread, so that the child never waits for a parent that is busy with a test.
        threading.Thread(target=self._read, args=(reading, pid), name="forked tests", daemon=True).start()

    def tell_reports(self, *, wait: bool) -> None:
        """Hands what has come to pytest, as if it had happened here; with `wait`, until the child is done."""
        config = self._session.config
        while not self._done and (wait or not self._messages.empty()):
            message = self._messages.get()
            if message == DONE:
                self._done = True
            elif message is None:
                name = self._current[:].rstrip(b"\0").decode(errors="replace")
                raise self._session.Interrupted(f"a process that ran tests died in {name}")
            else:
                for data in message:
                    report = config.hook.pytest_report_from_serializable(config=config, data=data)
                    config.hook.pytest_runtest_logreport(report=report)

    def _read(self, reading: int, pid: int) -> None:
        with os.fdopen(reading, "rb") as pipe:
            try:
                while True:
                    self._messages.put(pickle.load(pipe))
            except (EOFError, pickle.UnpicklingError):
                self._messages.put(None)
        os.waitpid(pid, 0)


def _be_child(session: pytest.Session, shares: _Shares, writing: int, current: mmap.mmap) -> NoReturn:
    """Runs tests and reports them; nothing of the parent's ends here."""
    try:
        capture: Any = session.config.pluginmanager.getplugin("capturemanager")
        capture.start_global_capturing()
        with os.fdopen(writing, "wb") as pipe:

            def send(message: Any) -> None:
                pickle.dump(message, pipe)
                pipe.flush()

            reporter = _Reporter(session.config, send, current)
            session.config.pluginmanager.unregister(name="terminalreporter")
            session.config.pluginmanager.register(reporter)
            for _ in _run(session, shares):
                reporter.send(after=SECONDS_BETWEEN_MESSAGES)
                shares.stop_with(session)
            reporter.send()
            send(DONE)
    finally:
        os._exit(0)


class _Reporter:
    """What is told in the child is told to the parent: many reports at once, as each message takes the parent from its test."""

    def __init__(self, config: pytest.Config, send: Send, current: mmap.mmap) -> None:
        self._config = config
        self._send = send
        self._current = current
        self._reports: list[Any] = []
        self._sent_at = time.monotonic()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._current[:] = nodeid.encode()[:LONGEST_NAME].ljust(LONGEST_NAME, b"\0")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed and report.when != "call" and report.duration < WORTH_TELLING:
            return  # two of three: that a test was set up and taken down
        self._reports.append(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def send(self, after: float = 0.0) -> None:
        """Sends what there is, where the last message was sent at least so many seconds ago."""
        now = time.monotonic()
        if self._reports and now - self._sent_at >= after:
            self._send(self._reports)
            self._reports, self._sent_at = [], now

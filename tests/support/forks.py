"""`--forks N`: one collection, run by N processes that share what was imported and collected.

pytest-xdist starts N more interpreters, each of which imports and collects everything again: as long as half the suite
takes. Here the processes are forked when all is collected, before any test has run and any thread been started.
"""

import itertools
import multiprocessing
import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

DONE = "done"

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
        self._current = "its start"
        self._done = False
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _keep_to_one_core(number)
            _be_child(session, shares, writing)
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
                raise self._session.Interrupted(f"a process that ran tests died in {self._current}")
            elif isinstance(message, str):
                self._current = message
            else:
                report = config.hook.pytest_report_from_serializable(config=config, data=message)
                config.hook.pytest_runtest_logreport(report=report)

    def _read(self, reading: int, pid: int) -> None:
        with os.fdopen(reading, "rb") as pipe:
            try:
                while True:
                    self._messages.put(pickle.load(pipe))
            except (EOFError, pickle.UnpicklingError):
                self._messages.put(None)
        os.waitpid(pid, 0)


def _be_child(session: pytest.Session, shares: _Shares, writing: int) -> NoReturn:
    """Runs tests and reports them; nothing of the parent's ends here."""
    try:
        capture: Any = session.config.pluginmanager.getplugin("capturemanager")
        capture.start_global_capturing()
        with os.fdopen(writing, "wb") as pipe:

            def send(message: Any) -> None:
                pickle.dump(message, pipe)
                pipe.flush()

            reporter = _Reporter(session.config, send)
            session.config.pluginmanager.unregister(name="terminalreporter")
            session.config.pluginmanager.register(reporter, name="terminalreporter")
            for _ in _run(session, shares):
                shares.stop_with(session)
            send(DONE)
    finally:
        os._exit(0)


class _Reporter:
    """What is told in the child is told to the parent."""

    def __init__(self, config: pytest.Config, send: Send) -> None:
        self._config = config
        self._send = send
        self._tw = config.get_terminal_writer()
        """It is asked for here: pytest-timeout shows on it where a test hangs, then ends the process."""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._send(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._send(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

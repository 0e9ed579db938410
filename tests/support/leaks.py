"""The leak gate: a test that leaves a task, a thread, an open file, a network socket or a process behind fails."""

import _socket
import asyncio
import os
import stat
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import wraps
from typing import ParamSpec
from weakref import WeakSet

import psutil

# fakeredis leaves the task of a blocked XREAD to its own timeout when the caller is cancelled: seen in every test.
# A test's lane closes the sockets that are still open.
IGNORED_TASKS = ("AsyncFakeSocket._async_blocking", "InProcessSocket._receive_all")
# fsspecIO: the one loop of fsspec's asynchronous filesystems (S3), started by the first and there for as long as the process.
IGNORED_THREADS = ("AnyIO worker thread", "asyncio_", "fsspecIO")
# matplotlib keeps the fonts it has drawn with open for as long as the process.
IGNORED_FILES = (".ttf",)
ANYIO_TASK = "TaskHandle._run_coro"
MAY_TAKE = 5.0
"""Seconds: only what is left behind takes them, and on a busy machine what ends in a moment may need more than one."""
KEPT: WeakSet[threading.Thread] = WeakSet()
"""Threads of what several tests share: whoever shares it looks after them."""
P = ParamSpec("P")
LOOPS_HAVE = {_socket.AF_UNIX}
"""Sockets of an event loop: whether one is left is told by its thread and its tasks."""


def tasks_left(side: str) -> list[str]:
    """Tasks of the running loop, other than the caller's and those of the portal itself."""
    return [f"{side}: task {name}" for task in _others() if not _is_ignored(name := _name(task))]


def threads_left(before: set[threading.Thread], within: float = MAY_TAKE) -> list[str]:
    """Threads that were not there before, and do not end in time."""
    deadline = time.monotonic() + within
    while True:
        left = [
            thread.name
            for thread in set(threading.enumerate()) - before
            if thread.is_alive() and not thread.name.startswith(IGNORED_THREADS)
        ]
        if not left or time.monotonic() > deadline:
            return [f"thread {name}" for name in left]
        time.sleep(0.002)


def leaves_no_task(test: Callable[P, Awaitable[None]], may_take: float = MAY_TAKE) -> Callable[P, Awaitable[None]]:
    """The test, which fails for what it began on its own loop and did not see to its end.

    What is of a task group is left to the group, which waits for it: that of a test has ended with the test.
    """

    @wraps(test)
    async def looked_after(*args: P.args, **kwargs: P.kwargs) -> None:
        of_fixtures = asyncio.all_tasks()
        await test(*args, **kwargs)
        deadline = time.monotonic() + may_take
        while left := [
            f"task {name}"
            for task in _others() - of_fixtures
            if (name := _coroutine(task)) != ANYIO_TASK and not _is_ignored(name)
        ]:
            if time.monotonic() > deadline:
                raise AssertionError("the test left behind:\n  " + "\n  ".join(left))
            await asyncio.sleep(0.001)

    return looked_after


class OpenHandles:
    """What this process holds of the system's: open files, pipes, network sockets, child processes, threads."""

    def __init__(self) -> None:
        self.may_take = MAY_TAKE
        self._descriptors = _descriptors()
        self._children = _children()
        self._threads = set(threading.enumerate())

    def left(self) -> list[str]:
        """What is new since this was made or asked before, and is not closed in time."""
        deadline = time.monotonic() + self.may_take
        while True:
            descriptors, children = _descriptors(), _children()
            new = {fd: what for fd in descriptors - self._descriptors if (what := _what(fd)) is not None}
            started = children - self._children
            if not (new or started) or time.monotonic() > deadline:
                break
            time.sleep(0.002)
        threads = threads_left(self._threads | set(KEPT), within=self.may_take)
        self._descriptors, self._children, self._threads = descriptors, children, set(threading.enumerate())
        return [*new.values(), *(f"process {child}" for child in started), *threads]


def _descriptors() -> set[int]:
    os.close(of_the_list := os.dup(0))  # the lowest that is free: the next test's first file will have it
    return {int(name) for name in os.listdir("/dev/fd")} - {of_the_list}  # noqa: PTH208  # fast: it runs after every test


def _children() -> set[int]:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # there is none: known faster than by a look at each thread
        return set()
    try:  # Linux: which thread started which, without a look at every process of the system
        threads = os.listdir("/proc/self/task")  # noqa: PTH208
        return {int(pid) for thread in threads for pid in _read(f"/proc/self/task/{thread}/children").split()}
    except OSError:
        return {child.pid for child in psutil.Process().children()}


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 65_536)
    finally:
        os.close(descriptor)


def _what(descriptor: int) -> str | None:
    """None for what no test has to close."""
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            name = os.readlink(f"/dev/fd/{descriptor}")  # noqa: PTH115
            return None if name.endswith(IGNORED_FILES) else f"open file {name}"
        if stat.S_ISFIFO(mode):
            return "pipe"
        if stat.S_ISSOCK(mode):
            with closing(_socket.socket(fileno=os.dup(descriptor))) as socket:
                return None if socket.family in LOOPS_HAVE else "network socket"
    except OSError:
        return None  # closed meanwhile
    return None


def _others() -> set[asyncio.Task[object]]:
    """What runs on this loop beside the caller."""
    return {task for task in asyncio.all_tasks() if not task.done()} - {asyncio.current_task()}


def _coroutine(task: asyncio.Task[object]) -> str:
    return getattr(task.get_coro(), "__qualname__", "")


def _name(task: asyncio.Task[object]) -> str:
    name = _coroutine(task)
    return task.get_name() if name == ANYIO_TASK else name  # anyio's wrapper of what it was asked to run


def _is_ignored(name: str) -> bool:
    return name.endswith(IGNORED_TASKS) or "BlockingPortal" in name or name.startswith("start_blocking_portal")

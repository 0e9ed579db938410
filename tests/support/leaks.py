"""The leak gate: a test that leaves a task, a thread or a socket behind fails."""

import asyncio
import threading
import time

# fakeredis leaves the task of a blocked XREAD to its own timeout when the caller is cancelled: seen in every test.
IGNORED_TASKS = ("AsyncFakeSocket._async_blocking",)
IGNORED_THREADS = ("AnyIO worker thread", "pytest_timeout", "asyncio_")
ANYIO_TASK = "TaskHandle._run_coro"
THREADS_MAY_TAKE = 1.0


def tasks_left(side: str) -> list[str]:
    """Tasks of the running loop, other than the caller's and those of the portal itself."""
    current = asyncio.current_task()
    left = []
    for task in asyncio.all_tasks():
        name = getattr(task.get_coro(), "__qualname__", "")
        if name == ANYIO_TASK:
            name = task.get_name()  # anyio's wrapper of what it was asked to run
        if task is not current and not task.done() and not name.endswith(IGNORED_TASKS) and not _is_portal(name):
            left.append(f"{side}: task {name}")
    return left


def threads_left(before: set[threading.Thread], within: float = THREADS_MAY_TAKE) -> list[str]:
    """Threads that were not there before, and do not end within a second."""
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


def _is_portal(name: str) -> bool:
    return "BlockingPortal" in name or name.startswith("start_blocking_portal")

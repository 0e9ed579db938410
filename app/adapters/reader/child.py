"""What the process does that reads one file: limited, and unable to outlive the process that started it.

The file comes on descriptor 0, which then stays open for as long as the worker wants the answer; frames go
to what was descriptor 1. What a library prints goes to descriptor 2, as does the traceback of a parser's error.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import threading
import traceback
from contextlib import suppress
from typing import NamedTuple

from app.adapters.reader import frames
from app.domain.errors import PaperProcessingError
from app.extraction import readers

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
# Loaded before any fork, as is all that is imported here.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Job(NamedTuple):
    """What a child is told besides the file itself."""

    content_type: str
    size: int
    memory: int
    """Bytes of address space."""
    cpu_seconds: int


def read(job: Job) -> None:
    """Read the file, answer."""
    _limit(job.memory, job.cpu_seconds)
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with os.fdopen(0, "rb", closefd=False) as stream:
        data = stream.read(job.size)
    if len(data) < job.size:
        return  # the worker has gone
    threading.Thread(target=_watch_input, daemon=True).start()

    def on_page(done: int, total: int) -> None:
        frames.write(answer, frames.PROGRESS, b"[%d,%d]" % (done, total))

    try:
        frames.write(answer, frames.READING, readers.read_json(data, job.content_type, on_page).encode())
    except PaperProcessingError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        frames.write(answer, frames.REFUSED, json.dumps({"code": error.code, "detail": error.detail}).encode())
    except MemoryError:
        frames.write(answer, frames.OUT_OF_MEMORY)


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends; elsewhere than on Linux, the end of its input has to do."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def be_known_by(size: int) -> None:
    """`ps` and `top` show it: a fork has the arguments of the process it comes from."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_NAME, b"read %d" % size, 0, 0, 0)


def _limit(memory: int, cpu_seconds: int) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        most = resource.getrlimit(limit)[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError) as error:  # macOS knows RLIMIT_AS, but does not take it
            sys.stderr.write(f"no limit {limit}: {error}\n")


def _watch_input() -> None:
    with suppress(OSError):  # reset: the worker went, and had not read all of the answer
        while os.read(0, 65536):
            continue
    os._exit(1)

"""The process that reads one file and ends: limited, and unable to outlive the process that started it.

Run as a script, by its path, in isolated mode: `python -I child.py PARENT_PID CONTENT_TYPE SIZE MEMORY_BYTES CPU_SECONDS`.
`SIZE` bytes of the file come on stdin, which then stays open for as long as the parent wants the answer; frames go to
what was stdout. What a library prints goes to stderr, as does the traceback of a parser's error.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import threading
import traceback
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# In isolated mode the script's own folder is not searched, and the project may be no installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))


def main(parent: int, content_type: str, size: int, memory: int, cpu_seconds: int) -> None:
    """Read stdin, answer, end."""
    _limit(memory, cpu_seconds)
    _die_with(parent)
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    from app.adapters.reader import frames  # noqa: PLC0415  # after the limits, as all that follows
    from app.domain.errors import PaperProcessingError  # noqa: PLC0415

    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        return  # the parent has gone
    threading.Thread(target=_watch_stdin, daemon=True).start()

    def on_page(done: int, total: int) -> None:
        frames.write(answer, frames.PROGRESS, b"[%d,%d]" % (done, total))

    try:
        from app.extraction.readers import read_json  # noqa: PLC0415

        frames.write(answer, frames.READING, read_json(data, content_type, on_page).encode())
    except PaperProcessingError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        frames.write(answer, frames.REFUSED, json.dumps({"code": error.code, "detail": error.detail}).encode())
    except MemoryError:
        frames.write(answer, frames.OUT_OF_MEMORY)
    # Nothing is left to do, and tearing down a library full of a hostile file's objects is one more risk.
    sys.stderr.flush()
    os._exit(0)


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


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends; elsewhere than on Linux, stdin's end has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def _watch_stdin() -> None:
    while os.read(0, 65536):
        continue
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6]))

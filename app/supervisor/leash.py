"""How a child goes with its parent, even when the parent is killed with -9.

Two ways at once: on Linux the kernel signals the child (no help from the child needed, so Valkey gets it too), and
everywhere a child of ours watches a pipe whose other end only the parent holds.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from threading import Thread

PIPE = "PAPER_PROCESSING_PARENT"
"""The environment variable that names the pipe to a child."""
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may import or open a library.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Leash:
    """The parent's side: one pipe for all children; it never writes, the end of the pipe is the message."""

    def __init__(self) -> None:
        self.read_end, self._write_end = os.pipe()  # no child inherits the write end

    @property
    def environment(self) -> dict[str, str]:
        """Tells a child which pipe to watch; it is started with `read_end` among its `pass_fds`."""
        return {PIPE: str(self.read_end)}

    def close(self) -> None:
        os.close(self.read_end)
        os.close(self._write_end)


def tied_by_kernel(farewell: signal.Signals) -> Callable[[], None]:
    """What a child runs between fork and exec, so that the kernel sends it `farewell` when its parent dies.

    "Parent" is the thread that forks: start children from the main thread.
    """
    parent = os.getpid()

    def tie() -> None:
        if _PRCTL is not None:
            _PRCTL(_PR_SET_PDEATHSIG, int(farewell))
            if os.getppid() != parent:  # it died before the tie was made
                os._exit(1)

    return tie


def follow_parent() -> bool:
    """The child's side: from now on this process and its group end when the parent does. False without a parent."""
    number = os.environ.pop(PIPE, None)
    if number is None:
        return False
    pipe = int(number)
    os.set_inheritable(pipe, False)
    Thread(target=_end_with, args=(pipe,), name="follow-parent", daemon=True).start()
    return True


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)

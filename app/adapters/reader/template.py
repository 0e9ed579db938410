"""A process that has imported all that reads files, and does nothing but fork: a child for each file, one at a time.

A fresh interpreter with these imports takes a hundred times as long as a fork. It never sees a file itself.

Run as a script, by its path, in isolated mode: `python -I template.py WORKER_PID`. Its descriptor 0 is a Unix socket to
the worker, and each file four messages on it: the worker's job, with the two sockets the child talks on; the child's
process id, or the negative error number of the fork; a byte when the child has to end, which it does at once; the exit
status it had. When the worker's end of the socket closes, the child and the template go.
"""

import errno
import gc
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# In isolated mode the script's own folder is not searched, and the project may be no installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from app.adapters.reader import child, frames  # found there
from app.extraction import readers

MAX_JOB = 4096

Read = Callable[[child.Job], None]
"""What a child does."""


def serve(worker: int, read: Read) -> None:
    """Fork a child for each job, which calls `read`, until the worker has gone."""
    child.die_with(worker)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the worker, which ends us in order
    gc.freeze()  # what is here stays: no child's collector need touch it, and so copy it
    with socket.socket(fileno=0) as control, suppress(ConnectionError):  # the worker has gone
        while _serve_one(control, read):
            continue


def _serve_one(control: socket.socket, read: Read) -> bool:
    """Whether the worker is still there afterwards."""
    message, ends, _, _ = socket.recv_fds(control, MAX_JOB, 2)
    if not message:
        return False
    pid = _fork(control, child.Job(*json.loads(message)), ends, read)
    for end in ends:
        os.close(end)
    control.sendall(frames.NUMBER.pack(pid))
    if pid < 0:
        return True
    goes_on = control.recv(1)
    os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
    _, status = os.waitpid(pid, 0)
    control.sendall(frames.NUMBER.pack(os.waitstatus_to_exitcode(status)))
    return bool(goes_on)


def _fork(control: socket.socket, job: child.Job, ends: list[int], read: Read) -> int:
    """The child's process id, or the negative number of the error that prevented it."""
    template = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        return -(error.errno or errno.EAGAIN)
    if pid == 0:
        status = 1
        try:
            control.detach()
            _talk_on(ends)
            child.die_with(template)
            child.be_known_by(job.size)
            read(job)
            status = 0
        except BaseException:  # noqa: BLE001  # it is told, and nothing of the template's may run here
            traceback.print_exc()
        finally:
            # Nothing is left to do, and tearing down a library full of a hostile file's objects is one more risk.
            sys.stderr.flush()
            os._exit(status)
    return pid


def _talk_on(ends: list[int]) -> None:
    """The conversation is the child's input and output, the other end takes its last words."""
    conversation, words = ends
    os.dup2(conversation, 0)
    os.dup2(conversation, 1)
    os.dup2(words, 2)
    os.close(conversation)
    os.close(words)


if __name__ == "__main__":
    readers.load_all()
    serve(int(sys.argv[1]), child.read)

"""The worker's side of a template process, see `template.py`."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import anyio
from anyio.abc import Process, UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from app.adapters.reader import frames

TEMPLATE = (sys.executable, "-I", str(Path(__file__).with_name("template.py")))
"""Its command; the worker's process id follows."""
END_SECONDS = 5.0
"""So long may a process take to end when it is asked to."""
_SILENT = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead)
"""What is raised when the other end has gone."""


class TemplateGoneError(Exception):
    """The template has ended, or never began."""


class Template:
    """A process that forks one child at a time."""

    def __init__(self, process: Process, control: UNIXSocketStream, end_seconds: float) -> None:
        self._process = process
        self._control = control
        self._end_seconds = end_seconds
        self._answers = BufferedByteReceiveStream(control)

    @classmethod
    async def start(cls, command: Sequence[str], end_seconds: float = END_SECONDS) -> "Template":
        """Returns at once: it imports while the worker goes on. Closed, it is killed if it has not ended by then."""
        ours, its = socket.socketpair()
        with its, ExitStack() as unless_started:
            unless_started.enter_context(ours)
            process = await anyio.open_process(
                [*command, str(os.getpid())],
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=None,
                # No environment: what reads a stranger's file has no business with this process's passwords.
                env={},
            )
            unless_started.pop_all()
        return cls(process, await UNIXSocketStream.from_socket(ours), end_seconds)

    async def fork(self, job: bytes) -> "Child":
        """A child at work on the job. Raises `TemplateGoneError`, and `OSError` when the system has no process more."""
        with ExitStack() as its, ExitStack() as unless_forked:
            ours: list[socket.socket] = []
            theirs: list[int] = []
            for _ in range(2):
                near, far = socket.socketpair()
                ours.append(unless_forked.enter_context(near))
                theirs.append(its.enter_context(far).fileno())
            try:
                await self._control.send_fds(job, theirs)
            except _SILENT as error:
                raise TemplateGoneError from error
            number = await self._hear()
            if number < 0:
                raise OSError(-number, os.strerror(-number))
            unless_forked.pop_all()
        conversation, words = [await UNIXSocketStream.from_socket(end) for end in ours]
        return Child(self, conversation, words)

    async def end_child(self) -> int:
        """Kill the child, unless it has ended by itself; answers its exit status. Raises `TemplateGoneError`."""
        try:
            await self._control.send(b".")
        except _SILENT as error:
            raise TemplateGoneError from error
        return await self._hear()

    async def aclose(self) -> None:
        """End it, and its child, and wait for that."""
        with anyio.CancelScope(shield=True):
            await self._control.aclose()
            with anyio.move_on_after(self._end_seconds):
                await self._process.wait()
            if self._process.returncode is None:
                self._process.kill()
            await self._process.aclose()

    async def _hear(self) -> int:
        try:
            (number,) = frames.NUMBER.unpack(await self._answers.receive_exactly(frames.NUMBER.size))
        except _SILENT as error:
            raise TemplateGoneError from error
        return int(number)


class Child:
    """A process that reads one file."""

    def __init__(self, template: Template, conversation: UNIXSocketStream, words: UNIXSocketStream) -> None:
        self.template = template
        self.conversation = conversation
        """The file goes in, frames come out. The child ends when this is closed."""
        self.words = words
        """What it says on stderr."""
        self._status: int | None = None

    async def end(self) -> int:
        """Killed, unless it has ended by itself; the exit status it had. Raises `TemplateGoneError`."""
        if self._status is None:
            self._status = await self.template.end_child()
        return self._status

    async def aclose(self) -> None:
        """Its end, whatever happens to the caller. Raises `TemplateGoneError`, also when it does not come in time."""
        with anyio.CancelScope(shield=True):
            await self.conversation.aclose()
            await self.words.aclose()
            with anyio.move_on_after(END_SECONDS):
                await self.end()
                return
            raise TemplateGoneError

"""Reads each file in a process of its own: a parser that crashes, hangs or eats all memory takes only itself along."""

import json
import logging
import math
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream

from app.adapters.reader import frames
from app.domain.errors import (
    ReaderCrashedError,
    ReaderOutOfMemoryError,
    ReadError,
    ReaderTimedOutError,
    UnsupportedTypeError,
)
from app.domain.knowledge import Reading
from app.ports import Progress

logger = logging.getLogger(__name__)

CHILD = (sys.executable, "-I", str(Path(__file__).with_name("child.py")))
"""What is run for each file; its arguments are those of `child.main`."""
_STDERR_KEPT = 4_000
"""Bytes of the child's last words, for the log."""
_LINE_TOLD = 300
"""Characters of its very last line, where that is all that is told."""
_REAP_SECONDS = 5.0
_NONSENSE = "its answer made no sense"


class SubprocessReader:
    """A fresh child for each file, its limits set by itself before it looks at the file."""

    def __init__(self, timeout_seconds: float = 120, memory_mb: int = 2048, command: Sequence[str] = CHILD) -> None:
        """`timeout_seconds`: of wall-clock time, and of CPU time, for a file; `memory_mb`: of its address space.

        `command`: the child to run instead of the real one, if any.
        """
        self._timeout = timeout_seconds
        self._memory_mb = memory_mb
        self._command = tuple(command)

    async def read(self, data: bytes, content_type: str, on_progress: Progress) -> Reading:
        """The file's reading.

        Raises `ReadError` for a file nobody can read; `ReaderCrashedError`, `ReaderTimedOutError` or
        `ReaderOutOfMemoryError` when the child did not come to an answer; and whatever `on_progress` raises.
        """
        arguments = (
            str(os.getpid()),
            content_type,
            str(len(data)),
            str(self._memory_mb * 1024 * 1024),
            str(math.ceil(self._timeout) + 1),
        )
        last_words = bytearray()
        # No environment: what reads a stranger's file has no business with this process's passwords.
        process = await anyio.open_process([*self._command, *arguments], env={}, stderr=subprocess.PIPE)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_end, process)
            try:
                with anyio.move_on_after(self._timeout):
                    return await self._converse(process, data, on_progress, last_words)
                raise ReaderTimedOutError(self._timeout)
            finally:
                words = last_words.decode("utf-8", "replace").split("\n")
                said = [line for line in map(str.rstrip, words) if line]
                if said:
                    # A bad file is no fault of the service: one sentence of it, the rest for those who dig.
                    logger.info("the reader of %s says: %s", content_type, said[-1][:_LINE_TOLD])
                    logger.debug("all it says: %s", "\n".join(said))

    async def _converse(self, process: Process, data: bytes, on_progress: Progress, last_words: bytearray) -> Reading:
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018  # both are pipes
        answer: Reading | None = None
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_keep_last, process.stderr, last_words)
            tasks.start_soon(_send, process, data)
            try:
                answer = await self._answer(BufferedByteReceiveStream(process.stdout), on_progress)
            except Exception as error:  # noqa: BLE001  # raised below, out of the group, which would wrap it
                failure = error
            else:
                if answer is None:
                    await process.wait()
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return answer if answer is not None else self._explain(process.returncode or 0)

    async def _answer(self, stream: BufferedByteReceiveStream, on_progress: Progress) -> Reading | None:
        """The reading at the end of the frames; None when they end without one."""
        while frame := await _next_frame(stream):
            match self._understood(*frame):
                case Reading() as reading:
                    return reading
                case done, total:
                    await on_progress(done, total)
        return None

    def _understood(self, kind: bytes, payload: bytes) -> Reading | tuple[int, int]:
        """What a frame says; raises the error that it stands for."""
        try:
            if kind == frames.READING:
                return Reading.model_validate_json(payload)
            if kind == frames.PROGRESS:
                done, total = json.loads(payload)
                return int(done), int(total)
            if kind == frames.REFUSED:
                refusal = json.loads(payload)
                raise UnsupportedTypeError if refusal["code"] == UnsupportedTypeError.code else ReadError(**refusal)
        except (ValueError, TypeError, LookupError) as error:  # pydantic's and json's errors are ValueErrors
            raise ReaderCrashedError(_NONSENSE) from error
        if kind == frames.OUT_OF_MEMORY:
            raise ReaderOutOfMemoryError(self._memory_mb)
        raise ReaderCrashedError(_NONSENSE)

    def _explain(self, returncode: int) -> Reading:
        """Raises what a process that ended without an answer stands for."""
        if -returncode == signal.SIGXCPU:
            raise ReaderTimedOutError(self._timeout)
        if returncode < 0:
            raise ReaderCrashedError(signal.Signals(-returncode).name)
        raise ReaderCrashedError(f"exit code {returncode}")


async def _next_frame(stream: BufferedByteReceiveStream) -> tuple[bytes, bytes] | None:
    """Kind and payload, or None at the end, even if it comes in the middle of a frame."""
    try:
        kind, length = frames.HEADER.unpack(await stream.receive_exactly(frames.HEADER.size))
        if length > frames.MAX_FRAME:
            raise ReaderCrashedError(_NONSENSE)
        return kind, await stream.receive_exactly(length)
    except (anyio.IncompleteRead, anyio.EndOfStream):
        return None


async def _send(process: Process, data: bytes) -> None:
    """The file, on stdin, which stays open: its end tells the child to end too."""
    assert process.stdin is not None  # noqa: S101  # it is a pipe
    try:
        await process.stdin.send(data)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return  # it ended before it read all; its answer, or its end, says why


async def _keep_last(stream: ByteReceiveStream, kept: bytearray) -> None:
    async for chunk in stream:
        kept += chunk
        del kept[:-_STDERR_KEPT]


async def _end(process: Process) -> None:
    """Killed if it runs, and reaped, whatever happens to the caller."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(_REAP_SECONDS):
        if process.returncode is None:
            process.kill()
        await process.wait()
        await process.aclose()

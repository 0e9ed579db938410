"""Reads each file in a process of its own: a parser that crashes, hangs or eats all memory takes only itself along."""

import json
import logging
import math
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream
from anyio.streams.buffered import BufferedByteReceiveStream

from app.adapters.reader import frames
from app.adapters.reader.warm import TEMPLATE, Child, Template, TemplateGoneError
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

START_SECONDS = 60.0
"""A file's own time begins when its child is there; so long may that take."""
_WORDS_KEPT = 4_000
"""Bytes of the child's last words, for the log."""
_WORDS_SECONDS = 1.0
"""For what it said before its end; longer only where a process of its own holds on to its stderr."""
_LINE_TOLD = 300
"""Characters of its very last line, where that is all that is told."""
_NONSENSE = "its answer made no sense"
_NO_CHILD = "its process did not start"
_TEMPLATE_GONE = "the process it came from ended"


class SubprocessReader:
    """A child for each file, its limits set by itself before it looks at the file.

    As a context it keeps the process warm that the children are forked from; else each file has that to itself too.
    """

    def __init__(self, timeout_seconds: float = 120, memory_mb: int = 2048, template: Sequence[str] = TEMPLATE) -> None:
        """`timeout_seconds`: of wall-clock time, and of CPU time, for a file; `memory_mb`: of its address space.

        `template`: the command of another process than the real one to fork the children from.
        """
        self._timeout = timeout_seconds
        self._memory_mb = memory_mb
        self._command = tuple(template)
        self._keeps = False
        self._free: list[Template] = []

    async def __aenter__(self) -> Self:
        self._keeps = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeps = False
        while self._free:
            await self._free.pop().aclose()

    async def read(self, data: bytes, content_type: str, on_progress: Progress) -> Reading:
        """The file's reading.

        Raises `ReadError` for a file nobody can read; `ReaderCrashedError`, `ReaderTimedOutError` or
        `ReaderOutOfMemoryError` when the child did not come to an answer; and whatever `on_progress` raises.
        """
        job = content_type, len(data), self._memory_mb * 1024 * 1024, math.ceil(self._timeout) + 1
        last_words = bytearray()
        async with self._child(json.dumps(job).encode()) as child:
            try:
                with anyio.move_on_after(self._timeout):
                    return await self._converse(child, data, on_progress, last_words)
                raise ReaderTimedOutError(self._timeout)
            finally:
                words = last_words.decode("utf-8", "replace").split("\n")
                said = [line for line in map(str.rstrip, words) if line]
                if said:
                    # A bad file is no fault of the service: one sentence of it, the rest for those who dig.
                    logger.info("the reader of %s says: %s", content_type, said[-1][:_LINE_TOLD])
                    logger.debug("all it says: %s", "\n".join(said))

    @asynccontextmanager
    async def _child(self, job: bytes) -> AsyncIterator[Child]:
        """A child for the job, ended with the context. Its template is kept if the child came to an answer.

        If it did not, the next one is of another template, so that a file which is tried again, and may have been made
        to harm, does not meet the same places in memory.
        """
        try:
            with anyio.fail_after(START_SECONDS):
                child = await self._fork(job)
        except (TemplateGoneError, TimeoutError) as error:
            raise ReaderCrashedError(_NO_CHILD) from error
        answered = False
        try:
            try:
                yield child
                answered = True
            except ReadError:
                answered = True
                raise
            finally:
                await child.aclose()
        except TemplateGoneError as error:
            answered = False
            raise ReaderCrashedError(_TEMPLATE_GONE) from error
        finally:
            if answered and self._keeps:  # asked last: the reader may have been closed meanwhile
                self._free.append(child.template)
            else:
                await child.template.aclose()

    async def _fork(self, job: bytes) -> Child:
        while self._free:
            with suppress(TemplateGoneError):  # it ended while it was idle
                return await _child_of(self._free.pop(), job)
        return await _child_of(await Template.start(self._command), job)

    async def _converse(self, child: Child, data: bytes, on_progress: Progress, last_words: bytearray) -> Reading:
        answer: Reading | None = None
        failure: Exception | None = None
        heard = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_keep_last, child.words, last_words, heard)
            tasks.start_soon(_send, child.conversation, data)
            try:
                answer = await self._answer(BufferedByteReceiveStream(child.conversation), on_progress)
            except Exception as error:  # noqa: BLE001  # raised below, out of the group, which would wrap it
                failure = error
            status = await child.end()
            with anyio.move_on_after(_WORDS_SECONDS):
                await heard.wait()
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return answer if answer is not None else self._explain(status)

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


async def _child_of(template: Template, job: bytes) -> Child:
    """A child of the template, which is closed if there will be none."""
    try:
        return await template.fork(job)
    except BaseException:
        await template.aclose()
        raise


async def _next_frame(stream: BufferedByteReceiveStream) -> tuple[bytes, bytes] | None:
    """Kind and payload, or None at the end, even if it comes in the middle of a frame."""
    try:
        kind, length = frames.HEADER.unpack(await stream.receive_exactly(frames.HEADER.size))
        if length > frames.MAX_FRAME:
            raise ReaderCrashedError(_NONSENSE)
        return kind, await stream.receive_exactly(length)
    except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
        return None  # broken: it did not take all of the file


async def _send(conversation: ByteSendStream, data: bytes) -> None:
    """The file. The conversation stays open: its end tells the child to end too."""
    try:
        await conversation.send(data)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return  # it ended before it read all; its answer, or its end, says why


async def _keep_last(stream: ByteReceiveStream, kept: bytearray, heard: anyio.Event) -> None:
    async for chunk in stream:
        kept += chunk
        del kept[:-_WORDS_KEPT]
    heard.set()

"""Reads a file in a thread of this process: for tests, and for files one trusts."""

import anyio
import anyio.from_thread
import anyio.to_thread

from app.domain.knowledge import Reading
from app.extraction import readers
from app.ports import Progress


class InlineReader:
    """The same readings and errors as `SubprocessReader` gives, without its protection."""

    async def read(self, data: bytes, content_type: str, on_progress: Progress) -> Reading:
        """The file's reading. Raises `ReadError`, and whatever `on_progress` raises."""

        async def tell(done: int, total: int) -> None:
            await on_progress(done, total)

        def report(done: int, total: int) -> None:
            anyio.from_thread.run(tell, done, total)

        return await anyio.to_thread.run_sync(readers.read, data, content_type, report)

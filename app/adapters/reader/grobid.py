"""Has a GROBID server read PDFs. What it cannot, or when it is away, the reader beneath does, as it does all other files."""

import logging

import anyio
import httpx

from app.domain.errors import ReadError, RetryableError
from app.domain.knowledge import Reading
from app.extraction.content_type import PDF, TEI
from app.ports import Clock, Progress, Reader

logger = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 16.0
"""Seconds until the next try while all of the server's engines are at work, doubled each time."""
CONNECT_SECONDS = 5.0
MAX_ANSWER = 64 * 1024 * 1024
_ASKED = {
    "includeRawCitations": "1",
    "consolidateHeader": "0",  # would look papers up on the web
    "consolidateCitations": "0",
    "teiCoordinates": ["head", "p", "s", "figure", "biblStruct"],
}


class GrobidReader:
    """Answers GROBID's TEI as a reading, made by the reader beneath, under its limits."""

    def __init__(self, beneath: Reader, client: httpx.AsyncClient, clock: Clock, timeout_seconds: float) -> None:
        """`client`: its base URL is the server's; `timeout_seconds`: for all tries at one file together."""
        self._beneath = beneath
        self._client = client
        self._clock = clock
        self._timeout = timeout_seconds

    async def read(self, data: bytes, content_type: str, on_progress: Progress) -> Reading:
        """The file's reading. Raises what the reader beneath raises."""
        if content_type == PDF:
            try:
                with anyio.fail_after(self._timeout):
                    tei = await self._ask(data)
                return await self._beneath.read(tei, TEI, _silent)
            except (httpx.HTTPError, TimeoutError, ReadError, RetryableError) as error:
                reason = str(error) or type(error).__name__
                logger.warning("GROBID did not read the PDF, so it is read here: %s", reason)
        return await self._beneath.read(data, content_type, on_progress)

    async def _ask(self, data: bytes) -> bytes:
        pause = FIRST_PAUSE
        while True:
            answer = await self._post(data)
            if answer is not None:
                return answer
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _post(self, data: bytes) -> bytes | None:
        """The TEI; None while the server is busy (503)."""
        async with self._client.stream(
            "POST",
            "/api/processFulltextDocument",
            files={"input": ("paper.pdf", data, PDF)},
            data=_ASKED,
            headers={"Accept": "application/xml"},
            timeout=httpx.Timeout(self._timeout, connect=CONNECT_SECONDS),
        ) as response:
            if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                return None
            response.raise_for_status()
            tei = bytearray()
            async for chunk in response.aiter_bytes():
                tei += chunk
                if len(tei) > MAX_ANSWER:
                    raise ReadError("text_too_long", "GROBID's answer is too large.")
            if not tei:
                raise ReadError("no_text", f"GROBID found nothing in it ({response.status_code}).")
            return bytes(tei)


async def _silent(_done: int, _total: int) -> None:
    """Pages are counted by the reader that reads the PDF itself."""

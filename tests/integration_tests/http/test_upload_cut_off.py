"""What only a real server shows of an upload over the limit: the answer comes while it streams, and reaches every client."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from app.services.intake import MEGABYTE
from tests.support.answers import body, error
from tests.support.lane import Lane

pytestmark = [pytest.mark.anyio, pytest.mark.live, pytest.mark.usefixtures("witness")]

SIZE = 200 * MEGABYTE
LIMIT = 50 * MEGABYTE
"""The setting's default."""
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="big.txt"\r\n\r\n'
FORM = {"Content-Type": "multipart/form-data; boundary=x"}

with_and_without_its_length = pytest.mark.parametrize("declared", [True, False], ids=["its length", "no length"])


@with_and_without_its_length
async def test_a_client_that_looks_while_it_sends_need_not_send_the_rest(declared: bool, lane: Lane) -> None:
    """Told the length, the service answers what it has hardly begun to read; else once the limit is passed."""
    url = lane.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    length = f"Content-Length: {SIZE}" if declared else "Transfer-Encoding: chunked"
    writer.write(
        f"POST /papers/ HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\n{length}\r\n\r\n".encode()
    )
    for part in [HEAD] if declared else [HEAD, *[b"x" * MEGABYTE] * (LIMIT // MEGABYTE + 1)]:
        writer.write(part if declared else b"%x\r\n%s\r\n" % (len(part), part))
        await writer.drain()
    async with asyncio.timeout(lane.deadline):
        head, _, content = (await reader.readuntil(b"}")).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(content)["code"] == "file_too_large"


@with_and_without_its_length
async def test_a_client_that_sends_all_before_it_looks_gets_its_answer_too(declared: bool, lane: Lane) -> None:
    async def form() -> AsyncIterator[bytes]:
        yield HEAD
        for _ in range((SIZE - len(HEAD)) // MEGABYTE):
            yield b"x" * MEGABYTE
        yield b"x" * ((SIZE - len(HEAD)) % MEGABYTE)

    headers = FORM | ({"Content-Length": str(SIZE)} if declared else {})
    answer = await lane.client.post("/papers/", content=form(), headers=headers)
    assert error(answer) == (413, "file_too_large")
    assert body(await lane.client.get("/health/live")) == {"status": "ok"}

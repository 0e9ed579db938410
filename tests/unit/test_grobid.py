"""PDFs go to the GROBID server; whatever goes wrong there, the reader here does it."""

import logging
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest

from app.adapters.reader.grobid import FIRST_PAUSE, GrobidReader
from app.adapters.reader.inline import InlineReader
from app.domain.errors import ReadError
from app.domain.knowledge import Reading
from app.extraction.content_type import PDF, TEXT
from tests.extraction.readers import files
from tests.support.clock import ManualClock

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

ANSWER = (Path(files.__file__).with_name("grobid.tei.xml")).read_bytes()
PAPER = files.pdf([(72.0, 700.0, 18.0, "Our Own Title"), (72.0, 600.0, 10.0, "Some words of the paper.")])
Answer = Callable[[httpx.Request], httpx.Response]


def tei(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=ANSWER, headers={"Content-Type": "application/xml"})


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


async def read(
    answer: Answer, data: bytes = PAPER, content_type: str = PDF, clock: ManualClock | None = None, timeout: float = 5
) -> Reading:
    async def ignore(_done: int, _total: int) -> None: ...

    client = httpx.AsyncClient(base_url="http://grobid:8070", transport=httpx.MockTransport(answer))
    async with client:
        return await GrobidReader(InlineReader(), client, clock or ManualClock(), timeout).read(
            data, content_type, ignore
        )


async def test_a_pdf_is_sent_whole_and_asks_for_words_and_places() -> None:
    asked: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return tei(request)

    reading = await read(note)
    assert reading.metadata.title == "Tides of Shallow Seas"
    [request] = asked
    assert (request.method, request.url.path) == ("POST", "/api/processFulltextDocument")
    assert PAPER in request.content
    assert b'name="includeRawCitations"\r\n\r\n1' in request.content
    assert request.content.count(b'name="teiCoordinates"') > 1


async def test_other_files_stay_here() -> None:
    def never(_request: httpx.Request) -> httpx.Response:
        pytest.fail("a text file was sent to GROBID")

    assert (await read(never, b"Plain words.", TEXT)).text == "Plain words."


async def test_a_busy_server_is_asked_again_after_longer_and_longer_pauses() -> None:
    answers: list[Answer] = [lambda _: httpx.Response(503), lambda _: httpx.Response(503), tei]
    clock = ManualClock()
    asked = 0

    def busy(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        answer = answers[asked]
        asked += 1
        return answer(request)

    readings: list[Reading] = []

    async def run() -> None:
        readings.append(await read(busy, clock=clock))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        for tries, pause in ((1, FIRST_PAUSE), (2, 2 * FIRST_PAUSE)):
            while not clock.sleepers:
                await anyio.lowlevel.checkpoint()
            assert asked == tries
            clock.advance(pause - 0.1)
            assert clock.sleepers == 1, "asked again too soon"
            clock.advance(0.1)
            while clock.sleepers:
                await anyio.lowlevel.checkpoint()
    assert asked == 3
    assert readings[0].metadata.title == "Tides of Shallow Seas"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (away, "connection refused"),
        (lambda _: httpx.Response(500, text="[GENERAL] An exception occurred"), "500 Internal Server Error"),
        (lambda _: httpx.Response(204), "found nothing"),
        (lambda _: httpx.Response(200, text="no xml at all"), "not well formed"),
        (lambda _: httpx.Response(200, content=ANSWER[:2000]), "not well formed"),
        (lambda _: httpx.Response(302, headers={"Location": "http://elsewhere/"}), "302"),
    ],
    ids=["away", "500", "nothing found", "no xml", "cut off", "redirect"],
)
async def test_where_it_fails_the_paper_is_read_here_and_the_log_says_why(
    answer: Answer, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "app.adapters.reader.grobid"):
        reading = await read(answer)
    assert "Our Own Title" in reading.text
    [told] = caplog.messages
    assert reason in told


async def test_where_it_fails_progress_is_told_page_by_page_as_without_it() -> None:
    told: list[tuple[int, int]] = []

    async def note(done: int, total: int) -> None:
        told.append((done, total))

    async with httpx.AsyncClient(base_url="http://grobid:8070", transport=httpx.MockTransport(away)) as client:
        await GrobidReader(InlineReader(), client, ManualClock(), 5).read(PAPER, PDF, note)
    assert told == [(1, 1)]


async def test_one_that_is_busy_for_ever_costs_no_more_than_the_time_a_file_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reading = await read(lambda _: httpx.Response(503), timeout=0.01)
    assert "Our Own Title" in reading.text
    assert "TimeoutError" in caplog.text


async def test_a_pdf_nobody_can_read_is_told_as_without_the_server() -> None:
    with pytest.raises(ReadError) as refused:
        await read(lambda _: httpx.Response(500), files.pdf([], encrypt=True))
    assert refused.value.code == "encrypted"

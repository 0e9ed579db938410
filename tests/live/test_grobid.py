"""A worker of the running service has a GROBID server read its PDFs, and reads them itself when that one fails."""

from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.extraction.readers import files
from tests.support.live import LiveLane, LiveServer

pytestmark = [pytest.mark.anyio, pytest.mark.live]

ANSWER = Path(files.__file__).with_name("grobid.tei.xml").read_bytes()
OURS = "Tides of Deep Seas"
PAPER = files.pdf(
    [
        (72.0, 700.0, 18.0, OURS),
        (72.0, 660.0, 12.0, "Ana Ito and Jonas Lindqvist"),
        (72.0, 600.0, 12.0, "Abstract"),
        (72.0, 580.0, 10.0, "Tides are regular where the sea is deep."),
    ]
)


class Grobid(ThreadingHTTPServer):
    """Answers what is next in `answers`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, bytes]] = []
        self.received: list[int] = []


class _Handler(BaseHTTPRequestHandler):
    server: Grobid

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(body.count(PAPER))
        status, answer = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def grobid() -> Iterator[Grobid]:
    with Grobid() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
async def lane(grobid: Grobid, tmp_path: Path) -> AsyncIterator[LiveLane]:
    url = f"http://127.0.0.1:{grobid.server_address[1]}"
    with LiveServer(tmp_path, PAPERS_GROBID_URL=url) as server:
        async with LiveLane(server) as lane:
            yield lane
            lane.check_transcripts()


async def test_a_pdf_is_read_by_the_server_or_by_us(grobid: Grobid, lane: LiveLane) -> None:
    grobid.answers = [(503, b""), (200, ANSWER)]
    assert await title_of(lane, "theirs.pdf") == "Tides of Shallow Seas"
    grobid.answers = [(500, b"[GENERAL] An exception occurred")]
    assert await title_of(lane, "ours.pdf") == OURS
    assert grobid.received == [1, 1, 1], "the file was not sent as it is, once a try"


async def title_of(lane: LiveLane, name: str) -> str:
    """The title of the paper once it is completed."""
    paper_id = (await lane.upload(name, PAPER))["id"]
    async with lane.connect(f"/ws/{paper_id}") as socket:
        await lane.process(paper_id)
        await socket.receive_until("paper_status", status="completed")
    return str((await lane.client.get(f"/papers/{paper_id}/document")).json()["title"])

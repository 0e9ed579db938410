"""A file over the limit is cut off while it streams, and never held in memory."""

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.services.intake import MEGABYTE
from app.settings import Settings
from tests.support.answers import a_witness, body, error
from tests.support.in_process import InProcessLane

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]

CHUNK = 64 * 1024
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="big.txt"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, max_upload_mb=1)


class Upload:
    """A form that is made while it is sent, and counts what was taken of it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield HEAD
        while self.taken < self.size:
            chunk = b"x" * min(CHUNK, self.size - self.taken)
            self.taken += len(chunk)
            yield chunk
        yield TAIL


async def post(lane: InProcessLane, upload: Upload, **headers: str) -> httpx.Response:
    request = lane.client.build_request("POST", "/papers/", content=upload.__aiter__(), headers=FORM | headers)
    return await lane.client.send(request)


async def test_a_file_of_the_limit_is_taken_and_of_one_byte_more_is_not(in_process: InProcessLane) -> None:
    at_the_limit = await post(in_process, Upload(MEGABYTE))
    assert body(at_the_limit, 201)["size"] == MEGABYTE
    answer = await post(in_process, Upload(MEGABYTE + 1))
    assert error(answer) == (413, "file_too_large")
    assert "1 MB" in answer.json()["detail"]
    listed = body(await in_process.client.get("/papers/"))["items"]
    assert [paper["size"] for paper in listed] == [MEGABYTE]


async def test_a_stream_without_a_length_is_cut_off_where_the_limit_is(in_process: InProcessLane) -> None:
    async with a_witness(in_process):
        upload = Upload(200 * MEGABYTE)
        tracemalloc.start()
        answer = await post(in_process, upload)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert error(answer) == (413, "file_too_large")
        assert answer.headers["Connection"] == "close", "the server would take the rest, only to drop it"
        assert MEGABYTE < upload.taken <= MEGABYTE + 3 * CHUNK
        assert peak < 3 * MEGABYTE


async def test_a_length_over_the_limit_is_refused_before_a_byte_is_taken(in_process: InProcessLane) -> None:
    for length in (str(200 * MEGABYTE), "9" * 5000):
        upload = Upload(200 * MEGABYTE)
        assert error(await post(in_process, upload, **{"Content-Length": length})) == (413, "file_too_large")
        assert upload.taken == 0


async def test_a_length_that_lies_does_not_get_a_file_in(in_process: InProcessLane) -> None:
    for length in ("10", "-1", "many", ""):
        upload = Upload(200 * MEGABYTE)
        assert error(await post(in_process, upload, **{"Content-Length": length})) == (413, "file_too_large")
        assert upload.taken <= MEGABYTE + 3 * CHUNK


async def test_a_field_beside_the_file_cannot_be_large_either(in_process: InProcessLane) -> None:
    content = b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\n' + b"x" * (MEGABYTE + 10) + TAIL
    answer = await in_process.client.post("/papers/", content=content, headers=FORM)
    assert error(answer) == (422, "missing_file")

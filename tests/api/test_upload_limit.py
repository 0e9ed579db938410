"""A file over the limit is cut off while it streams, and never held in memory."""

import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import Message

from app.api.lingering import LINGER_SECONDS
from app.services.intake import MEGABYTE
from app.settings import Settings
from tests.support.answers import a_witness, body, error
from tests.support.disks import small_disk
from tests.support.in_process import InProcessLane
from tests.support.shared import NO_FOLDER

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]

CHUNK = 64 * 1024
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="big.txt"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
REQUEST = httpx.Request("POST", "/papers/")


@pytest.fixture
def settings() -> Settings:
    return Settings(data_dir=NO_FOLDER, max_upload_mb=1)


class Upload:
    """A form that is made while it is taken, byte by byte as an ASGI server hands it on; what was answered, and when."""

    def __init__(self, size: int, *, then: Callable[[], Message] = lambda: {"type": "http.disconnect"}) -> None:
        self.answer: dict[str, Any] = {}
        self.taken = 0
        self.taken_when_answered = 0
        self._size = size
        self._then = then
        self._begun = False

    async def send_to(self, lane: InProcessLane, **headers: str) -> tuple[int, str]:
        """Status and code of the answer."""
        client = lane.test_client
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/papers/",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in (FORM | headers).items()],
            "state": client.app_state.copy(),
        }
        await anyio.to_thread.run_sync(lane.call_api, client.app, scope, self._receive, self._send)
        return error(httpx.Response(self.answer["status"], content=self.answer["body"], request=REQUEST))

    async def _receive(self) -> Message:
        if self.answer:
            return self._then()
        if not self._begun:
            self._begun = True
            return {"type": "http.request", "body": HEAD, "more_body": True}
        if self.taken == self._size:
            return {"type": "http.disconnect"}
        chunk = b"x" * min(CHUNK, self._size - self.taken)
        self.taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def _send(self, message: Message) -> None:
        if not self.answer:
            self.taken_when_answered = self.taken
        self.answer |= {name: value for name, value in message.items() if value != b""}


async def test_a_file_of_the_limit_is_taken_and_of_one_byte_more_is_not(in_process: InProcessLane) -> None:
    at_the_limit = await in_process.upload("a.txt", b"x" * MEGABYTE)
    assert at_the_limit["size"] == MEGABYTE
    answer = await in_process.client.post("/papers/", files={"file": ("a.txt", b"x" * (MEGABYTE + 1))})
    assert error(answer) == (413, "file_too_large")
    assert "1 MB" in answer.json()["detail"]
    listed = body(await in_process.client.get("/papers/"))["items"]
    assert [paper["size"] for paper in listed] == [MEGABYTE]


async def test_a_stream_without_a_length_is_answered_where_the_limit_is(in_process: InProcessLane) -> None:
    async with a_witness(in_process):
        upload = Upload(200 * MEGABYTE)
        tracemalloc.start()
        answer = await upload.send_to(in_process)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answer == (413, "file_too_large")
        assert MEGABYTE < upload.taken_when_answered <= MEGABYTE + 3 * CHUNK
        assert peak < 3 * MEGABYTE


async def test_a_length_over_the_limit_is_refused_before_a_byte_is_taken(in_process: InProcessLane) -> None:
    for length in (str(200 * MEGABYTE), "9" * 5000):
        upload = Upload(200 * MEGABYTE)
        assert await upload.send_to(in_process, **{"Content-Length": length}) == (413, "file_too_large")
        assert upload.taken == 0


async def test_a_length_that_lies_does_not_get_a_file_in(in_process: InProcessLane) -> None:
    for length in ("10", "-1", "many", ""):
        upload = Upload(200 * MEGABYTE)
        assert await upload.send_to(in_process, **{"Content-Length": length}) == (413, "file_too_large")
        assert upload.taken <= MEGABYTE + 3 * CHUNK


async def test_who_goes_on_sending_after_the_answer_is_cut_off(in_process: InProcessLane) -> None:
    taken_since = 0

    def go_on() -> Message:
        nonlocal taken_since
        taken_since += 1
        if taken_since == 100:
            in_process.clock.advance(LINGER_SECONDS)
        return {"type": "http.request", "body": b"x" * CHUNK, "more_body": True}

    upload = Upload(200 * MEGABYTE, then=go_on)
    assert await upload.send_to(in_process) == (413, "file_too_large")
    assert taken_since >= 100, "the connection is closed before the client can have seen the answer"
    assert upload.answer["more_body"] is False
    assert (b"connection", b"close") in upload.answer["headers"]


async def test_who_ends_the_request_all_the_same_is_not_waited_for(in_process: InProcessLane) -> None:
    upload = Upload(200 * MEGABYTE, then=lambda: {"type": "http.request", "body": b"", "more_body": False})
    assert await upload.send_to(in_process) == (413, "file_too_large")


async def test_a_field_beside_the_file_cannot_be_large_either(in_process: InProcessLane) -> None:
    content = b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\n' + b"x" * (MEGABYTE + 10) + TAIL
    answer = await in_process.client.post("/papers/", content=content, headers=FORM)
    assert error(answer) == (422, "missing_file")


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(
    in_process: InProcessLane, caplog: pytest.LogCaptureFixture
) -> None:
    await Upload(CHUNK).send_to(in_process)
    assert body(await in_process.client.get("/papers/"))["items"] == []
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_temporary_folder_that_is_full_is_told_and_the_next_upload_is_taken_when_there_is_room(
    in_process: InProcessLane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", megabytes=3) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk.place))
        disk.fill()
        large = {"file": ("a.txt", b"x" * (MEGABYTE + 1000))}  # what is beyond a megabyte waits on the disk
        assert error(await in_process.client.post("/papers/", files=large)) == (507, "storage_full")
        disk.make_room()
        assert error(await in_process.client.post("/papers/", files=large)) == (413, "file_too_large")

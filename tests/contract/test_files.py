"""What `Files` promises, in memory, in a folder and on S3: bytes come back as they went in, and a file is there whole or not
at all. S3 is moto's server here, which speaks its protocol."""

import asyncio
import errno
import io
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import anyio
import fsspec
import pytest

from app.adapters.disk import check_room, explained
from app.adapters.files.fsspec import CHUNK, PART, FsspecFiles, connect
from app.domain.errors import StorageFullError, UnavailableError
from tests.support.disks import small_disk
from tests.support.s3 import S3, s3_server

pytestmark = pytest.mark.anyio

PAPER, OTHER = str(uuid4()), str(uuid4())


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture(params=["memory", "file", pytest.param("s3", marks=pytest.mark.live)])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FsspecFiles:
    if request.param == "s3":
        for name, value in request.getfixturevalue("s3").environment.items():
            monkeypatch.setenv(name, value)
        return connect(f"s3://papers-{uuid4().hex}/files")
    root = f"/{uuid4().hex}" if request.param == "memory" else str(tmp_path / "files")
    return FsspecFiles(fsspec.filesystem(request.param), root)


class Breaking(io.BytesIO):
    """A source that ends in the middle, as an upload may."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > CHUNK:
            raise ConnectionResetError("the client left")
        return super().read(size)


async def put(files: FsspecFiles, content: bytes, paper_id: str = PAPER) -> None:
    await files.put(paper_id, io.BytesIO(content))


async def stream(files: FsspecFiles, paper_id: str = PAPER) -> list[bytes]:
    async with files.stream(paper_id) as chunks:
        return [chunk async for chunk in chunks]


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 5000], ids=["empty", "a byte", "several chunks"])
async def test_bytes_come_back_as_they_went_in(content: bytes, files: FsspecFiles) -> None:
    await put(files, content)
    assert await files.get(PAPER) == content
    chunks = await stream(files)
    assert b"".join(chunks) == content
    assert max(map(len, chunks), default=0) <= CHUNK


async def test_a_source_is_read_from_where_it_stands(files: FsspecFiles) -> None:
    source = io.BytesIO(b"headbody")
    source.seek(4)
    await files.put(PAPER, source)
    assert await files.get(PAPER) == b"body"


async def test_a_paper_put_again_has_its_new_bytes(files: FsspecFiles) -> None:
    await put(files, b"first")
    await put(files, b"second")
    assert await files.get(PAPER) == b"second"


async def test_papers_keep_to_themselves(files: FsspecFiles) -> None:
    ids = [f"ab{uuid4()}" for _ in range(10)]
    await asyncio.gather(*(put(files, paper_id.encode(), paper_id) for paper_id in ids))
    assert [await files.get(paper_id) for paper_id in ids] == [paper_id.encode() for paper_id in ids]
    await files.remove(ids[0])
    assert await files.get(ids[1]) == ids[1].encode()


async def test_an_absent_file_is_told_at_once(files: FsspecFiles) -> None:
    with pytest.raises(FileNotFoundError):
        await files.get(PAPER)
    with pytest.raises(FileNotFoundError):
        async with files.stream(PAPER):
            pytest.fail("a file is streamed that is not there")


async def test_a_removed_file_is_absent_and_removing_it_twice_does_no_harm(files: FsspecFiles) -> None:
    await put(files, b"x")
    await files.remove(PAPER)
    await files.remove(PAPER)
    with pytest.raises(FileNotFoundError):
        await files.get(PAPER)


async def test_nothing_half_written_is_visible_when_the_source_breaks(files: FsspecFiles) -> None:
    with pytest.raises((ConnectionResetError, UnavailableError)):
        await files.put(PAPER, Breaking(bytes(3 * CHUNK)))
    with pytest.raises(FileNotFoundError):
        await files.get(PAPER)


async def test_a_put_that_breaks_leaves_what_was_there(files: FsspecFiles) -> None:
    await put(files, b"whole")
    with pytest.raises((ConnectionResetError, UnavailableError)):
        await files.put(PAPER, Breaking(bytes(3 * CHUNK)))
    assert await files.get(PAPER) == b"whole"


async def test_a_broken_put_leaves_no_rubbish(tmp_path: Path) -> None:
    """Not even until the next one: it may have broken because the disk is full."""
    files = FsspecFiles(fsspec.filesystem("file"), str(tmp_path))
    with pytest.raises((ConnectionResetError, UnavailableError)):
        await files.put(PAPER, Breaking(bytes(3 * CHUNK)))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_reader_that_has_begun_reads_on_while_the_file_is_removed(files: FsspecFiles) -> None:
    content = bytes(range(256)) * 4 * (CHUNK // 256)
    await put(files, content)
    async with files.stream(PAPER) as chunks:
        got = [await anext(chunks)]
        await files.remove(PAPER)
        got += [chunk async for chunk in chunks]
    assert b"".join(got) == content


async def test_the_check_makes_the_folder_that_files_go_to(tmp_path: Path) -> None:
    files = FsspecFiles(fsspec.filesystem("file"), str(tmp_path / "new" / "files"))
    await files.check()
    assert (tmp_path / "new" / "files").is_dir()


async def test_a_folder_that_cannot_be_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")
    files = FsspecFiles(fsspec.filesystem("file"), str(tmp_path / "files"))
    with pytest.raises(UnavailableError, match="PAPERS_FILES_URL"):
        await files.check()
    with pytest.raises(UnavailableError, match="PAPERS_FILES_URL"):
        await put(files, b"x")


class Full(io.BytesIO):
    """A source in whose middle the disk turns out to be full."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")


class Mistaken(io.BytesIO):
    """A source with a mistake of ours in it."""

    def read(self, size: int | None = -1) -> bytes:
        raise ValueError("a mistake of ours")


async def test_a_mistake_of_ours_is_not_the_disk_being_away(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a mistake of ours"):
        await FsspecFiles(fsspec.filesystem("file"), str(tmp_path)).put(PAPER, Mistaken(b"x"))


async def test_a_full_disk_is_told_as_such(files: FsspecFiles) -> None:
    with pytest.raises(StorageFullError, match="make room, and everything goes on"):
        await files.put(PAPER, Full(b"x"))


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, StorageFullError, "the disk is full"),
        (errno.EDQUOT, StorageFullError, "the disk is full"),
        (errno.EROFS, UnavailableError, "can only be read"),
        (errno.EACCES, UnavailableError, "this user may not; make it writable"),
        (errno.EIO, UnavailableError, "check PAPERS_FILES_URL"),
    ],
)
def test_each_trouble_of_a_disk_has_its_words(number: int, kind: type[UnavailableError], words: str) -> None:
    told = explained(OSError(number, os.strerror(number)), "It failed", "check PAPERS_FILES_URL")
    assert type(told) is kind
    assert words in told.detail
    assert told.detail.endswith(".")


def test_a_disk_with_too_little_room_says_how_much_there_is(tmp_path: Path) -> None:
    check_room(tmp_path, need=1)
    check_room(tmp_path / "not" / "made" / "yet", need=1)
    with pytest.raises(StorageFullError, match=r"\d+ MB are free, 1048576000 MB are needed; make room"):
        check_room(tmp_path, need=1000 * 2**40)


def test_a_disk_that_can_only_be_read_is_told_as_such(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        disk.make_read_only()
        with pytest.raises(UnavailableError, match=rf"^The folder {disk.place} can only be read; make it writable\.$"):
            check_room(disk.place / "files", need=1)


async def test_a_file_is_on_its_disk_with_its_folders_before_it_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a power failure leaves an empty file, of a paper that the store, which does wait for its disk, knows of."""
    lasting: list[int] = []

    def fsync(descriptor: int) -> None:
        really(descriptor)
        lasting.append(os.fstat(descriptor).st_ino)

    really = os.fsync
    monkeypatch.setattr(os, "fsync", fsync)
    await put(FsspecFiles(fsspec.filesystem("file"), str(tmp_path)), b"x")
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert lasting == [path.stat().st_ino for path in (file, file.parent, tmp_path)]


async def test_all_files_are_listed_and_what_a_killed_put_left(files: FsspecFiles) -> None:
    assert await files.list() == []
    before = datetime.now(UTC)
    await put(files, b"xyz", PAPER)
    await put(files, b"x", OTHER)
    files._fs.mv(files._path(OTHER), files._path(OTHER) + PART)  # as a process killed in the middle leaves it
    found = await files.list()
    assert {(file.paper_id, file.size, file.whole) for file in found} == {(PAPER, 3, True), (OTHER, 1, False)}
    assert all(abs(file.changed_at - before) < timedelta(minutes=1) for file in found)
    await files.remove(OTHER)
    assert [file.paper_id for file in await files.list()] == [PAPER]


async def test_what_lies_elsewhere_in_the_folder_is_nobody_s_file(tmp_path: Path) -> None:
    files = connect(tmp_path.as_uri())
    await put(files, b"x")
    (tmp_path / "zz").mkdir()
    for stray in ("notes.txt", f"zz/{PAPER}"):
        (tmp_path / stray).write_bytes(b"y")
    assert [file.paper_id for file in await files.list()] == [PAPER]


class LibraryError(Exception):
    """As those of S3's library: none of them is an `OSError`."""


class Away(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec ships no types
    cachable = False

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: object) -> bytes:
        raise LibraryError("Could not connect to the endpoint URL")


async def test_a_library_s_own_error_means_that_the_store_of_files_is_away() -> None:
    with pytest.raises(UnavailableError, match="Could not connect to the endpoint URL"):
        await FsspecFiles(Away(), "papers/files").get(PAPER)


class Hanging(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Answers when it is told to."""

    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.answer = threading.Event()

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self.answer.wait()

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: object) -> bytes:
        self.answer.wait()
        return b"x"


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    store = Hanging()
    yield store
    store.answer.set()


async def test_who_is_cancelled_does_not_wait_for_a_store_that_hangs(hanging: Hanging) -> None:
    with anyio.fail_after(5), anyio.move_on_after(0.01) as given_up:
        await FsspecFiles(hanging, "papers/files").get(PAPER)
    assert given_up.cancelled_caught


@pytest.mark.slow  # half a second
async def test_a_store_that_hangs_is_looked_at_once_however_often_it_is_asked_for(hanging: Hanging) -> None:
    files = FsspecFiles(hanging, "papers/files")
    with anyio.move_on_after(0.01):
        await files.check()
    with anyio.fail_after(5), pytest.raises(UnavailableError, match="has not answered yet when asked before"):
        await files.check()
    hanging.answer.set()
    await files.check()


@pytest.mark.live
async def test_an_s3_that_goes_is_told_in_seconds_and_taken_up_again_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with s3_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        files = connect(f"s3://papers-{uuid4().hex}/files")
        await files.check()
        await put(files, b"x")
        server.stop()
        for call in (files.check(), files.get(PAPER), files.list(), put(files, b"y", OTHER), files.remove(PAPER)):
            async with asyncio.timeout(15):
                with pytest.raises(UnavailableError, match="PAPERS_FILES_URL"):
                    await call
        server.start()
        await files.check()
        await put(files, b"z")
        assert await files.get(PAPER) == b"z"

"""The port `Reader`: both adapters read alike; the child process takes only itself along when a file harms it."""

import logging
from collections.abc import Callable
from pathlib import Path

import anyio
import psutil
import pytest

from app.adapters.reader.inline import InlineReader
from app.adapters.reader.subprocess import SubprocessReader
from app.domain.errors import (
    ReaderCrashedError,
    ReaderOutOfMemoryError,
    ReadError,
    ReaderTimedOutError,
    UnsupportedTypeError,
)
from app.domain.knowledge import Reading
from app.extraction.content_type import HTML, JATS, LATEX, PDF, TEXT
from app.ports import Reader
from tests.extraction.readers import files
from tests.support.readers import reader_of

pytestmark = pytest.mark.anyio

PAPER = files.PAPERS / "own_example.tex"


both = pytest.mark.parametrize("make", [InlineReader, pytest.param(SubprocessReader, marks=pytest.mark.slow)])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _ignore(done: int, total: int) -> None:
    pass


@both
async def test_progress_comes_page_by_page_and_the_reading_after_it(make: Callable[[], Reader]) -> None:
    told: list[tuple[int, int]] = []

    async def tell(done: int, total: int) -> None:
        await anyio.lowlevel.checkpoint()
        told.append((done, total))

    reading = await make().read(b"One.\fTwo.", TEXT, tell)
    assert isinstance(reading, Reading)
    assert reading.text == "One.\n\nTwo."
    assert told == [(1, 2), (2, 2)]


@both
async def test_a_file_nobody_can_read_is_the_same_error_from_both(make: Callable[[], Reader]) -> None:
    with pytest.raises(ReadError) as refused:
        await make().read(b"   ", TEXT, _ignore)
    assert refused.value.code == "no_text"
    assert "OCR" in refused.value.detail


@pytest.mark.slow
async def test_both_give_the_same_reading() -> None:
    data = PAPER.read_bytes()
    assert await SubprocessReader().read(data, LATEX, _ignore) == await InlineReader().read(data, LATEX, _ignore)


@pytest.mark.slow
async def test_what_on_progress_raises_ends_the_reading_and_comes_back() -> None:
    async def refuse(done: int, total: int) -> None:
        raise ConnectionError("no store")

    for reader in (InlineReader(), SubprocessReader()):
        with pytest.raises(ConnectionError, match="no store"):
            await reader.read(b"One.", TEXT, refuse)


@pytest.mark.slow
async def test_a_child_that_is_killed_by_a_signal_crashed() -> None:
    reader = reader_of("os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(ReaderCrashedError, match="SIGSEGV"):
        await reader.read(b"x", TEXT, _ignore)


@pytest.mark.slow
async def test_a_child_that_ends_without_an_answer_crashed_and_its_last_words_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    reader = reader_of("os.write(2, b'Traceback:\\n  line 1\\nstack corrupted\\n'); os._exit(3)")
    with pytest.raises(ReaderCrashedError, match="exit code 3"):
        await reader.read(b"x" * 5_000_000, TEXT, _ignore)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", "the reader of text/plain says: stack corrupted")
    ], "a stranger's bad file is one line, with no traceback"


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer", [b"nonsense that is longer than a frame's head", b"r" + bytes(7) + b"\x02{}", b"p" + bytes(7) + b"\x02[]"]
)
async def test_an_answer_that_makes_no_sense_is_a_crash(answer: bytes) -> None:
    with pytest.raises(ReaderCrashedError, match="no sense"):
        await reader_of(f"os.write(1, {answer!r})").read(b"x", TEXT, _ignore)


@pytest.mark.slow
async def test_a_child_that_hangs_is_killed_in_time(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    reader = reader_of(f"open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)", timeout_seconds=0.15)
    with pytest.raises(ReaderTimedOutError, match=r"0\.15 seconds"):
        await reader.read(b"x", TEXT, _ignore)
    assert not psutil.pid_exists(int(pid.read_text()))


@pytest.mark.slow
async def test_a_cancelled_reading_leaves_no_process_behind() -> None:
    reader = reader_of("os.write(1, b'p' + (5).to_bytes(8, 'big') + b'[1,2]'); time.sleep(60)")
    before = set(psutil.Process().children())
    with anyio.CancelScope() as scope:

        async def stop(done: int, total: int) -> None:
            assert set(psutil.Process().children()) > before
            scope.cancel()
            await anyio.lowlevel.checkpoint()

        await reader.read(b"x", TEXT, stop)
    assert scope.cancelled_caught
    assert set(psutil.Process().children()) == before


@pytest.mark.slow
async def test_a_child_without_memory_says_so() -> None:
    reader = reader_of("os.write(1, b'm' + bytes(8))", memory_mb=64)
    with pytest.raises(ReaderOutOfMemoryError, match="64 MB"):
        await reader.read(b"x", TEXT, _ignore)


@pytest.mark.slow
async def test_the_child_has_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERS_STORE_URL", "mongodb://user:password@host")
    reader = reader_of("refuse(sorted(os.environ))")
    with pytest.raises(ReadError) as refused:
        await reader.read(b"x", TEXT, _ignore)
    assert "PAPERS_STORE_URL" not in refused.value.detail


@pytest.mark.slow
class TestTheRealChild:
    async def test_it_reads_a_real_pdf_as_this_process_does(self) -> None:
        data = (files.PAPERS / "specter.pdf").read_bytes()
        told: list[tuple[int, int]] = []

        async def tell(done: int, total: int) -> None:
            told.append((done, total))

        assert await SubprocessReader().read(data, PDF, tell) == await InlineReader().read(data, PDF, _ignore)
        assert told == [(page, 13) for page in range(1, 14)]

    async def test_it_stops_at_its_limit_of_memory(self) -> None:
        with pytest.raises(ReaderOutOfMemoryError):
            await SubprocessReader(memory_mb=120).read(b"\\'e " * 900_000, LATEX, _ignore)

    @pytest.mark.parametrize(("around", "kind"), [("html", HTML), ("article", JATS)])
    async def test_markup_that_takes_too_much_memory_is_not_taken_for_damaged(self, around: str, kind: str) -> None:
        """libxml2 does not say MemoryError: it says that the file is wrong, and the paper would fail for good."""
        data = f"<{around}>{'<p>a</p>' * 600_000}</{around}>".encode()
        with pytest.raises(ReaderOutOfMemoryError):
            await SubprocessReader(memory_mb=140).read(data, kind, _ignore)

    async def test_a_reader_that_cannot_even_start_is_not_the_files_fault(self) -> None:
        with pytest.raises((ReaderCrashedError, ReaderOutOfMemoryError)):
            await SubprocessReader(memory_mb=30).read((files.PAPERS / "specter.pdf").read_bytes(), PDF, _ignore)

    async def test_it_refuses_a_type_without_a_reader(self) -> None:
        with pytest.raises(UnsupportedTypeError):
            await SubprocessReader().read(b"x", "image/png", _ignore)

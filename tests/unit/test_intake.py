"""What is told of a file before it is a paper: its name, size, digest and type, and where it is left."""

import hashlib
import io
import sys

import pytest

from app.domain.errors import EmptyFileError, FileTooLargeError
from app.services.intake import CHUNK, LONGEST_NAME, MEGABYTE, clean_filename, examine


@pytest.mark.parametrize("size", [1, 300_000], ids=["of one byte", "longer than a chunk"])
def test_a_file_is_measured_whole_and_left_at_its_beginning(size: int) -> None:
    source = io.BytesIO(b"a" * size)
    source.seek(1)
    upload = examine(source, "paper.txt", limit_mb=1)
    assert (upload.size, upload.sha256) == (size, hashlib.sha256(b"a" * size).hexdigest())
    assert source.tell() == 0, "what is stored would lack its beginning"


class Counting(io.BytesIO):
    """Knows how much was asked of it at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.most = max(self.most, sys.maxsize if size is None or size < 0 else size)
        return super().read(size)


def test_a_large_file_is_never_held_in_memory() -> None:
    source = Counting(b"%PDF-1.7\n" + b"a" * MEGABYTE)
    assert examine(source, "paper.pdf", limit_mb=2).content_type == "application/pdf"
    assert source.most <= CHUNK


def test_an_empty_file_is_none() -> None:
    with pytest.raises(EmptyFileError):
        examine(io.BytesIO(), "paper.txt", limit_mb=1)


def test_a_file_may_be_as_large_as_the_limit_and_no_larger() -> None:
    assert examine(io.BytesIO(b"a" * MEGABYTE), "paper.txt", limit_mb=1).size == MEGABYTE
    with pytest.raises(FileTooLargeError):
        examine(io.BytesIO(b"a" * (MEGABYTE + 1)), "paper.txt", limit_mb=1)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("paper.pdf", "paper.pdf"),
        ("../../etc/pass wd.txt", "pass wd.txt"),
        (r"C:\papers\x.pdf", "x.pdf"),
        (" . paper.pdf. ", "paper.pdf"),
        ("Xpaper.pdfX", "Xpaper.pdfX"),
        ("a\0b\u202etxt.exe", "abtxt.exe"),
        ("…/..", "paper"),
        ("", "paper"),
        ("x" * 1000, "x" * LONGEST_NAME),
    ],
)
def test_a_name_is_its_last_part_without_what_cannot_be_seen(name: str, kept: str) -> None:
    assert clean_filename(name) == kept

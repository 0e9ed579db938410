"""A file's type is told by its content."""

import io
import subprocess
import sys
import tracemalloc
import zipfile

import pytest

from app.domain.errors import EmptyFileError, UnsupportedTypeError
from app.extraction.content_type import DOCX, HTML, JATS, LATEX, MARKDOWN, PDF, TEXT, detect
from tests.extraction.readers import files

pytestmark = pytest.mark.extended

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40)


def _zip(method: int = zipfile.ZIP_STORED, /, **entries: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("specter.pdf", PDF),
        ("responsible_information.pdf", PDF),
        ("wheat_metabolites.xml", JATS),
        ("wheat_metabolites.html", HTML),
        ("collaborative_writing.docx", DOCX),
        ("collaborative_writing.md", MARKDOWN),
        ("own_example.tex", LATEX),
        ("test_paper_content.txt", TEXT),
        ("LICENSES.md", MARKDOWN),
    ],
)
def test_each_paper_of_the_collection_is_what_it_is(name: str, expected: str) -> None:
    with (files.PAPERS / name).open("rb") as file:
        assert detect(file) == expected
        assert file.tell() == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"x", TEXT),
        ("Ünïcode, plainly.".encode(), TEXT),
        ("Ünïcode with a mark.".encode("utf-8-sig"), TEXT),
        ("A paper in UTF-16. Größe".encode("utf-16"), TEXT),
        ("A paper in UTF-16 without a mark.".encode("utf-16-le"), TEXT),
        ("Une étude détaillée des phénomènes météorologiques.".encode("latin-1"), TEXT),
        (b"a < b is no markup\n<- nor is this", TEXT),
        (b"#!/usr/bin/env python\n#comment\nprint(1)\n", TEXT),
        (b"1 Introduction\n==============\nUnderlined, as in many a text file.\n", TEXT),
        (b"We write \\documentclass{article} in the middle of a sentence.", TEXT),
        (b"# Title\n\nWords.\n", MARKDOWN),
        (b"---\ntitle: A paper\n---\nWords.\n", MARKDOWN),
        (b"See [the page](https://example.org).\n\n```\ncode\n```\n", MARKDOWN),
        (b"% !TEX root\n\\documentclass{article}\n\\begin{document}Hi\\end{document}", LATEX),
        (b"\\section{One}\nWords.\n\\begin{equation}x\\end{equation}", LATEX),
        (b"<!DOCTYPE html><title>x</title>", HTML),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0"><html xmlns="x"/>', HTML),
        (b"<!-- saved from a page -->\n<html><body>x</body></html>", HTML),
        ("<html><body>größer</body></html>".encode("utf-16"), HTML),
        (b'<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) 1.2//EN" "x.dtd"><article/>', JATS),
        (b"junk before it \x00\x01\n%PDF-1.7\n", PDF),
        (b"The header %PDF-1.7 opens a file.", TEXT),
    ],
)
def test_small_contents_follow_the_rules(content: bytes, expected: str) -> None:
    assert detect(io.BytesIO(content)) == expected


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PNG, id="png"),
        pytest.param(b"\x7fELF\x02\x01\x01" + bytes(50), id="elf"),
        pytest.param(_zip(a="b"), id="zip"),
        pytest.param(_zip(**{"[Content_Types].xml": "spreadsheetml.sheet.main+xml"}), id="xlsx"),
        pytest.param(b"PK\x03\x04 and no more", id="cut zip"),
        pytest.param(b"{\\rtf1 words}", id="rtf"),
        pytest.param(b"%!PS-Adobe-3.0\n", id="postscript"),
        pytest.param(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', id="svg"),
        pytest.param(b'<article xmlns="http://docbook.org/ns/docbook"><para>x</para></article>', id="docbook"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), id="old word"),
        pytest.param(bytes(range(256)) * 20, id="binary"),
        pytest.param(bytes(1000), id="zeros"),
    ],
)
def test_what_no_reader_reads_is_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedTypeError):
        detect(io.BytesIO(content))


def test_an_empty_file_is_said_to_be_empty() -> None:
    with pytest.raises(EmptyFileError):
        detect(io.BytesIO())


def test_a_zip_whose_directory_is_huge_is_not_read() -> None:
    end = b"PK\x05\x06" + bytes(8) + (50_000_000).to_bytes(4, "little") + bytes(6)
    with pytest.raises(UnsupportedTypeError):
        detect(io.BytesIO(b"PK\x03\x04" + bytes(100) + end))


def test_a_list_of_types_that_unpacks_to_far_more_is_not_unpacked_to_its_end() -> None:
    bomb = _zip(zipfile.ZIP_DEFLATED, **{"[Content_Types].xml": " " * 4_000_000})
    tracemalloc.start()
    try:
        with pytest.raises(UnsupportedTypeError):
            detect(io.BytesIO(bomb))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3_000_000, "all of it was in memory at once"


@pytest.mark.extended  # each bit of four files
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_whichever_bit_of_a_zip_is_flipped_it_is_a_document_or_refused(method: int) -> None:
    whole = _zip(method, **{"[Content_Types].xml": "wordprocessingml.document.main+xml"})
    found = {_type_or_refusal(whole, place, bit) for place in range(len(whole)) for bit in range(8)}
    assert found <= {DOCX, TEXT, "refused"}


def _type_or_refusal(content: bytes, place: int, bit: int) -> str:
    flipped = bytearray(content)
    flipped[place] ^= 1 << bit
    try:
        return detect(io.BytesIO(flipped))
    except UnsupportedTypeError:
        return "refused"
    except Exception as error:
        raise AssertionError(f"bit {bit} of byte {place} made it {error!r}") from error


def test_only_the_head_of_a_large_file_is_read() -> None:
    class Counting(io.BytesIO):
        asked = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.asked += len(data)
            return data

    file = Counting(b"words and more words\n" * 500_000)
    assert detect(file) == TEXT
    assert file.asked < 100_000


@pytest.mark.slow
def test_telling_types_costs_the_api_none_of_the_readers_libraries() -> None:
    heavy = {"charset_normalizer", "lxml", "markdown_it", "pypdfium2"}
    program = f"import sys, app.extraction.content_type; sys.exit(repr({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    subprocess.run([sys.executable, "-c", program], check=True)

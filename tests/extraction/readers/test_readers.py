"""What every reader keeps, whatever the format and whoever made the file."""

import random
import typing

import pytest

from app.domain.errors import ReadError, UnsupportedTypeError
from app.domain.knowledge import BlockKind
from app.extraction import readers
from app.extraction.content_type import DOCX, HTML, JATS, LATEX, MARKDOWN, PDF, TEXT, detect
from app.extraction.readers import draft
from tests.extraction.readers import files
from tests.extraction.readers.support import read, read_or_refused

pytestmark = pytest.mark.extended

TYPES = [PDF, DOCX, JATS, HTML, LATEX, MARKDOWN, TEXT]
SMALL_PAPERS = ["wheat_metabolites.xml", "wheat_metabolites.html", "own_example.tex", "collaborative_writing.md"]


def test_the_drafts_kinds_are_the_domains() -> None:
    assert set(typing.get_args(draft.Kind)) == {kind.value for kind in BlockKind}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL_PAPERS)
def test_spans_are_exact_in_a_real_paper(name: str) -> None:
    path = files.PAPERS / name
    with path.open("rb") as file:
        assert len(read(path.read_bytes(), detect(file)).blocks) > 10


@pytest.mark.slow
@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_never_crash_a_reader(content_type: str, seed: int) -> None:
    read_or_refused(random.Random(seed).randbytes(4000), content_type)


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("content", [b"", b" \n\t\n ", b"\x00\x01\x02", "\ufeff\u200b".encode()])
def test_where_there_is_nothing_to_read_the_reader_says_so(content_type: str, content: bytes) -> None:
    with pytest.raises(ReadError):
        readers.read(content, content_type, lambda done, total: None)


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize(
    "content",
    [
        files.pdf([(72, 700, 12, "A page")]),
        files.docx(files.paragraph("x")),
        files.jats("<p>x</p>"),
        b"# plain \\section{x}",
    ],
    ids=["pdf", "docx", "jats", "text"],
)
def test_a_file_under_another_types_name_is_refused_or_read_as_that(content_type: str, content: bytes) -> None:
    read_or_refused(content, content_type)


@pytest.mark.parametrize("content_type", [TEXT, MARKDOWN, LATEX])
def test_ten_megabytes_of_text_are_too_long_at_once(content_type: str) -> None:
    with pytest.raises(ReadError) as refused:
        readers.read(b"x " * 5_000_000, content_type, lambda done, total: None)
    assert refused.value.code == "text_too_long"


def test_a_block_too_many_is_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft, "MAX_BLOCKS", 10)
    with pytest.raises(ReadError) as refused:
        readers.read(b"a\n\n" * 11, TEXT, lambda done, total: None)
    assert refused.value.code == "file_too_complex"


def test_control_characters_surrogates_and_ligatures_are_cleaned() -> None:
    assert draft.clean("a\x00b\x07 e\ufb03cient\u00a0 \t x \ud800y\u00ad z  \r\n \n  next\u2028last") == (
        "ab efficient x y z\nnext\nlast"
    )


def test_a_megabyte_of_spaces_is_cleaned_in_no_time() -> None:
    assert draft.clean("a" + " " * 1_000_000 + "b") == "a b"


def test_what_the_caller_raises_comes_back_as_it_is() -> None:
    def refuse(done: int, total: int) -> None:
        raise ConnectionError("no store")

    with pytest.raises(ConnectionError, match="no store"):
        readers.read(b"words", TEXT, refuse)


def test_a_parsers_own_error_becomes_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.extraction.readers import text

    monkeypatch.setattr(text, "decode", lambda data: 1 / 0)
    with pytest.raises(ReadError) as refused:
        readers.read(b"words", TEXT, lambda done, total: None)
    assert refused.value.code == "unreadable"
    assert "ZeroDivision" not in refused.value.detail
    assert isinstance(refused.value.__cause__, ZeroDivisionError)


def test_an_unknown_content_type_has_no_reader() -> None:
    with pytest.raises(UnsupportedTypeError):
        readers.read(b"words", "image/png", lambda done, total: None)

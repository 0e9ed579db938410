"""Files nobody should send: each gets its answer, at the upload or as the reason its run failed, and harms nothing else."""

import struct
import zlib
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from tests.extraction.readers.files import PAPERS, docx, jats, paragraph, pdf
from tests.support.answers import a_witness, body, each_before_a_witness, error, run_to_its_end, snapshot
from tests.support.lane import Lane
from tests.support.once import once

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + bytes(13) + struct.pack(">I", zlib.crc32(b"IHDR"))
PASSWORDS = "root:"
"""The first line of /etc/passwd."""
FORM = "multipart/form-data; boundary=x"
BOMB = '<!DOCTYPE article [<!ENTITY e0 "bomb">{}]>'.format(
    "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 12))
)
LEAK = '<!DOCTYPE article [<!ENTITY leak SYSTEM "file:///etc/passwd">]>'
INCLUDE = '<p>x<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/></p>'
SOURCE = "\\documentclass{article}\\begin{document}\\section{A}\\input{/etc/passwd}\\include{/etc/passwd}words\\end{document}"


def form(field: str, content: bytes = b"A paper.", filename: str | None = "paper.txt") -> bytes:
    name = f'; filename="{filename}"' if filename is not None else ""
    head = f'--x\r\nContent-Disposition: form-data; name="{field}"{name}\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n"


NO_UPLOADS = {
    "an empty file": (FORM, form("file", b""), "empty_file"),
    "a file in another field": (FORM, form("paper"), "missing_file"),
    "a field that is no file": (FORM, form("file", filename=None), "missing_file"),
    "an empty form": (FORM, b"--x--\r\n", "missing_file"),
    "nothing": (FORM, b"", "missing_file"),
    "a form cut before the file": (FORM, form("file")[:-20], "missing_file"),
    "a form cut in the file": (FORM, form("file")[:-12], "missing_file"),
    "a form cut after the file": (FORM, form("file")[:-4], "missing_file"),
    "no form": (FORM, b"no form at all", "missing_file"),
    "two files": (FORM, form("file").removesuffix(b"--\r\n") + b"\r\n" + form("file"), "missing_file"),
    "no boundary": ("multipart/form-data", form("file"), "missing_file"),
    "another boundary": ("multipart/form-data; boundary=y", form("file"), "missing_file"),
    "another multipart": ("multipart/mixed; boundary=x", form("file"), "missing_file"),
    "JSON": ("application/json", b'{"file": "x"}', "missing_file"),
    "the bare file": ("application/pdf", pdf(), "missing_file"),
    "no content type": ("", form("file"), "missing_file"),
}
WRONG_TYPES = {
    "PNG": ("paper.pdf", PNG),
    "a DOCX with a flipped bit": (
        "paper.docx",
        docx(paragraph("x")).replace(b"[Content_Types].xml", b"[Content_Types].yml", 1),
    ),
    "an empty zip": ("paper.docx", b"PK\x05\x06" + bytes(18)),
    "random bytes": ("paper.txt", bytes(range(256)) * 40),
    "zeros": ("paper.txt", bytes(1000)),
    "XML of no paper": ("paper.xml", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
    "RTF": ("paper.doc", b"{\\rtf1\\ansi A paper.}"),
}
SPECTER = (PAPERS / "specter.pdf").read_bytes()
FLIPPED = bytearray(SPECTER)
FLIPPED[1000::997] = bytes(byte ^ 8 for byte in FLIPPED[1000::997])
UNREADABLE = {
    "a PDF of 0 pages": (pdf(), "no_pages"),
    "an encrypted PDF": (pdf([(72, 700, 12, "A secret")], encrypt=True), "encrypted"),
    "a PDF cut after its head": (pdf([(72, 700, 12, "A page")])[:40], "unreadable"),
    "a truncated PDF": (SPECTER[:100_000], "unreadable"),
    "a PDF with a flipped bit in its list of pages": (
        pdf([(72, 700, 12, "A page")]).replace(b"/Kids", b"/Kidr"),
        "no_text",
    ),
    "a PDF of an empty page": (pdf([]), "no_text"),
    "a zip bomb in a DOCX": (docx(paragraph("x"), more={"word/media/a": bytes(50_000_000)}), "file_too_complex"),
    "a broken DOCX": (docx("<w:p><w:unclosed>"), "unreadable"),
    "a bomb of XML entities": (jats("<p>&e11;</p>", doctype=BOMB), "unreadable"),
    "an external XML entity": (jats("<p>&leak;</p>", doctype=LEAK), "unreadable"),
    "a page of 10 MB of text": (b"x " * 5_000_000, "text_too_long"),
    "nothing but space": (b" \n\n\t " * 100, "no_text"),
}
CURIOUS = {
    "a bit-flipped PDF": bytes(FLIPPED),
    "XInclude": jats(INCLUDE),
    "LaTeX that includes": SOURCE.encode(),
    "HTML": b"<html><body><p>x</p><iframe src='file:///etc/passwd'></iframe></body></html>",
    "Markdown": b"# A\n\n![x](file:///etc/passwd)\n\n<!--#include file='/etc/passwd' -->\n\n# B\n",
}


NAMES = {
    "climbing": ("../../etc/passwd", "passwd"),
    "a Windows path": ("C:\\papers\\one.pdf", "one.pdf"),
    "two dots": ("..", "paper"),
    "empty": ("", "paper"),
    "escaped": ("a%00b%0D%0A.txt", "a%00b%0D%0A.txt"),
    "NUL": ("n\x00ul.txt", "nul.txt"),
    "1,000 characters": ("n" * 1000 + ".txt", "n" * 255),
    "right-to-left marks": ("gpj.\u202etxt\u200f.exe", "gpj.txt.exe"),
    "other letters": ("résumé 論文.txt", "résumé 論文.txt"),
}
PAPER = b"A Short Paper\n\nWe say little, and we say it in plain text."
OUTPUTS = ["document", "references", "entities", "relationships", "events"]


@pytest.fixture
async def new_no_uploads(lane: Lane) -> dict[str, httpx.Response | str]:
    async def ask(name: str) -> httpx.Response:
        content_type, content, _ = NO_UPLOADS[name]
        return await lane.client.post("/papers/", content=content, headers={"Content-Type": content_type})

    return await each_before_a_witness(lane, NO_UPLOADS, ask)


@pytest.fixture
async def new_wrong_types(lane: Lane) -> dict[str, httpx.Response | str]:
    async def ask(name: str) -> httpx.Response:
        return await lane.client.post("/papers/", files={"file": (*WRONG_TYPES[name], "application/pdf")})

    return await each_before_a_witness(lane, WRONG_TYPES, ask)


@pytest.fixture
async def new_names(lane: Lane) -> dict[str, tuple[str, str, httpx.Response] | str]:
    """The name in the answer and in a look afterwards, and the file as it is given back."""

    async def ask(name: str) -> tuple[str, str, httpx.Response]:
        sent = NAMES[name][0]
        # Byte by byte, as a client without manners writes it: httpx would escape the name.
        answer = await lane.client.post("/papers/", content=form("file", PAPER, sent), headers={"Content-Type": FORM})
        paper = body(answer, 201)
        later = await snapshot(lane, paper["id"])
        return paper["filename"], later["filename"], await lane.client.get(f"/papers/{paper['id']}/file")

    return await each_before_a_witness(lane, NAMES, ask)


@pytest.fixture
async def new_endings(lane: Lane) -> dict[str, tuple[dict[str, Any], dict[str, httpx.Response]]]:
    """Each file taken in and run; its snapshot then, and what its outputs answer."""
    files = {name: content for name, (content, _) in UNREADABLE.items()} | CURIOUS
    async with a_witness(lane):
        ids = {}
        for name, content in files.items():
            ids[name] = (await lane.upload("paper.pdf", content))["id"]
            await run_to_its_end(lane, ids[name])
        return {
            name: (
                await snapshot(lane, paper_id),
                {output: await lane.client.get(f"/papers/{paper_id}/{output}") for output in OUTPUTS},
            )
            for name, paper_id in ids.items()
        }


no_uploads, wrong_types = once("new_no_uploads"), once("new_wrong_types")
names, endings = once("new_names"), once("new_endings")

Ending = tuple[dict[str, Any], dict[str, httpx.Response]]


@pytest.mark.parametrize("name", NO_UPLOADS)
def test_a_request_that_is_no_upload_is_told_what_is_missing(
    no_uploads: dict[str, httpx.Response | str], name: str
) -> None:
    answer = no_uploads[name]
    assert isinstance(answer, httpx.Response), answer
    assert error(answer) == (422, NO_UPLOADS[name][2])


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_a_wrong_type_under_a_right_name_is_refused(wrong_types: dict[str, httpx.Response | str], name: str) -> None:
    answer = wrong_types[name]
    assert isinstance(answer, httpx.Response), answer
    assert error(answer) == (415, "unsupported_type")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_name_is_kept_without_its_tricks(
    names: dict[str, tuple[str, str, httpx.Response] | str], name: str
) -> None:
    answers = names[name]
    assert isinstance(answers, tuple), answers
    told, told_later, file = answers
    assert told == told_later == NAMES[name][1]
    assert file.content == PAPER
    assert unquote(file.headers["Content-Disposition"].rpartition("''")[2]) == told


@pytest.mark.slow
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_nobody_can_read_ends_its_run_failed_with_the_reason(endings: dict[str, Ending], name: str) -> None:
    paper, outputs = endings[name]
    assert (paper["status"], (paper["error"] or {}).get("code")) == ("failed", UNREADABLE[name][1])
    assert (paper["error"]["stage"], paper["stage"]) == ("read", None)
    assert paper["error"]["detail"].endswith(".")
    assert PASSWORDS not in str(paper)
    assert error(outputs["document"]) == (404, "not_extracted")


@pytest.mark.slow
@pytest.mark.parametrize("name", CURIOUS)
def test_a_curious_file_is_read_and_nothing_outside_of_it(endings: dict[str, Ending], name: str) -> None:
    paper, outputs = endings[name]
    assert paper["status"] == "completed"
    for output, answer in outputs.items():
        assert answer.status_code == 200, output
        assert PASSWORDS not in answer.text, output

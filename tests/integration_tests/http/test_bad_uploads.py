"""Files nobody should send: each gets its answer, at the upload or as the reason its run failed, and harms nothing else."""

import struct
import zlib
from collections.abc import Mapping
from typing import Any

import pytest

from tests.extraction.readers.files import PAPERS, docx, jats, paragraph, pdf
from tests.support.answers import body, error, snapshot
from tests.support.lane import Lane

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("witness")]

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
    "a form cut in the file": (FORM, form("file")[:-20], "missing_file"),
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
    "an empty zip": ("paper.docx", b"PK\x05\x06" + bytes(18)),
    "random bytes": ("paper.txt", bytes(range(256)) * 40),
    "zeros": ("paper.txt", bytes(1000)),
    "XML of no paper": ("paper.xml", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
    "RTF": ("paper.doc", b"{\\rtf1\\ansi A paper.}"),
}
UNREADABLE = {
    "a PDF of 0 pages": (pdf(), "no_pages"),
    "an encrypted PDF": (pdf([(72, 700, 12, "A secret")], encrypt=True), "encrypted"),
    "a PDF cut after its head": (pdf([(72, 700, 12, "A page")])[:40], "unreadable"),
    "a PDF of an empty page": (pdf([]), "no_text"),
    "a zip bomb": (docx(paragraph("x"), more={"word/media/a": bytes(50_000_000)}), "file_too_complex"),
    "a broken DOCX": (docx("<w:p><w:unclosed>"), "unreadable"),
    "a bomb of entities": (jats("<p>&e11;</p>", doctype=BOMB), "unreadable"),
    "an external entity": (jats("<p>&leak;</p>", doctype=LEAK), "unreadable"),
    "a page of 10 MB of text": (b"x " * 5_000_000, "text_too_long"),
    "nothing but space": (b" \n\n\t " * 100, "no_text"),
}
CURIOUS = {
    "XInclude": jats(INCLUDE),
    "LaTeX that includes": SOURCE.encode(),
    "HTML": b"<html><body><p>x</p><iframe src='file:///etc/passwd'></iframe></body></html>",
    "Markdown": b"# A\n\n![x](file:///etc/passwd)\n\n<!--#include file='/etc/passwd' -->\n\n# B\n",
}


async def run_all(lane: Lane, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Uploads each, runs them all together to their ends; the snapshots."""
    ids = {name: (await lane.upload("paper.pdf", content))["id"] for name, content in files.items()}
    batch = body(await lane.client.post("/papers/batch/process", json={"paper_ids": list(ids.values())}))
    assert batch["rejected"] == []
    await lane.settled()
    return {name: await snapshot(lane, paper_id) for name, paper_id in ids.items()}


async def test_a_request_that_is_no_upload_is_told_what_is_missing(lane: Lane) -> None:
    answers = {
        name: error(await lane.client.post("/papers/", content=content, headers={"Content-Type": content_type}))
        for name, (content_type, content, _) in NO_UPLOADS.items()
    }
    assert answers == {name: (422, code) for name, (_, _, code) in NO_UPLOADS.items()}


async def test_a_wrong_type_under_a_right_name_is_refused(lane: Lane) -> None:
    answers = {
        name: error(await lane.client.post("/papers/", files={"file": (*file, "application/pdf")}))
        for name, file in WRONG_TYPES.items()
    }
    assert answers == dict.fromkeys(WRONG_TYPES, (415, "unsupported_type"))


async def test_a_file_nobody_can_read_ends_its_run_failed_with_the_reason(lane: Lane) -> None:
    papers = await run_all(lane, {name: content for name, (content, _) in UNREADABLE.items()})
    endings = {name: (paper["status"], (paper["error"] or {}).get("code")) for name, paper in papers.items()}
    assert endings == {name: ("failed", code) for name, (_, code) in UNREADABLE.items()}
    for paper in papers.values():
        assert (paper["error"]["stage"], paper["stage"]) == ("read", None)
        assert paper["error"]["detail"].endswith(".")
        assert PASSWORDS not in str(paper)
        assert error(await lane.client.get(f"/papers/{paper['id']}/document")) == (404, "not_extracted")


async def test_what_lies_outside_the_file_is_never_read(lane: Lane) -> None:
    for name, paper in (await run_all(lane, CURIOUS)).items():
        assert paper["status"] == "completed", name
        for output in ("document", "references", "entities", "relationships", "events"):
            answer = await lane.client.get(f"/papers/{paper['id']}/{output}")
            assert answer.status_code == 200, name
            assert PASSWORDS not in answer.text, name


async def test_a_damaged_pdf_is_read_or_refused_and_nothing_worse(lane: Lane) -> None:
    whole = (PAPERS / "specter.pdf").read_bytes()
    flipped = bytearray(whole[:100_000])
    flipped[1000::997] = bytes(byte ^ 8 for byte in flipped[1000::997])
    for name, paper in (await run_all(lane, {"cut": whole[:100_000], "flipped": bytes(flipped)})).items():
        ending = (paper["status"], (paper["error"] or {}).get("code"))
        assert ending == ("completed", None) or ending in {
            ("failed", code) for code in ("unreadable", "no_pages", "no_text", "encrypted")
        }, f"{name}: {ending}"

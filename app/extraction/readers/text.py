"""Plain text: paragraphs between blank lines, pages between form feeds."""

import re

from app.extraction.decoding import decode
from app.extraction.readers import OnPage
from app.extraction.readers.draft import Draft, text_too_long, too_long
from app.extraction.readers.hyphens import Hyphens

_BLANK_LINES = re.compile(r"\n[ \t\r\v\u00a0]*(?:\n[ \t\r\v\u00a0]*)+")


def read(data: bytes, on_page: OnPage) -> Draft:
    """The text's paragraphs with their lines."""
    text = decode(data)
    if too_long(text):
        raise text_too_long()
    draft = Draft()
    hyphens = Hyphens(text)
    pages = text.replace("\r\n", "\n").replace("\r", "\n").split("\f")
    if len(pages) > 1 and not pages[-1].strip():
        pages.pop()  # pdftotext ends each page with a form feed, the last one too
    draft.set_pages(len(pages))
    for number, page in enumerate(pages, start=1):
        for paragraph in _BLANK_LINES.split(page):
            draft.add("\n".join(hyphens.join(paragraph.split("\n"))), page=number)
        on_page(number, len(pages))
    return draft

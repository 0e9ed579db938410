"""What a file is, told by its content: a name can say anything.

Looks at the head, and at a zip's directory; the rules, in their order:

- `%PDF-` at the start (or within the first kilobyte, behind bytes that are no text): PDF.
- A zip whose list of content types names a WordprocessingML document: DOCX.
- Bytes that are no text in any encoding, RTF and PostScript: refused.
- Markup whose root is `article` and that looks like JATS: JATS; `html`, or a page's usual first tags: HTML; other XML: refused.
- A first line that is a TeX command or comment, and `\\documentclass`, `\\begin{document}` or two commands of a
  document's body at the beginning of a line: LaTeX.
- YAML front matter, headings with `#` of their own, or two other signs of Markdown: Markdown.
- Anything else is plain text.
"""

import re
from typing import BinaryIO

from app.domain.errors import EmptyFileError, ReadError, UnsupportedTypeError
from app.extraction.archive import directory, unpack
from app.extraction.decoding import SAMPLE, decode_head

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
JATS = "application/jats+xml"
TEI = "application/tei+xml"
"""Not detected: no upload is one, it is GROBID's answer."""
HTML = "text/html"
LATEX = "application/x-latex"
MARKDOWN = "text/markdown"
TEXT = "text/plain"

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_WORD = b"wordprocessingml.document.main+xml"
_MAX_CONTENT_TYPES = 1_000_000
_OTHER_FORMATS = ("{\\rtf", "%!PS", "%!FontType")

_PROLOG = re.compile(r"\s*(?:<\?[^>]*>\s*|<!--(?:[^-]|-(?!->))*-->\s*)*")
_DOCTYPE = re.compile(r"<!doctype\s+([\w:.-]+)([^>\[]*)", re.IGNORECASE)
_TAG = re.compile(r"<([A-Za-z][\w.-]*+:)?+([A-Za-z][\w.-]*+)([^<>]*+)>")
_HTML_TAGS = frozenset(
    "html head body title meta link script style div p h1 h2 h3 h4 main article section header nav table center".split()
)
_JATS = re.compile(r"article-type=|dtd-version=|<front[\s>]|<article-meta|<journal-meta", re.IGNORECASE)
_JATS_DOCTYPE = re.compile(r"JATS|NLM|archivearticle|journalpublishing|articleauthoring", re.IGNORECASE)

_TEX_FIRST = re.compile(r"\s*[\\%]")
_TEX_DOCUMENT = re.compile(r"^[ \t]*\\(?:documentclass|documentstyle|begin\{document\})", re.MULTILINE)
_TEX_BODY = re.compile(
    r"^[ \t]*\\((?:sub)*section\*?\{|chapter\*?\{|bibitem\b|begin\{|usepackage\b|title\{|author\b|maketitle|input\{|label\{|newcommand\b)",
    re.MULTILINE,
)

_FRONT_MATTER = re.compile(
    r"\s*---[ \t]*\r?\n[A-Za-z_][\w-]*:[^\n]*\n(?:[^\n]*\n){0,500}?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)"
)
_ATX_HEADING = re.compile(r"(?:\A\s*|\n[ \t]*\r?\n|\n(?=#+ [^\n]*\r?\n[ \t]*\r?\n))#{1,6} +\S")
_MARKDOWN = (
    re.compile(r"!?\[[^\[\]\n]{1,200}\]\((?:https?:|[\w./#-])[^()\n]{0,300}\)"),  # a link or an image
    re.compile(r"^(?:```|~~~)[ \w-]*$", re.MULTILINE),  # code
    re.compile(r"^\|?(?: *:?-{3,}:? *\|)+", re.MULTILINE),  # a table
    re.compile(r"(?<![\w*])\*\*[^\s*][^*\n]{0,200}\*\*(?!\w)"),  # strong
    re.compile(r"^[^\s=|-][^\n|]{0,200}\n(?:={3,}|-{3,})[ \t]*$", re.MULTILINE),  # an underlined heading
    re.compile(r"^(?:[*+-] \S[^\n]*\n){2,}", re.MULTILINE),  # a list
)


def detect(file: BinaryIO) -> str:
    """One of the constants above. `file` is seekable, of any size; its position is the start afterwards.

    Raises `EmptyFileError` for a file of no bytes and `UnsupportedTypeError` for one that no reader reads.
    """
    file.seek(0)
    head = file.read(SAMPLE)
    try:
        return _detect(file, head)
    finally:
        file.seek(0)


def _detect(file: BinaryIO, head: bytes) -> str:
    if not head:
        raise EmptyFileError
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):
        return PDF
    if head.startswith(_ZIP):
        return _in_zip(file)
    text = decode_head(head)
    if text is None:
        if b"%PDF-" in head[:1024]:
            return PDF
        raise UnsupportedTypeError
    return _in_text(text)


def _in_zip(file: BinaryIO) -> str:
    archive = directory(file)
    if archive is None:
        raise UnsupportedTypeError
    with archive:
        try:
            types = unpack(archive, "[Content_Types].xml", _MAX_CONTENT_TYPES)
        except ReadError as error:
            raise UnsupportedTypeError from error
    if types is None or _WORD not in types:
        raise UnsupportedTypeError
    return DOCX


def _in_text(text: str) -> str:
    if text.lstrip().startswith(_OTHER_FORMATS):
        raise UnsupportedTypeError
    if text.lstrip().startswith("<"):
        found = _in_markup(text)
        if found:
            return found
    if _is_latex(text):
        return LATEX
    return MARKDOWN if _is_markdown(text) else TEXT


def _in_markup(text: str) -> str | None:
    """JATS, HTML, or None for a text that happens to begin with `<`; refuses other XML."""
    prolog = _PROLOG.match(text)
    rest = text[prolog.end() if prolog else 0 :]
    is_xml = text.lstrip().startswith("<?xml")
    doctype = _DOCTYPE.match(rest)
    if doctype and doctype.group(1).lower() == "html":
        return HTML
    tag = _TAG.search(rest)
    root = (doctype.group(1) if doctype else tag.group(2) if tag else "").rpartition(":")[2].lower()
    if root in {"article", "pmc-articleset"} and _is_jats(rest, doctype):
        return JATS
    is_xml = is_xml or (root == "article" and tag is not None and "xmlns" in tag.group(3))  # DocBook, for one
    if not is_xml and doctype is None and tag is not None and tag.start() == 0 and root in _HTML_TAGS:
        return HTML
    if root == "html":
        return HTML
    if is_xml or doctype or (tag is not None and tag.start() == 0 and f"</{tag.group(2)}>" in text):
        raise UnsupportedTypeError
    return None


def _is_jats(markup: str, doctype: re.Match[str] | None) -> bool:
    return bool((doctype and _JATS_DOCTYPE.search(doctype.group(2))) or _JATS.search(markup))


def _is_latex(text: str) -> bool:
    if not _TEX_FIRST.match(text):
        return False
    return bool(_TEX_DOCUMENT.search(text)) or len({found.group(1) for found in _TEX_BODY.finditer(text)}) >= 2


def _is_markdown(text: str) -> bool:
    if _FRONT_MATTER.match(text) or _ATX_HEADING.search(text):
        return True
    return sum(bool(sign.search(text)) for sign in _MARKDOWN) >= 2

"""PDF, through PDFium: words with their places; `layout` makes lines and paragraphs of them.

PDFium's plain C interface is called directly: what is asked for each character has to cost little.
"""

import ctypes
import math
import re
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import repeat
from statistics import median
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from app.domain.errors import ReadError
from app.extraction.readers import OnPage
from app.extraction.readers.draft import MAX_CHARACTERS, Draft, Kind, clean, text_too_long
from app.extraction.readers.furniture import find_furniture
from app.extraction.readers.layout import Page, Word, fragments_of
from app.extraction.readers.made import year_made
from app.extraction.readers.paragraphs import Paragraph, paragraphs_of

_PDFIUM = threading.Lock()
"""PDFium is not safe for threads."""
_SPACES = "\t\n\v\f\r \x85\xa0\u2000-\u200b\u202f\u3000\ufeff"
_HYPHENS = "\x02\xad\ufffe"
"""How PDFium gives a hyphen at the end of a line."""
_WORD = re.compile(f"[^{_SPACES}{_HYPHENS}]*[{_HYPHENS}]|[^{_SPACES}{_HYPHENS}]+")
_BOLD = re.compile(r"bold|black|heavy|medi(?!um)|semibold|demi|cmbx|sfbx|[-,]b(?![a-z])|\.b$|bx\d+$", re.IGNORECASE)
_UNKNOWN = re.compile("[\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
_GARBLED = 0.3
"""Of a paper's characters; symbols of formulas are often private, but never so many."""
_SHORTEST_MARKED = 2
_SMALL = 0.8
"""Of a name's type: the size of the marks at it."""
_RAISED = 0.15
"""Of a name's type: by how much they stand higher."""
_UPRIGHT = 0.1
"""Radians that a line of text may lean."""


def _plain(function: Any, answer: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of PDFium for bare numbers and addresses.

    pypdfium2's own checks and wraps each pointer, and lets the interpreter's lock go and takes it again, which for one
    character takes longer than what is asked.
    """
    return ctypes.PYFUNCTYPE(answer, *arguments)(ctypes.cast(function, ctypes.c_void_p).value or 0)


_code_of = _plain(pdfium.FPDFText_GetUnicode, ctypes.c_uint, ctypes.c_void_p, ctypes.c_int)
_place_of = _plain(pdfium.FPDFText_GetLooseCharBox, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_object_of = _plain(pdfium.FPDFText_GetTextObject, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_RECTANGLE = struct.Struct("ffff")
"""An `FS_RECTF`: left, top, right, bottom."""


class _Face(NamedTuple):
    """How a run of characters is set: size in points, direction in quarter turns, None when it is askew."""

    size: float
    bold: bool
    turns: int | None


def read(data: bytes, on_page: OnPage) -> Draft:
    """Paragraphs with their lines in reading order, with size, boldness and page; running heads as furniture.

    Raises `ReadError`: encrypted, no_pages, no_text (a scan), text_too_long, unreadable.
    """
    with _PDFIUM, _document(data) as document:
        count = pdfium.FPDF_GetPageCount(document)
        if count < 1:
            raise ReadError("no_pages", "The PDF has no pages.")
        draft = Draft()
        draft.set_pages(count)
        draft.made = year_made(document)
        pages = []
        length = 0
        for index in range(count):
            pages.append(_page(document, index))
            length += sum(len(fragment.text) for fragment in pages[-1].fragments)
            if length > MAX_CHARACTERS:
                raise text_too_long()
            on_page(index + 1, count)
    _refuse_garbled(pages)
    _write(draft, pages)
    return draft


def _refuse_garbled(pages: list[Page]) -> None:
    """Fonts that do not say which letters they draw give text of private or unknown signs: nobody could read it."""
    text = "".join(fragment.text for page in pages for fragment in page.fragments)
    if len(_UNKNOWN.findall(text)) > _GARBLED * len(text):
        raise ReadError(
            "no_text",
            "The text in the PDF is garbled: its fonts do not say which letters they draw. It needs text recognition (OCR) first.",
        )


def _write(draft: Draft, pages: list[Page]) -> None:
    furniture = find_furniture(pages)
    for paragraph in paragraphs_of(pages, furniture):
        _add(draft, paragraph)


def _add(draft: Draft, paragraph: Paragraph) -> None:
    kind: Kind = "furniture" if paragraph.is_furniture else "paragraph"
    size = round(paragraph.size, 1)
    draft.add(
        paragraph.text,
        kind,
        page=paragraph.page,
        font_size=size,
        bold=paragraph.bold,
        next_page_at=paragraph.next_page_at,
    )


@cache
def _start() -> None:
    pdfium.FPDF_InitLibrary()


@contextmanager
def _document(data: bytes) -> Iterator[Any]:
    _start()
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        error = pdfium.FPDF_GetLastError()
        if error in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}:
            raise ReadError("encrypted", "The PDF is protected by a password; remove it and send the file again.")
        raise ReadError("unreadable", "The PDF is damaged: not even its pages can be counted.")
    try:
        yield document
    finally:
        pdfium.FPDF_CloseDocument(document)


def _page(document: Any, index: int) -> Page:
    """A page's words as fragments of lines; a page that cannot be loaded is an empty one."""
    page = pdfium.FPDF_LoadPage(document, index)
    if not page:
        return Page(index + 1, 0.0, 0.0, [], "")
    try:
        textpage = pdfium.FPDFText_LoadPage(page)
        if not textpage:
            return Page(index + 1, 0.0, 0.0, [], "")
        try:
            words = _Words(textpage, parts_marks=index == 0).read()
        finally:
            pdfium.FPDFText_ClosePage(textpage)
        width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    finally:
        pdfium.FPDF_ClosePage(page)
    upright, aside = _upright(_with_plausible_sizes(words))
    return Page(index + 1, width, height, fragments_of(upright), aside)


def _with_plausible_sizes(words: list[tuple[Word, int | None]]) -> list[tuple[Word, int | None]]:
    """Fonts that are drawings (Type 3) can give any size: then the height of most of their words has to do."""
    heights: dict[float, list[float]] = {}
    for word, turns in words:
        if turns is not None:
            heights.setdefault(word.size, []).append(word.y1 - word.y0 if turns % 2 == 0 else word.x1 - word.x0)
    sizes = {
        size: round(median(found), 1) for size, found in heights.items() if not 0.3 < size / max(median(found), 0.1) < 3
    }
    if not sizes:
        return words
    return [(word._replace(size=sizes.get(word.size, word.size)), turns) for word, turns in words]


def _upright(words: list[tuple[Word, int | None]]) -> tuple[list[Word], str]:
    """The words in the page's main direction, turned upright, and the text of those that run another way."""
    counts: dict[int, int] = {}
    for word, turns in words:
        if turns is not None:
            counts[turns] = counts.get(turns, 0) + len(word.text)
    main = max(counts, key=lambda turns: counts[turns], default=0)
    upright: list[Word] = []
    aside: list[str] = []
    for word, turns in words:
        if turns == main:
            upright.append(word.turned(main))
        else:
            aside.append(word.text)
    return upright, " ".join(aside)


class _Words:
    """The words of one text page.

    A call for each character costs more than all else here, so only the code is asked of every character; place and
    face of a word come from its first and last one.
    """

    def __init__(self, textpage: Any, *, parts_marks: bool) -> None:
        """`parts_marks`: letters above the line, as they stand at names, are words of their own."""
        self._textpage = textpage
        self._parts_marks = parts_marks
        self._address = ctypes.cast(textpage, ctypes.c_void_p).value
        self._faces: dict[int | None, _Face] = {}
        self._box = pdfium.FS_RECTF()
        self._box_address = ctypes.addressof(self._box)
        self._matrix = pdfium.FS_MATRIX()

    def read(self) -> list[tuple[Word, int | None]]:
        count = max(0, pdfium.FPDFText_CountChars(self._textpage))
        codes = list(map(_code_of, repeat(self._address, count), range(count)))
        words: list[tuple[Word, int | None]] = []
        for found in _WORD.finditer(_text_of(codes)):
            first, last = found.span()
            mark = self._mark(found.group(), first) if self._parts_marks else last
            for start, end in ((first, mark), (mark, last)):
                text = found.group()[start - first : end - first]
                if text and text[-1] in _HYPHENS:
                    text = f"{text[:-1]}-"
                plain = text.isascii() and text.isprintable()  # nothing to clean: a word has no space in it
                if not plain:
                    text = clean(text)
                if text:
                    words.append(self._word(text, start, end - 1))
        return words

    def _mark(self, text: str, first: int) -> int:
        """Where in the page a word's mark begins (`Okafor` and a raised `a,b`); where the word ends, if it has none of letters."""
        end = first + len(text)
        if len(text) <= _SHORTEST_MARKED or not text[0].isupper():
            return end
        size, bottom = self._face(first).size, self._place(first)[3]
        mark = end
        while mark > first + 1 and self._face(mark - 1).size < _SMALL * size:
            mark -= 1
        raised = mark < end and self._place(mark)[3] > bottom + _RAISED * size
        return mark if raised and any(map(str.isalpha, text[mark - first :])) else end

    def _word(self, text: str, first: int, last: int) -> tuple[Word, int | None]:
        face = self._face(first)
        left, top, right, bottom = self._place(first)
        if last > first:
            left_too, top_too, right_too, bottom_too = self._place(last)
            if right_too > left_too:  # a hyphen that PDFium made has no place
                left = min(left, left_too)
                bottom = min(bottom, bottom_too)
                right = max(right, right_too)
                top = max(top, top_too)
        if top - bottom <= 0:  # fonts that are drawings have no height
            top = bottom + face.size
        # From here on, y grows downwards.
        return Word(text, left, -top, right, -bottom, face.size, face.bold), face.turns

    def _place(self, index: int) -> tuple[float, ...]:
        """Left, top, right and bottom."""
        if not _place_of(self._address, index, self._box_address):
            return 0.0, 0.0, 0.0, 0.0
        return _RECTANGLE.unpack_from(self._box)

    def _face(self, index: int) -> _Face:
        """Of the text object that the character belongs to: looked up once an object."""
        key = _object_of(self._address, index)
        face = self._faces.get(key)
        if face is None:
            face = self._faces[key] = self._new_face(index, pdfium.FPDFText_GetTextObject(self._textpage, index))
        return face

    def _new_face(self, index: int, found: Any) -> _Face:
        matrix = self._matrix
        size = pdfium.FPDFText_GetFontSize(self._textpage, index)
        turns: int | None = 0
        if pdfium.FPDFText_GetMatrix(self._textpage, index, matrix):
            size *= math.hypot(matrix.c, matrix.d) or 1.0
            quarter = math.atan2(matrix.b, matrix.a) / (math.pi / 2)
            turns = round(quarter) % 4 if abs(quarter - round(quarter)) < _UPRIGHT else None
        font = pdfium.FPDFTextObj_GetFont(found) if found else None
        return _Face(size, bool(font) and _is_bold(font), turns)


def _text_of(codes: list[int]) -> str:
    """As many characters as there are codes."""
    try:
        return "".join(map(chr, codes))
    except ValueError:  # a damaged font's
        return "".join([chr(code) if code < 0x110000 else "\0" for code in codes])


def _is_bold(font: Any) -> bool:
    name = ctypes.create_string_buffer(128)
    length = pdfium.FPDFFont_GetBaseFontName(font, name, len(name))
    if 1 < length <= len(name) and _BOLD.search(name.value.decode("utf-8", "replace").rpartition("+")[2]):
        return True
    return bool(pdfium.FPDFFont_GetWeight(font) >= 600)

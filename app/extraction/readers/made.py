"""The year in which a PDF was made."""

import ctypes
import re
from typing import Any

import pypdfium2.raw as pdfium

_WHEN = re.compile(r"(?:D:)?(?:(?P<year>19[5-9]\d|20\d\d)(?:\d{2})*|191(?P<since_2000>\d\d)\d{10})(?:$|\D)")
"""Distillers of that time wrote 2003 as 19103: a date of one digit more."""
_A_PAGE = 0.8
"""Of the page's area: an image of that size is its scan."""


def year_made(document: Any) -> int | None:
    """As the file says; None of a scan, which says when it was scanned."""
    told = ctypes.create_string_buffer(128)
    length = pdfium.FPDF_GetMetaText(document, b"CreationDate", told, len(told))
    if not 2 < length <= len(told):
        return None
    year = year_in(told.raw[: length - 2].decode("utf-16-le", "replace"))
    return None if year is None or _is_scan(document) else year


def year_in(date: str) -> int | None:
    """The year of a date as PDF writes them."""
    match = _WHEN.match(date.strip())
    if match is None:
        return None
    return int(match["year"]) if match["year"] else 2000 + int(match["since_2000"])


def _is_scan(document: Any) -> bool:
    """Whether one image covers the first page."""
    page = pdfium.FPDF_LoadPage(document, 0)
    if not page:
        return False
    try:
        area = pdfium.FPDF_GetPageWidthF(page) * pdfium.FPDF_GetPageHeightF(page)
        found = (pdfium.FPDFPage_GetObject(page, at) for at in range(pdfium.FPDFPage_CountObjects(page)))
        return any(
            _area(o) > _A_PAGE * area for o in found if pdfium.FPDFPageObj_GetType(o) == pdfium.FPDF_PAGEOBJ_IMAGE
        )
    finally:
        pdfium.FPDF_ClosePage(page)


def _area(image: Any) -> float:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(image, left, bottom, right, top):
        return 0.0
    return float((right.value - left.value) * (top.value - bottom.value))

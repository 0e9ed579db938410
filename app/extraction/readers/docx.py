"""DOCX: paragraphs by their styles, from WordprocessingML itself.

Read with lxml alone: python-docx takes longer to import than a paper takes to read, and opens every part of the file,
where two or three hold all of its text.
"""

import io
import re
from dataclasses import dataclass

from app.domain.errors import ReadError
from app.extraction.archive import check_size, directory, unpack
from app.extraction.readers import OnPage
from app.extraction.readers.draft import Draft, Kind, find_year, one_line
from app.extraction.readers.markup import Element, child, children, name, parse_xml, text_of

MAX_PART = 60_000_000
"""Bytes of one part's XML."""
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"heading\s*(\d)")
_NO_TEXT = frozenset(
    {"instrText", "delText", "drawing", "pict", "object", "pPr", "rPr", "Fallback", "footnoteReference"}
)
_KINDS: dict[str, Kind] = {
    "title": "title",
    "author": "authors",
    "authors": "authors",
    "abstract": "abstract",
    "caption": "caption",
    "image caption": "caption",
    "table caption": "caption",
    "bibliography": "reference",
    "references": "reference",
}


@dataclass(frozen=True)
class _Style:
    kind: Kind
    level: int
    size: float | None
    bold: bool


_PLAIN = _Style("paragraph", 0, None, False)


def read(data: bytes, on_page: OnPage, max_part: int = MAX_PART) -> Draft:
    """Headings with their levels, paragraphs, captions, tables row by row, footnotes; core properties as metadata.

    Raises `ReadError`, for a zip bomb before any of it is unpacked, or at `max_part` bytes where its directory lies.
    """
    archive = directory(io.BytesIO(data))
    if archive is None:
        raise ReadError("unreadable", "The file is no Word document, or a damaged one.")
    with archive:
        check_size(archive)
        main = next(
            (path for path in archive.namelist() if re.fullmatch(r"word/document\d*\.xml", path)), "word/document.xml"
        )
        parts = {
            path: unpack(archive, path, max_part)
            for path in (main, "word/styles.xml", "docProps/core.xml", "word/footnotes.xml")
        }
    document = parts[main]
    if document is None:
        raise ReadError("unreadable", "The Word document has no text part.")
    styles = _styles(parts["word/styles.xml"])
    draft = Draft(kinds_by_heading=True)
    _add_blocks(draft, child(parse_xml(document), "body"), styles)
    _add_footnotes(draft, parts["word/footnotes.xml"])
    _add_properties(draft, parts["docProps/core.xml"])
    on_page(1, 1)
    return draft


def _add_blocks(draft: Draft, parent: Element | None, styles: dict[str, _Style]) -> None:
    for part in parent if parent is not None else ():
        kind = name(part)
        if kind == "p":
            _add_paragraph(draft, part, styles)
        elif kind == "tbl":
            for row in part.iter(_W + "tr"):
                cells = (one_line(" ".join(_words(p) for p in cell.iter(_W + "p"))) for cell in children(row, "tc"))
                draft.add(" | ".join(cell for cell in cells if cell), "caption")
        elif kind in {"sdt", "sdtcontent", "ins", "smarttag", "customxml"}:
            _add_blocks(draft, part, styles)


def _add_paragraph(draft: Draft, paragraph: Element, styles: dict[str, _Style]) -> None:
    words = one_line(_words(paragraph))
    properties = child(paragraph, "ppr")
    style = styles.get(_value(child(properties, "pstyle")) or "", styles.get("", _PLAIN))
    outline = _value(child(properties, "outlinelvl"))
    if style.kind == "paragraph" and outline and outline.isdigit() and int(outline) < 9:
        style = _Style("heading", int(outline) + 1, style.size, style.bold)
    if style.kind == "title":
        draft.metadata.title = draft.metadata.title or words
    elif style.kind == "authors":
        draft.metadata.authors.extend(part.strip() for part in words.split(","))
    bold = style.bold or _is_bold(paragraph)
    draft.add(words, style.kind, level=style.level, font_size=_size(paragraph) or style.size, bold=bold)


def _words(paragraph: Element) -> str:
    """Its text; a tab is a space, what was deleted or only computes a field is nothing."""
    parts: list[str] = []
    pending = [paragraph]
    while pending:
        element = pending.pop()
        kind = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if kind == "t":
            parts.append(element.text or "")
        elif kind in {"tab", "br", "cr"}:
            parts.append(" ")
        elif kind == "noBreakHyphen":
            parts.append("-")
        elif kind not in _NO_TEXT:
            pending.extend(reversed(element))
    return "".join(parts)


def _runs(paragraph: Element) -> list[Element]:
    return [run for run in paragraph.iter(_W + "r") if any(name(part) == "t" and part.text for part in run)]


def _is_bold(paragraph: Element) -> bool:
    """Whether all of it is, run by run."""
    runs = _runs(paragraph)
    return bool(runs) and all(_is_on(child(run, "rpr", "b")) for run in runs)


def _size(paragraph: Element) -> float | None:
    return next((size for size in (_points(child(run, "rpr", "sz")) for run in _runs(paragraph)[:1]) if size), None)


def _styles(data: bytes | None) -> dict[str, _Style]:
    """By id; the default paragraph's under the empty id. What a style does not say, the one it is based on does."""
    if data is None:
        return {}
    elements = {
        e.get(_W + "styleId", ""): e for e in children(parse_xml(data), "style") if e.get(_W + "type") == "paragraph"
    }
    styles: dict[str, _Style] = {}
    for key in elements:
        chain = _chain(elements, key)
        styles[key] = _style(chain)
        if chain[0].get(_W + "default") in {"1", "true"}:
            styles[""] = styles[key]
    return styles


def _chain(elements: dict[str, Element], key: str) -> list[Element]:
    chain: list[Element] = []
    while key in elements and elements[key] not in chain and len(chain) < 20:
        chain.append(elements[key])
        key = _value(child(elements[key], "basedon")) or ""
    return chain


def _style(chain: list[Element]) -> _Style:
    kind: Kind = "paragraph"
    level = 0
    for element in chain:
        label = (_value(child(element, "name")) or "").lower()
        if heading := _HEADING.match(label):
            kind, level = "heading", int(heading.group(1))
        elif label in _KINDS:
            kind = _KINDS[label]
        if kind != "paragraph":
            break
    size = next((points for points in (_points(child(e, "rpr", "sz")) for e in chain) if points), None)
    bold = next((_is_on(found) for found in (child(e, "rpr", "b") for e in chain) if found is not None), False)
    return _Style(kind, level, size, bold)


def _value(element: Element | None) -> str | None:
    return element.get(_W + "val") if element is not None else None


def _points(element: Element | None) -> float | None:
    """WordprocessingML counts half points."""
    value = _value(element) or ""
    return int(value) / 2 if value.isdigit() else None


def _is_on(element: Element | None) -> bool:
    return element is not None and _value(element) not in {"0", "false", "none"}


def _add_footnotes(draft: Draft, data: bytes | None) -> None:
    for footnote in children(parse_xml(data), "footnote") if data else ():
        draft.add(one_line(" ".join(_words(p) for p in footnote.iter(_W + "p"))), "caption")


def _add_properties(draft: Draft, data: bytes | None) -> None:
    """What the document says of itself; its title and authors only where the text has none."""
    if data is None:
        return
    properties = {name(e): one_line(text_of(e)) for e in parse_xml(data)}
    metadata = draft.metadata
    metadata.title = metadata.title or properties.get("title") or None
    metadata.authors = metadata.authors or [part.strip() for part in properties.get("creator", "").split(";")]
    metadata.year = find_year([properties.get("created")])

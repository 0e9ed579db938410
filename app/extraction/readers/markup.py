"""What the readers of XML and HTML share: parsers that reach nothing outside the file, and text of mixed content."""

from collections.abc import Callable, Iterator
from html import unescape
from typing import Any, cast

from lxml import etree

from app.domain.errors import ReadError

MAX_DEPTH = 256
"""Of nested elements; libxml2's own limit, without `huge_tree`."""

Element = etree._Element


def parse_xml(data: bytes) -> Element:
    """The root. Nothing is fetched, no DTD is loaded, no entity is replaced: raises `ReadError` where that is needed."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        _tell_memory(error)
        if "amplification" in (error.msg or ""):  # entities within entities, without end
            raise _own_entities() from error
        raise ReadError("unreadable", f"The XML is not well formed: {error.msg}.") from error
    _refuse_entities(root)
    return root


def _refuse_entities(root: Element) -> None:
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and next(cast("Any", declared).iterentities(), None) is not None:
        raise _own_entities()
    unknown = next((entity.text for entity in root.iter(etree.Entity) if not _character(entity)), None)
    if unknown is not None:
        raise ReadError(
            "unreadable", f"The XML uses the entity {unknown}, which needs a DTD; replace it by its text first."
        )


def _own_entities() -> ReadError:
    return ReadError("unreadable", "The XML declares entities of its own; replace them by their text first.")


def _character(entity: Element) -> str:
    """What HTML's entities stand for (`&nbsp;`), which publishers use without declaring them; empty for any other."""
    reference = entity.text or ""
    known = unescape(reference)
    return known if known != reference else ""


def parse_html(text: str) -> Element | None:
    """The root of what the browser would see, or None when there is nothing."""
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=False, encoding="utf-8")
    try:
        return cast("Element | None", etree.fromstring(text.encode("utf-8", "replace"), parser))
    except etree.XMLSyntaxError as error:
        _tell_memory(error)
        raise


def _tell_memory(error: etree.XMLSyntaxError) -> None:
    """libxml2 takes a lack of memory for an error of the file; it is none, and another attempt may have more."""
    if getattr(error, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:  # the stubs do not know it
        raise MemoryError from error


def name(element: Element) -> str:
    """The element's name without its namespace, in lower case; empty for a comment or the like."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these names."""
    return (child for child in element if name(child) in names)


def child(element: Element | None, *path: str) -> Element | None:
    """The first child along a path of names, or None."""
    for step in path:
        if element is None:
            return None
        element = next(children(element, step), None)
    return element


def text_of(element: Element | None, skip: Callable[[Element], bool] = lambda _: False) -> str:
    """All text within, in order; elements to `skip` count for nothing, their tails do."""
    if element is None:
        return ""
    parts: list[str] = [element.text or ""]
    for part in element:
        if part.tag is etree.Entity:
            parts.append(_character(part))
        elif name(part) and not skip(part):
            parts.append(_as_break(part) or text_of(part, skip))
        parts.append(part.tail or "")
    return "".join(parts)


def _as_break(element: Element) -> str:
    return "\n" if name(element) in {"br", "break"} else ""

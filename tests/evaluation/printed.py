"""The references of a paper as its publisher's XML has them: JATS, and BioMed Central's own."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from app.extraction.citations import Field

_REFERENCES = ("{*}ref", "{*}bibl[@id]")
_UNPRINTED = frozenset({"label", "pub-id", "xrefbib", "ext-link", "uri", "url"})
"""Numbers, and links that a publisher may have added."""
_NAMES = frozenset({"name", "string-name", "au", "collab", "ins", "cnm"})
_ONLY_ONE = frozenset({"mixed-citation", "citation", "nlm-citation", "element-citation"})

Told = dict[Field, str]


class Printed(NamedTuple):
    """A reference: its words, in whatever order its elements come, and its fields."""

    text: str
    fields: Told


@cache
def printed_references(xml: Path) -> tuple[Printed, ...]:
    """The references in the order of their list."""
    root = etree.parse(
        xml, etree.XMLParser(recover=True, load_dtd=False, no_network=True, resolve_entities=False)
    ).getroot()
    found = [ref for path in _REFERENCES for ref in root.iterfind(f".//{path}")]
    return tuple(_printed(ref) for ref in found)


def _printed(ref: etree._Element) -> Printed:
    citations = [part for part in ref if _tag(part) in _ONLY_ONE]
    # SciELO gives the same reference twice: as it is printed, and taken apart.
    text = " ".join(_text(next(iter(citations), ref)).split())
    return Printed(
        text, {field: value for field, value in _fields(citations[-1] if citations else ref).items() if value}
    )


def _fields(citation: etree._Element) -> Told:
    def first(*tags: str) -> str:
        found = (part for tag in tags for part in citation.iter(f"{{*}}{tag}"))
        return " ".join(_text(next(found, None)).split())

    title, source = first("article-title", "chapter-title", "part-title", "title"), first("source")
    pages = "-".join(filter(None, (first("fpage"), first("lpage"))))
    return {
        "author": ", ".join(_people(citation)),
        "title": title or source,
        "venue": source if title else "",
        "date": "".join(re.findall(r"(?:1[5-9]|20)\d\d", first("year", "pubdate"))[:1]),
        "volume": first("volume"),
        "issue": first("issue"),
        "pages": pages or first("elocation-id", "page-range"),
        "publisher": first("publisher-name", "publisher"),
    }


def _people(citation: etree._Element) -> Iterator[str]:
    for element in citation.iter():
        if _tag(element) not in _NAMES or any(_tag(above) in _NAMES for above in element.iterancestors()):
            continue
        groups = [above.get("person-group-type") or _tag(above) for above in element.iterancestors()]
        if not {"editor", "translator", "edg"} & set(groups):
            yield " ".join(" ".join(_pieces(element)).split())


def _text(element: etree._Element | None) -> str:
    return "" if element is None else " ".join(_pieces(element))


def _pieces(element: etree._Element) -> Iterator[str]:
    if _tag(element) not in _UNPRINTED and isinstance(element.tag, str):
        yield element.text or ""
        for part in element:
            yield from _pieces(part)
            yield part.tail or ""


def _tag(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""

"""HTML: what a reader of the page would read, without what is around it."""

import re

from app.extraction.decoding import decode
from app.extraction.readers import OnPage
from app.extraction.readers.draft import MAX_CHARACTERS as MAX_TEXT
from app.extraction.readers.draft import Draft, DraftMetadata, Kind, find_doi, find_year, one_line, text_too_long
from app.extraction.readers.markup import Element, children, name, parse_html, text_of

_DECLARED = re.compile(rb"<meta[^>]{1,200}charset=[\"']?\s*([\w-]+)", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_TAG = re.compile(r"</?[a-z]{1,6}>")  # some publishers leave the title's italics in
MAX_MARKUP = 8 * MAX_TEXT
"""Characters of HTML: more markup than this is not around a paper's text."""
_PROSE = 60
"""Characters of text in one piece."""
_MAIN = 0.97
"""Of the page's prose: what holds that much is the paper."""
_DROPPED = frozenset(
    {"script", "style", "noscript", "template", "nav", "aside", "form", "button", "select", "svg", "iframe", "object",
     "video", "audio", "canvas", "head", "header", "footer", "annotation", "annotation-xml", "menu", "dialog"}
)  # fmt: skip
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "body", "html", "ul", "ol", "dl", "li", "dt", "dd", "blockquote", "pre",
     "figure", "figcaption", "table", "caption", "tr", "thead", "tbody", "tfoot", "address", "hr", "center", "details",
     "summary", "fieldset", "header", "footer", "hgroup"}
) | _HEADINGS  # fmt: skip


def read(data: bytes, on_page: OnPage) -> Draft:
    """Headings with their levels, paragraphs, list items, captions, tables row by row; `<meta>` as metadata."""
    declared = _DECLARED.search(data, 0, 4096)
    text = decode(data, declared.group(1).decode("ascii") if declared else None)
    if len(text) > MAX_MARKUP:
        raise text_too_long()
    root = parse_html(_XML_DECLARATION.sub("", text.replace("\0", "")))
    draft = Draft(kinds_by_heading=True)
    if root is not None:
        draft.metadata = _metadata(root)
        content = _content(root)
        _add_title(draft, content)
        _Walk(draft, content).run()
    on_page(1, 1)
    return draft


def _content(root: Element) -> Element:
    """The smallest element that holds nearly all of the page's prose, and its title: menus stand outside of it."""
    body = next((element for element in root.iter() if name(element) == "body"), root)
    weights = _weights(body)
    title = next(body.iter("h1"), None)
    holders = set(title.iterancestors()) if title is not None else set()
    here = body
    while (inner := _nearly_all(here, weights)) is not None and (here not in holders or inner in holders):
        here = inner
    return here


def _weights(body: Element) -> dict[Element, int]:
    """How many characters of prose each element holds: text in long pieces, as no menu has it."""
    weights: dict[Element, int] = {}
    for element in body.iter():
        if name(element) in _DROPPED:
            continue
        pieces = [element.text, *(part.tail for part in element)]
        if weight := sum(len(piece) for piece in pieces if piece and len(piece) >= _PROSE):
            for ancestor in (element, *element.iterancestors()):
                weights[ancestor] = weights.get(ancestor, 0) + weight
    return weights


def _nearly_all(element: Element, weights: dict[Element, int]) -> Element | None:
    most = weights.get(element, 0) * _MAIN
    return next((e for e in element if name(e) in _BLOCKS - {"p"} and weights.get(e, 0) >= most > 0), None)


def _add_title(draft: Draft, content: Element) -> None:
    """Where the page shows its title outside of its content, the title it declares."""
    title = one_line(draft.metadata.title or "")
    if not any(one_line(text_of(heading)) == title for heading in content.iter("h1", "h2")):
        draft.add(title, "title")
        draft.add(", ".join(draft.metadata.authors), "authors")


class _Walk:
    """One walk over the page, in which loose text between blocks becomes paragraphs."""

    def __init__(self, draft: Draft, body: Element) -> None:
        self._draft = draft
        self._body = body
        self._loose: list[str] = []
        self._title = self._only_h1() if not draft.metadata.title else None

    def _only_h1(self) -> Element | None:
        found = [element for element in self._body.iter() if name(element) == "h1"]
        return found[0] if len(found) == 1 else None

    def run(self) -> None:
        self._inside(self._body)
        self._flush()

    def _inside(self, element: Element) -> None:
        self._loose.append(element.text or "")
        for part in element:
            kind = name(part)
            if kind in _HEADINGS:
                self._heading(part, int(kind[1]))
            elif kind == "tr":
                self._row(part)
            elif kind in {"figcaption", "caption"}:
                self._block(part, "caption")
            elif kind in _BLOCKS and not self._is_dropped(part):
                self._flush()
                self._inside(part)
                self._flush()
            elif kind == "br":
                self._loose.append("\n")
            elif kind and not self._is_dropped(part):
                self._inside(part)
            self._loose.append(part.tail or "")

    @staticmethod
    def _is_dropped(element: Element) -> bool:
        """A page's own header goes, an article's holds its title."""
        kind = name(element)
        if kind == "header":
            return all(name(inner) not in _HEADINGS for inner in element.iter())
        hidden = element.get("hidden") is not None or element.get("aria-hidden") == "true"
        return kind in _DROPPED or hidden or element.get("role") in {"navigation", "search", "banner"}

    def _heading(self, element: Element, level: int) -> None:
        self._flush()
        words = one_line(text_of(element, self._is_dropped))
        title = words == one_line(self._draft.metadata.title or "") if self._title is None else element is self._title
        if title:
            self._draft.metadata.title = words
        self._draft.add(words, "title" if title else "heading", level=0 if title else level)

    def _row(self, row: Element) -> None:
        self._flush()
        cells = (one_line(text_of(cell, self._is_dropped)) for cell in children(row, "td", "th"))
        self._draft.add(" | ".join(cell for cell in cells if cell), "caption")

    def _block(self, element: Element, kind: Kind) -> None:
        self._flush()
        self._draft.add(one_line(text_of(element, self._is_dropped)), kind)

    def _flush(self) -> None:
        words = one_line("".join(self._loose))
        self._loose.clear()
        self._draft.add(words)


def _metadata(root: Element) -> DraftMetadata:
    """From the tags that Google Scholar reads (`citation_*`), else Dublin Core's, else the plain ones."""
    fields: dict[str, list[str]] = {}
    for meta in root.iter("meta"):
        key, value = (meta.get("name") or meta.get("property") or "").lower(), meta.get("content")
        if key and value:
            fields.setdefault(key, []).append(_TAG.sub("", value))

    def values(*keys: str) -> list[str]:
        return next((fields[key] for key in keys if key in fields), [])

    def first(*keys: str) -> str | None:
        return next(iter(values(*keys)), None)

    authors = values("citation_author", "citation_authors", "dc.creator", "author")
    return DraftMetadata(
        title=first("citation_title", "dc.title", "dcterms.title"),
        authors=[_given_first(name) for field in authors for name in field.split(";")],
        abstract=first("citation_abstract", "dcterms.abstract"),
        year=find_year(
            first(key)
            for key in ("citation_publication_date", "citation_date", "citation_online_date", "dc.date", "dcterms.date")
        ),
        doi=find_doi(first("citation_doi", "dc.identifier", "bepress_citation_doi", "prism.doi")),
    )


def _given_first(author: str) -> str:
    """`Smith, Jane` as `Jane Smith`."""
    surname, comma, given = author.partition(",")
    return f"{given.strip()} {surname.strip()}" if comma and "," not in given else author

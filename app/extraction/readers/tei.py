"""The TEI that GROBID makes of a PDF: its header, its body, its list of references."""

from collections.abc import Iterator

from app.domain.errors import ReadError
from app.extraction.readers import OnPage
from app.extraction.readers.draft import Draft, Kind, find_doi, find_year, one_line
from app.extraction.readers.markup import Element, child, children, name, parse_xml, text_of

_PARAGRAPHS = frozenset({"p", "list", "item", "quote", "ab", "formula", "note"})


def read(data: bytes, on_page: OnPage) -> Draft:
    """Metadata, abstract, sections with their levels, captions, one block a reference, each on its page.

    Pages are known where GROBID was asked for coordinates. Raises `ReadError` when it is no TEI, or has no text.
    """
    root = parse_xml(data)
    if name(root) != "tei":
        raise ReadError("unreadable", "The XML is no TEI document.")
    draft = Draft()
    pages = _pages(root)
    draft.set_pages(pages)
    _add_header(draft, child(root, "teiheader"))
    body = _Body(draft)
    for part in _within(child(root, "text"), "body", "back"):
        body.add(part)
    on_page(pages, pages)
    return draft


def _add_header(draft: Draft, header: Element | None) -> None:
    source = child(header, "filedesc", "sourcedesc", "biblstruct")
    metadata = draft.metadata
    metadata.title = one_line(text_of(child(header, "filedesc", "titlestmt", "title")))
    people = map(_person, _within(child(source, "analytic"), "author"))
    metadata.authors = [person for person in people if person]
    metadata.doi = find_doi(_idno(source, "DOI"))
    metadata.year = find_year(_dates(header, source))
    abstract = child(header, "profiledesc", "abstract")
    paragraphs = [] if abstract is None else [one_line(text_of(p)) for p in abstract.iter() if name(p) == "p"]
    metadata.abstract = "\n".join(paragraphs)
    draft.add(metadata.title, "title")
    draft.add(", ".join(metadata.authors), "authors")
    for paragraph in paragraphs:
        draft.add(paragraph, "abstract")


class _Body:
    """Adds a text's parts in their order; what has no coordinates is on the page of what came before it."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._page = 1

    def add(self, part: Element, level: int = 0) -> None:
        for inner in part:
            kind = name(inner)
            if kind == "div":
                self.add(inner, level + 1)
            elif kind == "head":
                number = inner.get("n", "")
                own = number.strip(".").count(".") + 1 if number else max(level, 1)
                self._block(inner, f"{number} {text_of(inner)}", "heading", level=own)
            elif kind == "figure":
                parts = (child(inner, "head"), child(inner, "figdesc"))
                self._block(inner, " ".join(text_of(found) for found in parts), "caption")
            elif kind == "listbibl":
                self._draft.add("References", "heading", level=1, page=self._page)
                for entry in children(inner, "biblstruct"):
                    self._block(entry, _reference(entry), "reference")
            elif kind in _PARAGRAPHS:
                self._block(inner, text_of(inner), "paragraph")

    def _block(self, element: Element, text: str, kind: Kind, level: int = 0) -> None:
        self._page = max(self._page, _page(element))
        self._draft.add(one_line(text), kind, level=level, page=self._page)


def _reference(entry: Element) -> str:
    """The words of the paper where GROBID gives them, else its parts put in order."""
    raw = next((note for note in children(entry, "note") if note.get("type") == "raw_reference"), None)
    if raw is not None:
        return one_line(text_of(raw))
    analytic, monograph = child(entry, "analytic"), child(entry, "monogr")
    people = [_person(author) for part in (analytic, monograph) for author in _within(part, "author")]
    imprint = child(monograph, "imprint")
    year = find_year(_when(date) for date in _within(imprint, "date"))
    scope = {scope.get("unit", ""): scope for scope in _within(imprint, "biblscope")}
    page = scope.get("page")
    pages = "" if page is None else f"{page.get('from', '')}–{page.get('to', '')}".strip("–") or text_of(page)
    volume, issue = text_of(scope.get("volume")), text_of(scope.get("issue"))
    numbers = ", ".join(part for part in (f"{volume}({issue})" if issue else volume, pages) if part)
    sentences = [
        ", ".join(person for person in people if person) + (f" ({year})" if year else ""),
        text_of(child(analytic, "title")),
        " ".join(part for part in (text_of(child(monograph, "title")), numbers) if part),
        text_of(child(imprint, "publisher")),
        f"doi:{doi}" if (doi := _idno(entry, "DOI")) else "",
    ]
    return one_line(". ".join(sentence.strip(" .") for sentence in sentences if sentence.strip(" .")))


def _person(author: Element) -> str:
    person = child(author, "persname")
    if person is None:
        return ""
    names = [one_line(text_of(part)) for part in children(person, "forename", "surname")]
    return " ".join(f"{part}." if len(part) == 1 else part for part in names if part)


def _idno(element: Element | None, kind: str) -> str | None:
    found = () if element is None else (e for e in element.iter() if name(e) == "idno" and e.get("type") == kind)
    return next((text_of(number) for number in found), None)


def _dates(header: Element | None, source: Element | None) -> list[str]:
    places = (child(source, "monogr", "imprint"), child(header, "filedesc", "publicationstmt"))
    return [_when(date) for place in places for date in _within(place, "date")]


def _when(date: Element) -> str:
    return date.get("when") or text_of(date)


def _within(element: Element | None, *names: str) -> Iterator[Element]:
    """The children of these names; none where there is no element."""
    return iter(()) if element is None else children(element, *names)


def _pages(root: Element) -> int:
    surfaces = sum(name(element) == "surface" for element in root.iter())
    return max(1, surfaces, *(_page(element) for element in root.iter() if name(element)))


def _page(element: Element) -> int:
    """From `coords="PAGE,x,y,w,h;…"`, of the element or the first sentence in it; 0 where it has none."""
    coords = element.get("coords") or next((found for e in element if (found := e.get("coords"))), "")
    first = coords.partition(",")[0]
    return int(first) if first.isdigit() else 0

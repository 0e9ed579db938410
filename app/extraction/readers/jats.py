"""JATS XML, as publishers and PubMed Central give it out."""

from app.domain.errors import ReadError
from app.extraction.readers import OnPage
from app.extraction.readers.citation import citation_text, person
from app.extraction.readers.draft import Draft, find_doi, find_year, one_line
from app.extraction.readers.markup import Element, child, children, name, parse_xml, text_of

_SKIPPED = frozenset(
    {
        "tex-math",
        "graphic",
        "inline-graphic",
        "object-id",
        "media",
        "alternatives-graphic",
        "fn",
        "index-term",
        "alt-text",
    }
)
_SECTIONS = frozenset({"sec", "app", "ack", "notes", "glossary", "bio", "app-group", "fn-group", "body", "boxed-text"})
_CAPTIONED = frozenset({"fig", "table-wrap", "supplementary-material", "fig-group", "table-wrap-group", "media"})
_SIDE_ABSTRACTS = frozenset({"toc", "teaser", "graphical", "key-points", "video", "web-summary", "precis"})
_WITHIN_PARAGRAPHS = _CAPTIONED | {"list", "disp-quote", "boxed-text", "def-list"}


def read(data: bytes, on_page: OnPage) -> Draft:
    """Header, abstract, sections with their levels, captions, tables row by row, and one block a reference.

    Raises `ReadError` when it is no article, or not well formed, or leans on entities.
    """
    root = parse_xml(data)
    article = root if name(root) == "article" else next((e for e in root.iter() if name(e) == "article"), None)
    if article is None:
        raise ReadError("unreadable", "The XML holds no JATS article.")
    draft = Draft()
    _add_header(draft, child(article, "front"))
    for part in children(article, "body", "back"):
        _add_section(draft, part, level=0)
    on_page(1, 1)
    return draft


def _add_header(draft: Draft, front: Element | None) -> None:
    meta = child(front, "article-meta")
    if meta is None:
        return
    metadata = draft.metadata
    title = one_line(_text(child(meta, "title-group", "article-title")))
    metadata.title = title
    metadata.authors = _authors(meta)
    metadata.doi = find_doi(next((e.text for e in children(meta, "article-id") if e.get("pub-id-type") == "doi"), None))
    metadata.year = find_year(_text(child(date, "year")) for date in _dates(meta))
    draft.add(title, "title")
    draft.add(", ".join(metadata.authors), "authors")
    for abstract in children(meta, "abstract", "trans-abstract"):
        if abstract.get("abstract-type") in _SIDE_ABSTRACTS:
            continue
        main = name(abstract) == "abstract" and metadata.abstract is None
        paragraphs = _abstract_paragraphs(abstract)
        if main:
            metadata.abstract = "\n".join(paragraphs)
        for paragraph in paragraphs:
            draft.add(paragraph, "abstract" if main else "paragraph")


def _dates(meta: Element) -> list[Element]:
    """The dates of publication, that of the electronic version first: it is the one that is cited."""
    dates = list(children(meta, "pub-date"))
    kinds = ("epub", "electronic", "pub", "ppub", "collection")

    def rank(date: Element) -> int:
        kind = date.get("pub-type") or date.get("date-type") or date.get("publication-format") or ""
        return kinds.index(kind) if kind in kinds else len(kinds)

    return sorted(dates, key=rank)


def _authors(meta: Element) -> list[str]:
    authors: list[str] = []
    for group in children(meta, "contrib-group"):
        for contributor in children(group, "contrib"):
            if contributor.get("contrib-type", "author") != "author":
                continue
            found = child(contributor, "name")
            if found is None:
                found = next((e for e in contributor.iter() if name(e) in {"name", "string-name", "collab"}), None)
            if found is not None:
                authors.append(person(found, given_first=True))
    return authors


def _abstract_paragraphs(abstract: Element) -> list[str]:
    """Its paragraphs; that of a structured abstract's part begins with the part's title."""
    paragraphs: list[str] = []
    for part in abstract:
        if name(part) == "p":
            paragraphs.append(one_line(_text(part)))
        elif name(part) == "sec":
            title, body = one_line(_text(child(part, "title"))), _abstract_paragraphs(part)
            if title and body:
                body[0] = f"{title.rstrip(':.')}: {body[0]}"
            paragraphs.extend(body)
    return paragraphs


def _add_section(draft: Draft, section: Element, level: int) -> None:
    for part in section:
        kind = name(part)
        if kind in {"title", "label"} and name(section) in _SECTIONS:
            if kind == "title":
                label = one_line(_text(child(section, "label")))
                draft.add(f"{label} {one_line(_text(part))}", "heading", level=max(level, 1))
        elif kind in _SECTIONS:
            _add_section(draft, part, level + 1)
        elif kind == "ref-list":
            _add_references(draft, part, level + 1)
        else:
            _add_part(draft, part)


def _add_references(draft: Draft, ref_list: Element, level: int) -> None:
    draft.add(one_line(_text(child(ref_list, "title"))), "heading", level=level)
    for part in ref_list:
        if name(part) == "ref":
            draft.add(citation_text(part), "reference")
        elif name(part) == "ref-list":
            _add_references(draft, part, level)
        elif name(part) == "p":
            draft.add(one_line(_text(part)))


def _add_part(draft: Draft, part: Element) -> None:
    kind = name(part)
    if kind == "p":
        _add_paragraph(draft, part)
    elif kind in _CAPTIONED:
        _add_captioned(draft, part)
    elif kind in _SECTIONS:  # a box inside of a paragraph
        _add_section(draft, part, level=1)
    elif kind in {
        "list",
        "disp-quote",
        "def-list",
        "list-item",
        "def-item",
        "fn",
        "statement",
        "verse-group",
        "speech",
    }:
        if any(name(inner) in {"p", "list", "list-item", "def-item", "disp-quote", "def"} for inner in part):
            for inner in part:
                _add_part(draft, inner)
        else:
            draft.add(one_line(_text(part)))
    elif kind in {"disp-formula", "term", "def", "preformat", "attrib", "code"}:
        draft.add(one_line(_text(part)))


def _add_paragraph(draft: Draft, paragraph: Element) -> None:
    """The paragraph, then the figures, tables and lists that stand inside of it."""
    draft.add(one_line(text_of(paragraph, lambda e: name(e) in _SKIPPED or name(e) in _WITHIN_PARAGRAPHS)))
    for part in paragraph:
        if name(part) in _WITHIN_PARAGRAPHS:
            _add_part(draft, part)


def _add_captioned(draft: Draft, figure: Element) -> None:
    label = one_line(_text(child(figure, "label")))
    caption = child(figure, "caption")
    words = " ".join(one_line(_text(part)) for part in caption) if caption is not None else ""
    draft.add(f"{label} {words}", "caption")
    for part in figure:
        if name(part) in _CAPTIONED:
            _add_captioned(draft, part)
    for row in (element for element in figure.iter() if name(element) == "tr"):
        cells = (one_line(_text(cell)) for cell in children(row, "td", "th"))
        draft.add(" | ".join(cell for cell in cells if cell), "caption")


def _text(element: Element | None) -> str:
    return text_of(element, lambda e: name(e) in _SKIPPED)

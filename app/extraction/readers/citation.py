"""A reference of JATS as the sentence that it is in print."""

from app.extraction.readers.draft import one_line
from app.extraction.readers.markup import Element, child, children, name, text_of

_CITATIONS = ("mixed-citation", "element-citation", "citation", "nlm-citation", "citation-alternatives")
_NAMES = frozenset({"name", "string-name", "collab"})


def citation_text(ref: Element) -> str:
    """`<ref>` as one line: its own words where it has punctuation between its parts, else its parts put in order."""
    citation = next(children(ref, *_CITATIONS), None)
    if citation is not None and name(citation) == "citation-alternatives":
        citation = next(children(citation, *_CITATIONS), None)
    if citation is None:
        return one_line(text_of(ref, lambda element: name(element) == "label"))
    if name(citation) == "mixed-citation" and _is_punctuated(citation):
        return one_line(_own_words(citation))
    return _composed(citation)


def person(element: Element, *, given_first: bool = False) -> str:
    """`Smith J`, or `J Smith`; a name that is not taken apart as it stands."""
    surname = one_line(text_of(child(element, "surname")))
    given = one_line(text_of(child(element, "given-names")))
    suffix = one_line(text_of(child(element, "suffix")))
    if not surname:
        return one_line(text_of(element, lambda inner: name(inner) in {"contrib", "contrib-group"}))
    parts = (given, surname, suffix) if given_first else (surname, given, suffix)
    return " ".join(part for part in parts if part)


def _is_punctuated(citation: Element) -> bool:
    if len(citation) == 0:
        return True
    between = [citation.text or "", *(part.tail or "" for part in citation)]
    return any(text.strip() for text in between)


def _own_words(element: Element) -> str:
    parts = [element.text or ""]
    for part in element:
        if name(part) == "name":
            parts.append(person(part))
        elif name(part) not in {"label", "object-id"}:
            parts.append(_own_words(part))
        parts.append(part.tail or "")
    return "".join(parts)


def _composed(citation: Element) -> str:
    """`Authors (year). Title. Source 12(3): 45-67. doi:10.1/x`."""
    field = {name(part): one_line(text_of(part)) for part in citation if name(part) not in {"pub-id", "comment"}}
    people = [person(element) for element in citation.iter() if name(element) in _NAMES and _is_outermost(element)]
    if next(citation.iter("{*}etal"), None) is not None:
        people.append("et al")
    authors = ", ".join(people)
    year = field.get("year", "")
    sentences = [
        f"{authors} ({year})" if year else authors,
        field.get("article-title")
        or field.get("part-title")
        or field.get("data-title")
        or field.get("chapter-title", ""),
        _where(field),
        " ".join(one_line(text_of(part)) for part in citation if name(part) == "comment"),
        _identifier(citation, field),
    ]
    return ". ".join(sentence.rstrip(". ") for sentence in sentences if sentence.strip(". "))


def _is_outermost(element: Element) -> bool:
    parent = element.getparent()
    return parent is None or name(parent) not in _NAMES


def _where(field: dict[str, str]) -> str:
    volume = field.get("volume", "") + (f"({field['issue']})" if field.get("issue") else "")
    first, last = field.get("fpage") or field.get("elocation-id", ""), field.get("lpage", "")
    pages = f"{first}-{last}" if last and last != first else first or field.get("page-range", "")
    source = " ".join(part for part in (field.get("source", ""), volume) if part)
    publisher = ": ".join(part for part in (field.get("publisher-loc", ""), field.get("publisher-name", "")) if part)
    return ". ".join(part for part in (": ".join(part for part in (source, pages) if part), publisher) if part)


def _identifier(citation: Element, field: dict[str, str]) -> str:
    for part in children(citation, "pub-id"):
        if part.get("pub-id-type") == "doi":
            return f"doi:{one_line(text_of(part))}"
    return field.get("ext-link") or field.get("uri", "")

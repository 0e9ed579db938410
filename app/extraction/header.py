"""Title, authors, abstract, year and DOI: what the file declares, and the lines of the first page for the rest."""

import re
from itertools import takewhile

from app.domain.knowledge import BlockKind, Metadata, Reading
from app.extraction.byline import author_names
from app.extraction.front import ABSTRACT, FrontLine, abstract_heading, front_of, joined
from app.extraction.published import year_of
from app.extraction.sections import is_well_known
from app.extraction.title import title_lines, title_of

MAX_TITLE = 400
MAX_ABSTRACT = 6000

DOI = re.compile(r"\b(10\.\d{4,9}/[^\s\"<>{}|\\^`]{2,200})", re.IGNORECASE)
_AFTER_ABSTRACT = re.compile(
    r"^\W{0,3}(?:(?:1|I)\.?\s+)?(?:introduction|key ?words?|index terms|categories and subject|general terms|ccs concepts"
    r"|citation:|copyright)\b",
    re.IGNORECASE,
)

_ENOUGH = 3
"""Lines that read as an abstract: a heading "Summary" in the body after them begins no other."""
_A_SENTENCE = 5
"""Words; a shorter line below the heading ("Article history:") is a part of the abstract only if it reads so."""
_SENTENCE_ENDS = re.compile(r"[.!?:;][\W\d]*$")
_NUMBERED = re.compile(r"^\W{0,3}(?:\d{1,2}|[IVX]{1,4})[.)]?\s")


def extract_header(reading: Reading) -> Metadata:
    """What the file declares of itself, each missing field filled by rule from the first page; None or () if not found.

    Years are 1950 to 2099; a DOI is in lower case as a key would be, without its resolver. Never raises.
    """
    told = reading.metadata
    opening = front_of(reading)
    front = [line for line in opening if line.page == 1]
    title_at = title_lines(front)
    title = told.title or title_of(title_at)[:MAX_TITLE] or None
    return Metadata(
        title=" ".join(title.split()) if title else None,
        authors=told.authors or author_names(front, title_at),
        abstract=told.abstract or _abstract(opening) or _unlabelled_abstract(opening, title_at),
        year=told.year or year_of(reading, front),
        doi=find_doi(told.doi) if told.doi else _doi(front),
    )


def find_doi(text: str | None) -> str | None:
    """The first DOI in the text, in lower case, without the punctuation that follows it; None when there is none."""
    match = DOI.search(text or "")
    if match is None:
        return None
    doi = match.group(1).rstrip(".,;:'\"”’*")
    while doi and doi[-1] in ")]" and doi.count("(") < doi.count(")") + doi.count("]") - doi.count("["):
        doi = doi[:-1].rstrip(".,;")
    return doi.lower()


def _abstract(front: list[FrontLine]) -> str | None:
    """ABSTRACT blocks; else what follows the word Abstract, up to a heading or the introduction."""
    marked = [line for line in front if line.kind is BlockKind.ABSTRACT]
    if marked:
        abstract = list(takewhile(lambda line: not _AFTER_ABSTRACT.match(line.text), marked))
        return ABSTRACT.sub("", joined(abstract))[:MAX_ABSTRACT].lstrip(" :.—–-").strip() or None
    kept: list[str] = []
    last: FrontLine | None = None
    """The last line of those that are kept."""
    inside = False
    read = 0
    for line in front:
        text = line.text
        label = abstract_heading(line)
        if not inside and label:
            inside = True
            text = text[label.end() :]
        elif inside and kept and (_ends_abstract(line, last) or _is_heading(text, label)):
            break
        read += not inside and line.label == "abstract"
        if not inside and (line.page > 1 or (line.label == "body" and read >= _ENOUGH)):
            break
        if (
            inside
            and text
            and line.kind is not BlockKind.FURNITURE
            and (line.label == "abstract" or (not kept and len(text.split()) >= _A_SENTENCE) or _runs_on(line, last))
        ):
            kept.append(text)
            last = line
    return " ".join(kept)[:MAX_ABSTRACT].strip() or None


def _is_heading(text: str, label: re.Match[str] | None) -> bool:
    """Whether the line is nothing but a heading such as "Resumo": of the same in another language."""
    return label is not None and label.end() == len(text)


def _unlabelled_abstract(front: list[FrontLine], title: list[FrontLine]) -> str | None:
    """The lines below the title that read as an abstract, from the first one on, in its print, up to a heading."""
    kept: list[FrontLine] = []
    start = title[-1].end if title else 0
    for line in front:
        if line.start < start or line.kind is BlockKind.FURNITURE:
            continue
        if not kept and line.page > 1:
            break
        if kept and _ends_abstract(line, kept[-1]):
            break
        if (line.label == "abstract" and (not kept or line.near(kept[0]))) or (kept and _runs_on(line, kept[-1])):
            kept.append(line)
    return joined(kept)[:MAX_ABSTRACT] or None


def _ends_abstract(line: FrontLine, last: FrontLine | None) -> bool:
    if _AFTER_ABSTRACT.match(line.text) or line.kind is BlockKind.HEADING:
        return True
    numbered = _NUMBERED.match(line.text) is not None and is_well_known(line.text)
    named = numbered or line.text.lower() in ("introduction", "background")
    return named or (line.label == "body" and not _runs_on(line, last))


def _runs_on(line: FrontLine, last: FrontLine | None) -> bool:
    """Whether the line goes on with a sentence in the same paragraph: then it is of what the last one is of."""
    return (
        last is not None
        and line.size is not None
        and line.block == last.block
        and line.near(last)
        and line.kind is not BlockKind.FURNITURE
        and _SENTENCE_ENDS.search(last.text) is None
    )


def _doi(front: list[FrontLine]) -> str | None:
    lines = (line.text for line in front if line.kind is not BlockKind.REFERENCE)
    return next((doi for line in lines if (doi := find_doi(line))), None)

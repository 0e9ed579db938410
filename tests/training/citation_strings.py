"""Citation strings whose fields are known, of AnyStyle and of GROBID, brought to one set of labels.

The two draw other lines: AnyStyle's `volume` holds the issue too, and its fields the words that lead to them ("In", "pp.",
"Vol."), which GROBID's leave out. Here the issue is a field, and such words are none, as long as they stand at a field's edge.
"""

import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from app.extraction.citation_words import Word, words
from tests.evaluation.split import Part, part_of

TEST = 0.2
_GROBID = Path("grobid_training") / "citation.txz"
_ANYSTYLE = {
    "author": "author", "director": "author", "producer": "author", "title": "title", "journal": "venue",
    "container-title": "venue", "collection-title": "series", "editor": "editor", "volume": "volume", "pages": "pages",
    "date": "date", "publisher": "publisher", "location": "location", "url": "url", "doi": "doi", "citation-number": "label",
}  # fmt: skip
_ISSUE = re.compile(
    r"\(([^()]*)\)|\b(?:no|nº|n°|issue|iss|number|núm|nr|n)\b\.?[ :]*([\w/–-]+)|(?<=\d):(\d+)", re.IGNORECASE
)
_TITLES = {"a": "title", "j": "venue", "s": "series", "u": "title"}
_SCOPES = {"vol": "volume", "volume": "volume", "issue": "issue", "pp": "pages", "page": "pages"}
_TEI = {"author": "author", "editor": "editor", "date": "date", "pubplace": "location", "publisher": "publisher",
        "note": "note", "notes": "note", "ptr": "url"}  # fmt: skip
_LEADS = {
    "venue": "in dans em",
    "editor": "in dans em eds ed edited by editor editors hg hrsg dir dirs éd éds org orgs",
    "pages": "pp p page pages pág págs s pgs pg",
    "volume": "vol volume v vols volumes",
    "issue": "no nr n number issue num",
    "doi": "doi",
    "url": "url available at from retrieved",
}
_LEAD_WORDS = {field: frozenset(known.split()) for field, known in _LEADS.items()}

Pieces = list[tuple[str, str]]
"""Label and text, in order; no label for what is between fields."""


class AnnotatedCitation(NamedTuple):
    data: str
    part: Part
    text: str
    words: list[Word]
    labels: list[str]


def letters(text: str) -> str:
    """Two strings that differ in punctuation and spaces alone have the same."""
    return re.sub(r"\W+", "", text.lower())


def citation_strings(folder: Path) -> Iterator[AnnotatedCitation]:
    """Every annotated citation. GROBID's are split by the paper they come from, AnyStyle's by their letters."""
    for name in ("core", "good"):
        root = etree.parse(folder / "citations" / f"{name}.xml").getroot()
        for sequence in root.iter("sequence"):
            text, labels = _together(_of_anystyle(sequence))
            yield from _annotated("anystyle", part_of(letters(text), TEST), text, labels)
    with tarfile.open(folder / _GROBID) as archive:
        members = [member for member in archive if "/corpus/" in member.name and member.isfile()]
        for member in sorted(members, key=lambda found: found.name):
            file = archive.extractfile(member)
            assert file is not None
            part = part_of(Path(member.name).name, TEST)
            for bibl in etree.parse(file, etree.XMLParser(recover=True)).getroot().iter("{*}bibl"):
                yield from _annotated("grobid", part, *_together(list(_of_grobid(bibl))))


def learnable(every: Sequence[AnnotatedCitation]) -> list[AnnotatedCitation]:
    """Those of the development part, but for what is in the test part too: the two sets share strings."""
    kept_back = {letters(citation.text) for citation in every if citation.part == "test"}
    return [
        citation for citation in every if citation.part == "development" and letters(citation.text) not in kept_back
    ]


def _annotated(data: str, part: Part, text: str, labels: list[str]) -> Iterator[AnnotatedCitation]:
    found = words(text)
    if found:
        yield AnnotatedCitation(data, part, text, found, _without_leads(found, [labels[word.start] for word in found]))


def _together(pieces: Pieces) -> tuple[str, list[str]]:
    """The text, its spaces single, and the label of each character."""
    text, labels = "", list[str]()
    for label, piece in pieces:
        piece = re.sub(r"\s+", " ", piece)
        if text.endswith(" "):
            piece = piece.lstrip()
        text += piece
        labels += [label] * len(piece)
    return text, labels


def _of_anystyle(sequence: etree._Element) -> Pieces:
    pieces: Pieces = []
    for element in sequence:
        text = " ".join("".join(str(part) for part in element.itertext()).split())
        label = _ANYSTYLE.get(str(element.tag), "note")
        issue = _ISSUE.search(text) if label == "volume" else None
        if issue and issue.start():
            pieces += [("volume", text[: issue.start()]), ("issue", issue.group()), ("volume", text[issue.end() :])]
        else:
            pieces.append((label, text))
        pieces.append(("", " "))
    return pieces


def _of_grobid(bibl: etree._Element) -> Iterator[tuple[str, str]]:
    within_another = any(title.get("level") == "a" for title in bibl.iter("{*}title"))

    def walk(element: etree._Element, label: str) -> Iterator[tuple[str, str]]:
        yield label, element.text or ""
        for part in element:
            yield from walk(part, _label(part, within_another) or label)
            yield label, " " if _tag(part) == "lb" else ""
            yield label, part.tail or ""

    return walk(bibl, "")


def _tag(element: etree._Element) -> str:
    return etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""


def _label(element: etree._Element, within_another: bool) -> str | None:
    tag = _tag(element)
    kind = (element.get("type") or element.get("unit") or "").lower()
    if tag == "title":
        return _TITLES.get(element.get("level") or "", "venue" if within_another else "title")
    if tag == "biblscope":
        return _SCOPES.get(kind, "note")
    if tag == "orgname":
        return "author" if kind == "collaboration" else "publisher"
    if tag == "idno":
        return "doi" if kind == "doi" else "url" if kind == "arxiv" else "note"
    return _TEI.get(tag)


def _without_leads(found: list[Word], labels: list[str]) -> list[str]:
    told = [label or "other" for label in labels]
    for order in (range(len(found)), range(len(found) - 1, -1, -1)):
        at_edge_of = ""
        before = ""
        for i in order:
            label = told[i]
            if label != before:
                at_edge_of = label
            before = label
            if label == at_edge_of and found[i].text.lower() in _LEAD_WORDS.get(label, ()):
                told[i] = "other"
            else:
                at_edge_of = ""
    return told


def tags(labels: list[str]) -> list[str]:
    """What the model is taught: where a field begins and where it goes on."""
    return [
        label if label in {"other", "label"} else ("I-" if i and labels[i - 1] == label else "B-") + label
        for i, label in enumerate(labels)
    ]

"""Lists of references whose entries are known, of GROBID's segmenter: lines, and which of them begin an entry."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from lxml import etree

from app.extraction.sections import is_reference_title
from tests.evaluation.split import Part, part_of

TEST = 0.2
_ARCHIVE = Path("grobid_training") / "reference-segmenter.txz"

Label = Literal["first", "more", "other"]
"""Of a line: an entry's first, a further one, or none of any: a running head, a note."""


class ReferenceList(NamedTuple):
    part: Part
    lines: list[str]
    """Without the list's title."""
    labels: list[Label]
    references: list[str]
    """The entries, their lines joined by spaces."""


def reference_lists(folder: Path) -> Iterator[ReferenceList]:
    """Every annotated list whose lines are kept, in the order of the files' names."""
    with tarfile.open(folder / _ARCHIVE) as archive:
        members = [member for member in archive if member.name.endswith(".tei.xml") and member.isfile()]
        for member in sorted(members, key=lambda found: found.name):
            file = archive.extractfile(member)
            assert file is not None
            root = etree.parse(file, etree.XMLParser(recover=True)).getroot()
            if root.find(".//{*}bibl/{*}lb") is not None:
                yield _list(part_of(Path(member.name).name.split(".training")[0], TEST), root)


def _list(part: Part, root: etree._Element) -> ReferenceList:
    lines: list[str] = []
    labels: list[Label] = []
    entries: list[str] = []
    for pieces in _lines(root):
        line = " ".join("".join(piece.text for piece in pieces).split())
        if not line or (not entries and is_reference_title(line)):
            continue
        begun = [piece.begins for piece in pieces]
        lines.append(line)
        labels.append("other" if not pieces[0].inside else "first" if begun[0] else "more")
        for piece in pieces:
            if piece.begins:
                entries.append("")
            if piece.inside:
                entries[-1] += piece.text
        if pieces[-1].inside:
            entries[-1] += " "
    return ReferenceList(part, lines, labels, [" ".join(entry.split()) for entry in entries])


class _Piece(NamedTuple):
    text: str
    inside: bool
    begins: bool


def _lines(root: etree._Element) -> Iterator[list[_Piece]]:
    """The list's lines, each in pieces that are inside of an entry or not.

    An entry begins with its line or its number: of "[1] Brandt A., 1999; Novak B., 2001" the second half begins none.
    """
    here: list[_Piece] = []
    begins = False
    for part in _parts(root):
        if part == "lb":
            if here:
                yield here
            here = []
        elif part in ("bibl", "labelled"):
            begins = not here or part == "labelled"
        elif (text := part[1:]).strip():
            inside = part[0] == "+"
            here.append(_Piece(text, inside, inside and begins))
            begins = begins and not inside
    if here:
        yield here


def _parts(element: etree._Element, *, inside: bool = False) -> Iterator[str]:
    """What follows each other: "lb", "bibl" or "labelled" where an entry begins, and text after "+" (in an entry) or "-"."""
    tag = etree.QName(element).localname if isinstance(element.tag, str) else ""
    if tag == "lb":
        yield "lb"
        return
    if tag == "bibl":
        label = element.findtext("{*}label") or ""
        yield "labelled" if any(map(str.isdigit, label)) else "bibl"
    inside = inside or tag == "bibl"
    sign = "+" if inside else "-"
    if tag != "teiHeader":
        yield sign + (element.text or "")
        for part in element:
            yield from _parts(part, inside=inside)
            yield sign + (part.tail or "")

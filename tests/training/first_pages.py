"""GROBID's annotated first pages: the lines, what each is, and how each is set.

The annotations (TEI) hold the words; how they are set stands in a second file of the page, a row a token. The two are
aligned word by word.
"""

import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import NamedTuple

from lxml import etree
from rapidfuzz.distance import Levenshtein

from app.domain.knowledge import Block, Reading
from app.extraction.header_lines import MAX_LINES, Label, Learnt, Printed
from app.extraction.published import find_year
from tests.evaluation.split import Part, part_of

TEST = 0.2
_ARCHIVE = Path("grobid_training") / "header.txz"
_LABELS: dict[str, Label] = {
    "titlePart": "title",
    "docAuthor": "author",
    "affiliation": "affiliation",
    "address": "affiliation",
    "email": "affiliation",
    "phone": "affiliation",
}
_WORD = re.compile(r"\w+|[^\w\s]")
_COLUMNS = 32
_BLOCK, _LINE, _SIZE, _BOLD, _LARGEST = 10, 11, 14, 15, 28
"""Columns of a token's row."""
_LARGEST_SIZE = 20.0
_FIRST_SIZE = 10.0
_TITLE_SIZE = 16.0
"""What stands for the largest in a reading: of the sizes only their order is known, and few titles are twice as large as text."""
_ENOUGH = 0.6
"""Of the words of a page have to be found among its tokens."""
_SHORT = 40
"""Characters; a heading within an abstract is no longer."""


@dataclass(frozen=True)
class FirstPage:
    """An annotated first page: its lines, and what each is."""

    name: str
    part: Part
    lines: list[Printed]
    labels: list[Learnt]
    authors: list[str]
    """The text of each byline."""
    years: frozenset[int]
    """Of each date that is not marked as another's; often there is none."""

    def of(self, label: Label) -> str:
        """The lines of a label as one text."""
        return " ".join(line.text for line, told in zip(self.lines, self.labels, strict=True) if told == label)

    @property
    def bare(self) -> list[Printed]:
        """The lines as a format gives them that knows of no print."""
        return [Printed(line.text) for line in self.lines]

    @property
    def reading(self) -> Reading:
        """As a reader would give the page: a block for each run of lines in one print."""
        blocks: list[Block] = []
        text = ""
        last: Printed | None = None
        for line in self.lines:
            begins = last is None or line.first or (line.size, line.bold) != (last.size, last.bold)
            text += ("\n\n" if begins else "\n") if text else ""
            start = len(text) if begins else blocks.pop().start
            text += line.text
            blocks.append(Block(start=start, end=len(text), font_size=_in_points(line.size), bold=line.bold))
            last = line
        return Reading(text=text, blocks=tuple(blocks) if self.is_set else (), pages=1)

    @property
    def is_set(self) -> bool:
        """Whether it is known how the page is set."""
        return any(line.size is not None for line in self.lines)


class _Token(NamedTuple):
    text: str
    size: float
    bold: bool
    begins_line: bool
    begins_block: bool


class _Piece(NamedTuple):
    text: str
    label: Label


def _in_points(size: float | None) -> float | None:
    return None if size is None else _TITLE_SIZE if size == _LARGEST_SIZE else min(size, _TITLE_SIZE - 1)


def first_pages(folder: Path) -> Iterator[FirstPage]:
    """Every annotated first page, in the order of their names."""
    pages: dict[str, bytes] = {}
    tokens: dict[str, str] = {}
    with tarfile.open(folder / _ARCHIVE) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            name = Path(member.name).name
            if file is not None and name.endswith(".xml"):
                pages[name] = file.read()
            elif file is not None:
                tokens[_key(name)] = file.read().decode()
    for name in sorted(pages):
        root = etree.fromstring(pages[name], etree.XMLParser(recover=True, huge_tree=False))
        page = _page(name, root, list(_tokens(tokens.get(_key(name), ""))))
        if page.lines:
            yield page


def _key(name: str) -> str:
    """What the names of a page's two files have in common."""
    return name.removesuffix(".tei.xml").removesuffix(".header").removesuffix(".training")


def _page(name: str, root: etree._Element, tokens: Sequence[_Token]) -> FirstPage:
    written = _lines(root)
    words = [[word for piece in line for word in _WORD.findall(piece.text)] for line in written]
    found = _aligned(words, tokens)
    lines: list[Printed] = []
    labels: list[Label] = []
    size, bold = None, False
    for pieces, of_words in zip(written, found, strict=True):
        for text, label, here in _cut(pieces, of_words):
            known = [token for token in here if token is not None]
            if known:
                size = median_low(token.size for token in known)
                bold = 2 * sum(token.bold for token in known) > len(known)
            lines.append(Printed(text, size, bold, any(token.begins_block for token in known[:2])))
            labels.append(label)
    labels = _with_headings(lines, labels)
    authors = [" ".join("".join(map(str, found.itertext())).split()) for found in root.iter("docAuthor")]
    dates = [find_year(" ".join(map(str, found.itertext()))) for found in root.iter("date") if not found.attrib]
    years = frozenset(year for year in dates if year)
    part = part_of(name.split(".training", maxsplit=1)[0], TEST)
    return FirstPage(name, part, lines[:MAX_LINES], [*labels[:MAX_LINES]], authors, years)


def _tokens(rows: str) -> Iterator[_Token]:
    """Sizes are told as larger or smaller than the one before, and as the page's largest: a number that fits both."""
    size = _FIRST_SIZE
    for row in rows.splitlines():
        told = row.split(" ")
        if len(told) != _COLUMNS:
            continue
        size += (told[_SIZE] == "HIGHERFONT") - (told[_SIZE] == "LOWERFONT")
        seen = _LARGEST_SIZE if told[_LARGEST] == "1" else min(_LARGEST_SIZE - 1, max(1.0, size))
        for word in _WORD.findall(told[0]):
            yield _Token(word, seen, told[_BOLD] == "1", told[_LINE] == "LINESTART", told[_BLOCK] == "BLOCKSTART")


def _aligned(words: list[list[str]], tokens: Sequence[_Token]) -> list[list[_Token | None]]:
    """For each word the token that it is; None for all if they are not of one page."""
    flat = [word for line in words for word in line]
    found: list[_Token | None] = [None] * len(flat)
    for same in Levenshtein.opcodes(flat, [token.text for token in tokens]):
        if same.tag == "equal":
            found[same.src_start : same.src_end] = tokens[same.dest_start : same.dest_end]
    if sum(token is not None for token in found) < _ENOUGH * len(flat):
        found = [None] * len(flat)
    rest = iter(found)
    return [[next(rest) for _ in line] for line in words]


def _cut(pieces: list[_Piece], tokens: list[_Token | None]) -> Iterator[tuple[str, Label, list[_Token | None]]]:
    """A written line as it stands on the page: what is of another kind and begins a line there was not marked as one.

    A line is what most of its characters are.
    """
    here: list[_Piece] = []
    at = begun = 0
    for piece in pieces:
        count = len(_WORD.findall(piece.text))
        first = next((token for token in tokens[at : at + count] if token is not None), None)
        if here and piece.label != here[-1].label and first is not None and first.begins_line:
            yield _told(here, tokens[begun:at])
            here, begun = [], at
        here.append(piece)
        at += count
    if here:
        yield _told(here, tokens[begun:])


def _told(pieces: list[_Piece], tokens: list[_Token | None]) -> tuple[str, Label, list[_Token | None]]:
    label = max(pieces, key=lambda piece: sum(len(p.text) for p in pieces if p.label == piece.label)).label
    return " ".join(piece.text for piece in pieces), label, tokens


def _with_headings(lines: list[Printed], labels: list[Label]) -> list[Label]:
    """The labels, with the headings within an abstract ("Methods") as parts of it."""
    between = [
        label == "other" and 0 < at < len(labels) - 1 and labels[at - 1] == labels[at + 1] == "abstract"
        for at, label in enumerate(labels)
    ]
    short = [len(line.text) <= _SHORT for line in lines]
    return ["abstract" if a and b else label for label, a, b in zip(labels, between, short, strict=True)]


def _lines(root: etree._Element) -> list[list[_Piece]]:
    """The text cut at `<lb/>`."""
    lines: list[list[_Piece]] = []
    here: list[_Piece] = []
    front = root.find(".//front")
    for text, label in [*_pieces(front, "other"), (None, "other")] if front is not None else []:
        if text is None:
            if here:
                lines.append(here)
            here = []
        elif words := " ".join(text.split()):
            here.append(_Piece(words, label))
    return lines


def _pieces(element: etree._Element, label: Label) -> Iterator[tuple[str | None, Label]]:
    """The element's text in order, each piece with its label; None where a line ends."""
    if element.tag == "lb":
        yield None, label
    else:
        if element.tag == "div" and element.get("type") == "abstract":
            label = "abstract"
        label = _LABELS.get(str(element.tag), label)
        yield element.text or "", label
        for child in element:
            yield from _pieces(child, label)
            yield child.tail or "", label

"""The model of header lines, from GROBID's annotated first pages."""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pycrfsuite
from lxml import etree

from app.extraction.header_lines import MAX_LINES, Label, features
from tests.evaluation.model import f1
from tests.evaluation.split import Part, part_of
from tests.training.model import WEIGHTS, Card

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
_ITERATIONS = 150


class FirstPage(NamedTuple):
    """An annotated first page: its lines, and what each is."""

    part: Part
    lines: list[str]
    labels: list[Label]

    def of(self, label: Label) -> str:
        """The lines of a label as one text."""
        return " ".join(line for line, told in zip(self.lines, self.labels, strict=True) if told == label)


def first_pages(folder: Path) -> Iterator[FirstPage]:
    """Every annotated first page, in the order of their names."""
    with tarfile.open(folder / _ARCHIVE) as archive:
        members = sorted((member for member in archive if member.name.endswith(".xml")), key=lambda found: found.name)
        for member in members:
            file = archive.extractfile(member)
            assert file is not None
            lines, labels = _lines(etree.parse(file, etree.XMLParser(recover=True, huge_tree=False)).getroot())
            if lines:
                yield FirstPage(part_of(Path(member.name).name.split(".training")[0], TEST), lines, labels)


def _lines(root: etree._Element) -> tuple[list[str], list[Label]]:
    """The text cut at `<lb/>`; a line is what most of its characters are."""
    lines: list[str] = []
    labels: list[Label] = []
    here: list[tuple[str, Label]] = []
    front = root.find(".//front")
    for text, label in [*_pieces(front, "other"), (None, "other")] if front is not None else []:
        if text is not None:
            here.append((" ".join(text.split()), label))
            continue
        line = " ".join(piece for piece, _ in here if piece)
        if line:
            lines.append(line)
            labels.append(max(here, key=lambda piece: sum(len(t) for t, of in here if of == piece[1]))[1])
        here = []
    return lines[:MAX_LINES], labels[:MAX_LINES]


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


def train(folder: Path) -> Card:
    """Trains on the development part. crfsuite's L-BFGS starts from zero: the same data give the same weights."""
    pages = list(first_pages(folder))
    learnt = [page for page in pages if page.part == "development"]
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.select("lbfgs")
    trainer.set_params({"c1": 0.3, "c2": 0.05, "max_iterations": _ITERATIONS, "feature.minfreq": 3})
    for page in learnt:
        trainer.append(list(features(page.lines)), page.labels)
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    weights = WEIGHTS / "header.crfsuite"
    trainer.train(str(weights))
    unseen = [page for page in pages if page.part == "test"]
    return Card(
        name="header",
        what="Says of each line of a first page whether it is title, author, affiliation, abstract or other.",
        data=(
            f"The first pages that GROBID's header model is trained on: {len(learnt)} of {len(pages)}, chosen by the "
            f"hash of the file's name; the other {len(unseen)} give the figures below."
        ),
        licence="CC BY 4.0 (the annotations of GROBID, Patrice Lopez and contributors).",
        method=(
            f"A linear-chain conditional random field (crfsuite, L-BFGS, {_ITERATIONS} iterations, c1 0.3, c2 0.05) over "
            "words, shapes and signs of a line and its neighbours."
        ),
        figures={
            "size": f"{weights.stat().st_size / 1e6:.1f} MB",
            **{f"lines of {label}, F1 on unseen pages": f"{score:.1f} %" for label, score in _scores(weights, unseen)},
        },
        limits=(
            "It knows nothing of type sizes and columns; pages in other languages than English are few in the data, as "
            "are books and theses. Where rules over type sizes are sure, they are believed first."
        ),
    )


def _scores(weights: Path, pages: Sequence[FirstPage]) -> Iterator[tuple[Label, float]]:
    tagger = pycrfsuite.Tagger()
    tagger.open(str(weights))
    found = [
        (told, label)
        for page in pages
        for told, label in zip(tagger.tag(list(features(page.lines))), page.labels, strict=True)
    ]
    labels: tuple[Label, ...] = ("title", "author", "affiliation", "abstract")
    for label in labels:
        right = sum(told == wanted == label for told, wanted in found)
        yield label, f1(right, sum(told == label for told, _ in found), sum(wanted == label for _, wanted in found))

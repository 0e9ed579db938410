"""The model of bylines, from GROBID's annotated ones."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pycrfsuite
from lxml import etree

from app.extraction.names import Part as NamePart
from app.extraction.names import features, names_in_byline, tokens_of
from tests.evaluation.matching import all_matched
from tests.evaluation.model import percent
from tests.evaluation.split import Part, part_of
from tests.training.model import WEIGHTS, Card

TEST = 0.2
_ARCHIVE = Path("grobid_training") / "name.txz"
_OF_A_NAME = frozenset({"forename", "middlename", "surname"})
_ITERATIONS = 120


class Byline(NamedTuple):
    """An annotated byline: its words, what each is, and the names."""

    part: Part
    tokens: list[str]
    labels: list[NamePart]
    names: list[str]

    @property
    def text(self) -> str:
        return " ".join(self.tokens)

    def bare(self) -> "Byline":
        """The same with nothing between the names, as columns of authors are read."""
        kept = [(token, label) for token, label in zip(self.tokens, self.labels, strict=True) if label != "none"]
        return self._replace(tokens=[token for token, _ in kept], labels=[label for _, label in kept])


def bylines(folder: Path) -> Iterator[Byline]:
    """Every annotated byline of a first page, in the order of the files' names."""
    with tarfile.open(folder / _ARCHIVE) as archive:
        members = [member for member in archive if "/header/" in member.name and member.name.endswith(".xml")]
        for member in sorted(members, key=lambda found: found.name):
            file = archive.extractfile(member)
            assert file is not None
            root = etree.parse(file, etree.XMLParser(recover=True)).getroot()
            for author in root.iter("{*}author", "author"):
                byline = _byline(author)
                if byline.names:
                    yield byline


def _byline(author: etree._Element) -> Byline:
    tokens: list[str] = []
    labels: list[NamePart] = []
    names: list[str] = []

    def take(text: str | None, label: NamePart) -> None:
        found = tokens_of(text or "")
        tokens.extend(found)
        labels.extend([label] * len(found))

    take(author.text, "none")
    for child in author:
        take(child.text, "none")
        words: list[str] = []
        for piece in child:
            named = isinstance(piece.tag, str) and etree.QName(piece).localname in _OF_A_NAME
            found = tokens_of("".join(str(text) for text in piece.itertext()))
            tokens.extend(found)
            labels.extend(_parts_of_name(len(found), begun=bool(words)) if named else ["none"] * len(found))
            if named:
                words.extend(found)
            take(piece.tail, "none")
        if words:
            names.append(" ".join(words))
        take(child.tail, "none")
    return Byline(part_of(" ".join(tokens), TEST), tokens, labels, names)


def _parts_of_name(words: int, *, begun: bool) -> list[NamePart]:
    parts: list[NamePart] = ["more"] * words
    if words and not begun:
        parts[0] = "first"
    return parts


def train(folder: Path) -> Card:
    """Trains on the development part. crfsuite's L-BFGS starts from zero: the same data give the same weights."""
    every = list(bylines(folder))
    learnt = [byline for byline in every if byline.part == "development"]
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.select("lbfgs")
    trainer.set_params({"c1": 0.1, "c2": 0.05, "max_iterations": _ITERATIONS, "feature.minfreq": 2})
    for byline in learnt:
        trainer.append(list(features(byline.tokens)), byline.labels)
        alone = byline.bare()
        trainer.append(list(features(alone.tokens)), alone.labels)
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    weights = WEIGHTS / "names.crfsuite"
    trainer.train(str(weights))
    unseen = [byline for byline in every if byline.part == "test"]
    right = sum(all_matched(names_in_byline(byline.text), byline.names) for byline in unseen)
    bare = sum(all_matched(names_in_byline(byline.bare().text), byline.names) for byline in unseen)
    return Card(
        name="names",
        what="Tells the names in a byline from footnote marks, degrees and each other.",
        data=(
            f"The bylines that GROBID's model of authors is trained on: {len(learnt)} of {len(every)}, chosen by the hash "
            f"of their words; the other {len(unseen)} give the figure below."
        ),
        licence="CC BY 4.0 (the annotations of GROBID, Patrice Lopez and contributors).",
        method=(
            f"A linear-chain conditional random field (crfsuite, L-BFGS, {_ITERATIONS} iterations, c1 0.1, c2 0.05) over "
            "the words of a byline, their shapes and neighbours, as it is and with nothing between the names."
        ),
        figures={
            "size": f"{weights.stat().st_size / 1e6:.1f} MB",
            "all names of a byline right, on unseen ones": f"{percent(right, len(unseen)):.1f} %",
            "the same, with nothing between the names": f"{percent(bare, len(unseen)):.1f} %",
        },
        limits="Names of one word are passed over. Most bylines in the data are of journals in the life sciences.",
    )

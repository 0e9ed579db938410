"""The model of bylines, from GROBID's annotated ones."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pycrfsuite
from lxml import etree

from app.extraction.names import Part as NamePart
from app.extraction.names import features, names_in_byline, placed_tokens, tokens_of
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
    text: str
    tokens: list[str]
    labels: list[NamePart]

    @property
    def names(self) -> list[str]:
        """As `names_in_byline` should write them."""
        names: list[list[str]] = []
        for token, label in zip(self.tokens, self.labels, strict=True):
            if label == "first":
                names.append([token])
            elif label == "more":
                names[-1].append(token)
        return [" ".join(name) for name in names]

    def bare(self) -> "Byline":
        """The same with nothing between the names, as columns of authors are read."""
        kept = [(token, label) for token, label in zip(self.tokens, self.labels, strict=True) if label != "none"]
        tokens = [token for token, _ in kept]
        return self._replace(text=" ".join(tokens), tokens=tokens, labels=[label for _, label in kept])

    def tidy(self) -> "Byline":
        """The same with the full stop after each initial where it belongs: the annotated texts often part the two."""
        told: list[tuple[str, NamePart]] = []
        for token, label in zip(self.tokens, self.labels, strict=True):
            if token == "." and told and len(told[-1][0]) == 1 and told[-1][0].isupper():
                told[-1] = (told[-1][0] + ".", told[-1][1])
            else:
                told.append((token, label))
        tokens = [token for token, _ in told]
        return self._replace(text=" ".join(tokens), tokens=tokens, labels=[label for _, label in told])


def bylines(folder: Path) -> Iterator[Byline]:
    """Every annotated byline of a first page, in the order of the files' names."""
    with tarfile.open(folder / _ARCHIVE) as archive:
        members = [member for member in archive if "/header/" in member.name and member.name.endswith(".xml")]
        for member in sorted(members, key=lambda found: found.name):
            file = archive.extractfile(member)
            assert file is not None
            root = etree.parse(file, etree.XMLParser(recover=True)).getroot()
            for author in root.iter("{*}author", "author"):
                byline = _byline(list(_pieces(author)))
                if byline.names:
                    yield byline


_Piece = tuple[str, int | None]
"""Text, and the number of the name that it belongs to."""


def _pieces(author: etree._Element) -> Iterator[_Piece]:
    yield author.text or "", None
    for number, child in enumerate(author):
        yield child.text or "", None
        for piece in child:
            named = isinstance(piece.tag, str) and etree.QName(piece).localname in _OF_A_NAME
            yield "".join(str(text) for text in piece.itertext()), number if named else None
            yield piece.tail or "", None
        yield child.tail or "", None


def _byline(pieces: list[_Piece]) -> Byline:
    """The text cut into words as any other byline is: the full stop after an initial belongs to it, wherever it is marked."""
    marked = [(character, name) for text, name in pieces for character in text]
    line = "".join(character for character, _ in marked)
    tokens: list[str] = []
    labels: list[NamePart] = []
    last: int | None = None
    for start, token in placed_tokens(line):
        name = marked[start][1]
        tokens.append(token)
        labels.append("none" if name is None else "more" if name == last else "first")
        last = last if name is None else name
    words = [token for text, _ in pieces for token in tokens_of(text)]
    return Byline(part_of(" ".join(words), TEST), " ".join(line.split()), tokens, labels)


def train(folder: Path) -> Card:
    """Trains on the development part. crfsuite's L-BFGS starts from zero: the same data give the same weights."""
    every = list(bylines(folder))
    learnt = [byline for byline in every if byline.part == "development"]
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.select("lbfgs")
    trainer.set_params({"c1": 0.1, "c2": 0.05, "max_iterations": _ITERATIONS, "feature.minfreq": 2})
    for byline in learnt:
        trainer.append(list(features(byline.tokens)), byline.labels)
        for other in (byline.bare(), byline.tidy()):
            trainer.append(list(features(other.tokens)), other.labels)
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
            "the words of a byline, their shapes and neighbours: as it is, with initials and their full stops together, and "
            "with nothing between the names."
        ),
        figures={
            "size": f"{weights.stat().st_size / 1e6:.1f} MB",
            "all names of a byline right, on unseen ones": f"{percent(right, len(unseen)):.1f} %",
            "the same, with nothing between the names": f"{percent(bare, len(unseen)):.1f} %",
        },
        limits=(
            "Names of one word are passed over. Most bylines in the data are of journals in the life sciences. The figures "
            "are not of a fresh test: the model was chosen by cross-validation on the bylines learnt from, but earlier "
            "versions were measured on the unseen ones five times before this one, and someone saw the figures each time."
        ),
    )

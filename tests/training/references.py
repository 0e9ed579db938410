"""The model of the lines of reference lists, from GROBID's annotated ones."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pycrfsuite

from app.extraction.reference_lines import SHIPPED, Label, Line, features
from tests.evaluation.model import percent
from tests.training.model import SEED, WEIGHTS, Card
from tests.training.reference_lists import ReferenceList, reference_lists

_ITERATIONS = 100
Example = tuple[list[Line], list[Label]]


def examples(listed: ReferenceList, seed: int) -> Iterator[Example]:
    """The list as it is, without a blank line; and as a reader gives it that sees most paragraphs, and some where none are."""
    yield [Line(text, apart=False) for text in listed.lines], listed.labels
    chance = random.Random(SEED + seed)
    seen, mistaken = chance.choice([(1.0, 0.0), (0.95, 0.02), (0.8, 0.1), (0.9, 0.5)])
    apart = [chance.random() < (seen if label == "first" else mistaken) for label in listed.labels]
    yield [Line(text, of) for text, of in zip(listed.lines, apart, strict=True)], listed.labels


def train(folder: Path) -> Card:
    """Trains on the development part. crfsuite's L-BFGS starts from zero: the same data give the same weights."""
    every = list(reference_lists(folder))
    learnt = [listed for listed in every if listed.part == "development"]
    half = [[listed for at, listed in enumerate(learnt) if at % 2 == side] for side in (0, 1)]
    crossed = [_right(_fit(half[1 - side], WEIGHTS / SHIPPED), half[side]) for side in (0, 1)]
    tagger = _fit(learnt, WEIGHTS / SHIPPED)
    unseen = [listed for listed in every if listed.part == "test"]
    size = (WEIGHTS / SHIPPED).stat().st_size
    return Card(
        name="references",
        what="Says of each line of a list of references whether it begins an entry, goes on with one, or belongs to none.",
        data=(
            f"The lists that GROBID's segmenter of references is trained on, as far as they keep their lines: {len(learnt)} "
            f"of {len(every)}, chosen by the hash of the file's name; the other {len(unseen)} give the last figure below. "
            "Each is learnt as it is, and once more with the blank lines that a reader may put between paragraphs."
        ),
        licence="CC BY 4.0 (the annotations of GROBID, Patrice Lopez and contributors).",
        method=(
            f"A linear-chain conditional random field (crfsuite, L-BFGS, {_ITERATIONS} iterations, c1 0.1, c2 0.1) over how "
            "lines begin and end, their first and last words, the number or letter that is to come, and blank lines."
        ),
        figures={
            "size": f"{size / 1e6:.2f} MB",
            "entries whose lines are all right, each half of the development lists by a model of the other half": _percent(
                crossed
            ),
            "the same on unseen lists": _percent([_right(tagger, unseen)]),
        },
        limits=(
            "Half of the lists are of physics. Of an entry that holds several works ([1] A. Brandt, 1999; B. Novak, 2001) those "
            "that begin a line may become entries of their own, as the annotators have it. Lists of which the reader put the "
            "columns in a wrong order stay so. A line between entries that is none of any, such as a "
            "page number the reader did not know for one, is often taken into the entry before it. No test list was looked at, nor "
            "measured before the model was chosen."
        ),
    )


def _fit(lists: Sequence[ReferenceList], path: Path) -> pycrfsuite.Tagger:
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.select("lbfgs")
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": _ITERATIONS, "feature.minfreq": 3})
    for seed, listed in enumerate(lists):
        for lines, labels in examples(listed, seed):
            trainer.append(list(features(lines)), labels)
    trainer.train(str(path))
    tagger = pycrfsuite.Tagger()
    tagger.open(str(path))
    return tagger


def _right(tagger: pycrfsuite.Tagger, lists: Iterable[ReferenceList]) -> tuple[int, int]:
    """How many entries of the lists have all of their lines and no other, of how many."""
    right = count = 0
    for listed in lists:
        lines, labels = next(examples(listed, 0))
        wanted = _entries(labels)
        right += len(wanted & _entries(tagger.tag(list(features(lines)))))
        count += len(wanted)
    return right, count


def _entries(labels: Sequence[Label]) -> set[tuple[int, ...]]:
    """The lines of each entry."""
    entries: list[list[int]] = []
    for line, label in enumerate(labels):
        if label == "first":
            entries.append([])
        if label != "other" and entries:
            entries[-1].append(line)
    return set(map(tuple, entries))


def _percent(counts: Iterable[tuple[int, int]]) -> str:
    right, count = map(sum, zip(*counts, strict=True))
    return f"{percent(right, count):.1f} % of {count:,}"

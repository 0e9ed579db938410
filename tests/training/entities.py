"""The model of entities, from TDMSci. The same can be made from SciERC, for oneself: its texts have no licence."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pycrfsuite

from app.extraction.phrases import names_of, phrases
from app.extraction.tagger import SHIPPED, Weights
from app.extraction.tagging import features, tokens
from tests.evaluation.entities import found_by_model, found_by_rules, score
from tests.evaluation.entity_sets import Marked, Text, scierc, tdmsci
from tests.training.model import WEIGHTS, Card

OWN = Path("data") / "models" / "scierc.crfsuite"
"""Out of the repository: not to be passed on."""
_ITERATIONS = 100
_METHOD = (
    f"A linear-chain conditional random field (crfsuite, L-BFGS, {_ITERATIONS} iterations, c1 0.05, c2 1.0) over words, shapes, "
    "neighbours, word lists and what the rules say; the two weights of its penalty were chosen on SciERC's training set."
)
_PARAMETERS = {"c1": 0.05, "c2": 1.0, "max_iterations": _ITERATIONS, "feature.minfreq": 2}


def train(folder: Path) -> Card:
    """The model that ships. crfsuite's L-BFGS starts from zero: the same data give the same weights."""
    texts = list(tdmsci(folder))
    learnt = [text for text in texts if text.part == "development"]
    unseen = [text for text in texts if text.part == "test"]
    abstracts = [text for text in scierc(folder) if text.part == "test"]
    model = found_by_model(_fit(learnt, WEIGHTS / SHIPPED))
    return Card(
        name="entities",
        what="Tags the tasks, datasets and metrics of a sentence, where the rules are not sure of another.",
        data=(
            f"TDMSci (Hou et al. 2021): {len(learnt):,} of {len(texts):,} sentences, chosen by their hash; the other "
            f"{len(unseen)} give the figures below."
        ),
        licence="Apache-2.0.",
        method=_METHOD,
        figures={
            "size": f"{(WEIGHTS / SHIPPED).stat().st_size / 1e6:.1f} MB",
            "TDMSci, unseen, F1": f"{score(unseen, model):.1f} %",
            "TDMSci, unseen, F1 of the rules alone": f"{score(unseen, found_by_rules):.1f} %",
            "SciERC dev, F1": f"{score(abstracts, model):.1f} %",
            "SciERC dev, F1 of the rules alone": f"{score(abstracts, found_by_rules):.1f} %",
        },
        limits=(
            "English papers on language technology. It was taught three of our five types, by guidelines that draw other "
            "borders than SciERC's. The rules and their word lists were made while reading SciERC's training set, so they "
            "follow its guidelines; what a model learns from SciERC itself is told in [entities-scierc](entities-scierc.md)."
        ),
    )


def train_own(folder: Path) -> Card:
    """Weights of all five types, to keep for oneself."""
    abstracts = list(scierc(folder))
    learnt = [text for text in abstracts if text.part == "development"]
    unseen = [text for text in abstracts if text.part == "test"]
    model = found_by_model(_fit(learnt, OWN))
    return Card(
        name="entities-scierc",
        what="Tags all five types, without the rules. **Its weights do not ship**: `PAPERS_TAGGER` uses them.",
        data=f"SciERC (Luan et al. 2018): {len(learnt)} abstracts; the {len(unseen)} of its dev set give the figures below.",
        licence=f"None is stated for the data, so the weights stay in `{OWN}`, which git does not see.",
        method=_METHOD,
        figures={
            "size": f"{OWN.stat().st_size / 1e6:.1f} MB",
            "SciERC dev, five types, F1": f"{score(unseen, model):.1f} %",
            "SciERC dev, five types, F1 of the rules alone": f"{score(unseen, found_by_rules):.1f} %",
        },
        limits="English abstracts on artificial intelligence. SciERC's sixth type, generic words, is learnt and left out.",
    )


def _fit(texts: Iterable[Text], path: Path) -> Weights:
    path.parent.mkdir(parents=True, exist_ok=True)
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.select("lbfgs")
    trainer.set_params(_PARAMETERS)
    for text in texts:
        for told, tags in _examples(text):
            trainer.append(told, tags)
    trainer.train(str(path))
    return Weights(path.read_bytes())


def _examples(text: Text) -> Iterator[tuple[list[list[str]], list[str]]]:
    names = names_of(text.text)
    counts = Counter(text.text[start:end].lower() for start, end in tokens(text.text, 0, len(text.text)))
    for start, end in text.sentences:
        words = tokens(text.text, start, end)
        ruled = list(phrases(text.text, start, end, names))
        here = sorted((one for one in text.entities if start <= one[0] < end), key=lambda one: one[0] - one[1])
        yield features(text.text, words, ruled, names, counts), tags_of(words, here)


def tags_of(words: list[tuple[int, int]], marked: Iterable[Marked]) -> list[str]:
    """The longest first; what lies within another is left out."""
    tags = ["O"] * len(words)
    for start, end, kind in marked:
        inside = [i for i, word in enumerate(words) if word[0] < end and start < word[1]]
        if all(tags[i] == "O" for i in inside):
            for number, i in enumerate(inside):
                tags[i] = f"{'I' if number else 'B'}-{kind}"
    return tags

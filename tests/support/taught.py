"""Taggers that have seen one sentence, whose words no rule and no model that ships knows."""

from collections import Counter
from pathlib import Path

import pycrfsuite

from app.extraction.phrases import names_of, phrases
from app.extraction.tagging import features, tokens

SENTENCE = "Our glorbs surpass a convolutional network on MNIST by wide frumps ."
EACH_TYPE = "O B-task O O B-method I-method O B-dataset O B-other B-metric O"


def taught(path: Path, tags: str, sentence: str = SENTENCE) -> Path:
    """A model that has seen this one sentence."""
    names, words = names_of(sentence), tokens(sentence, 0, len(sentence))
    ruled = list(phrases(sentence, 0, len(sentence), names))
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.append(features(sentence, words, ruled, names, Counter()), tags.split())
    trainer.set_params({"max_iterations": 30})
    trainer.train(str(path))
    return path

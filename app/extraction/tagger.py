"""A sequence model beside the rules: one that was taught every type speaks alone, another adds to what the rules find.

What the rules are sure of is believed over a model that was taught some types only.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import pycrfsuite

from app.domain.knowledge import EntityType
from app.extraction.lexicon import Term, slug
from app.extraction.network import Network
from app.extraction.phrases import Names, Phrase, names_of, phrases
from app.extraction.tagging import Token, features, tokens
from app.extraction.taught import Model, Tell, WeightsError, types_of

SHIPPED = "entities.crfsuite"


class Weights:
    """A conditional random field: crfsuite's file, with tags such as `B-method` and `I-method`."""

    def __init__(self, data: bytes) -> None:
        """Raises `WeightsError`."""
        self._data = data
        self.fingerprint = hashlib.sha256(data).hexdigest()[:8]
        try:
            labels = self._model().labels()
        except (ValueError, RuntimeError) as error:
            raise WeightsError("it is no model of crfsuite") from error
        self.types = types_of(labels)

    def open(self, text: str, names: Names) -> Tell:
        """Knows the words of the whole document, and what the rules say of each."""
        counts = Counter(text[start:end].lower() for start, end in tokens(text, 0, len(text)))
        model = self._model()
        return lambda words, ruled: model.tag(features(text, words, ruled, names, counts))

    def _model(self) -> pycrfsuite.Tagger:
        """One of one's own: shared between threads it would mix their sentences."""
        model = pycrfsuite.Tagger()
        model.open_inmemory(self._data)
        return model


@cache
def load(path: Path | None) -> Model:
    """The model in a file or folder, or the one that ships; read once. Raises `OSError`, `WeightsError`."""
    if path is None:
        return Weights((files("app.extraction") / "models" / SHIPPED).read_bytes())
    return Network(path) if path.is_dir() else Weights(path.read_bytes())


class Tagger:
    """The phrases of one document."""

    def __init__(self, text: str, model: Model) -> None:
        self._text = text
        self._types = model.types
        self._is_alone = model.types == set(EntityType)
        self._names = names_of(text)
        self._tell = model.open(text, self._names)

    def phrases(self, start: int, end: int) -> Iterator[Phrase]:
        """The phrases of one sentence, in order; they never overlap."""
        ruled = list(phrases(self._text, start, end, self._names))
        words = tokens(self._text, start, end)
        tags = self._tell(words, ruled)
        told = [self._phrase(*span) for span in spans_of(words, tags) if span[2] in self._types]
        if self._is_alone:
            yield from told
            return
        sure = [phrase for phrase in ruled if phrase.sure]
        added = [phrase for phrase in told if not any(map(phrase.overlaps, sure))]
        kept = [phrase for phrase in ruled if not any(map(phrase.overlaps, added))]
        yield from sorted(added + kept, key=lambda phrase: phrase.start)

    def _phrase(self, start: int, end: int, kind: str) -> Phrase:
        name = " ".join(self._text[start:end].split())
        known = _known(name, self._names)
        return Phrase(start, end, Term(known.name if known else name, EntityType(kind)), sure=True)


def _known(name: str, names: Names) -> Term | None:
    return names.term(name.replace("-", " "), slug(name))


def spans_of(words: Sequence[Token], tags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """(start, end, type) of each run of words that is tagged as one thing."""
    first = 0
    while first < len(tags):
        last = first
        if tags[first] != "O":
            while last + 1 < len(tags) and tags[last + 1] == f"I-{tags[first][2:]}":
                last += 1
            yield words[first][0], words[last][1], tags[first][2:]
        first = last + 1

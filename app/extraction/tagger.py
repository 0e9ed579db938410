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
from app.extraction.phrases import Names, Phrase, names_of, phrases
from app.extraction.tagging import Token, features, tokens

SHIPPED = "entities.crfsuite"


class WeightsError(ValueError):
    """A file holds no weights we can use; the message says why."""


class Weights:
    """A trained model: crfsuite's file, with tags such as `B-method` and `I-method`."""

    def __init__(self, data: bytes) -> None:
        """Raises `WeightsError`."""
        self._data = data
        self.fingerprint = hashlib.sha256(data).hexdigest()[:8]
        try:
            labels = self.open().labels()
        except (ValueError, RuntimeError) as error:
            raise WeightsError("it is no model of crfsuite") from error
        known = {kind.value for kind in EntityType}
        self.types = frozenset(EntityType(label[2:]) for label in labels if label[2:] in known)
        self.is_complete = self.types == set(EntityType)
        if not self.types:
            raise WeightsError(f"it knows none of the tags B-{', B-'.join(sorted(known))}")

    def open(self) -> pycrfsuite.Tagger:
        """A tagger of one's own: one that is shared between threads would mix their sentences."""
        tagger = pycrfsuite.Tagger()
        tagger.open_inmemory(self._data)
        return tagger


@cache
def load(path: Path | None) -> Weights:
    """The weights in a file, or those that ship; read once. Raises `OSError`, `WeightsError`."""
    shipped = files("app.extraction") / "models" / SHIPPED
    return Weights(shipped.read_bytes() if path is None else path.read_bytes())


class Tagger:
    """The phrases of one document."""

    def __init__(self, text: str, weights: Weights) -> None:
        self._text = text
        self._types = weights.types
        self._is_alone = weights.is_complete
        self._model = weights.open()
        self._names = names_of(text)
        self._counts = Counter(text[start:end].lower() for start, end in tokens(text, 0, len(text)))

    def phrases(self, start: int, end: int) -> Iterator[Phrase]:
        """The phrases of one sentence, in order; they never overlap."""
        ruled = list(phrases(self._text, start, end, self._names))
        words = tokens(self._text, start, end)
        tags = self._model.tag(features(self._text, words, ruled, self._names, self._counts))
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

"""A network of the user's own that tags words: it gives a score for each label to each piece of a sentence.

`id2label` in `config.json` says what the labels are.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.extraction.onnx_folder import OnnxFolder
from app.extraction.phrases import Names, Phrase
from app.extraction.tagging import Token
from app.extraction.taught import Tell, WeightsError, types_of

if TYPE_CHECKING:
    from tokenizers import Encoding

MAX_WORDS = 128
"""Tagged at once; a longer sentence is tagged in parts."""
MAX_PIECES = 512
CONFIG = "config.json"
_SAMPLE = "A word ."


class Network:
    """The network of a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises `OSError`, `WeightsError`."""
        self._folder = OnnxFolder(folder, CONFIG, max_pieces=MAX_PIECES)
        self.fingerprint = self._folder.fingerprint
        self._labels = list(_labels((folder / CONFIG).read_bytes()))
        self.types = types_of(self._labels)
        barred = [[not _may_follow(a, b) for b in self._labels] for a in self._labels]
        self._barred = -1e9 * self._folder.row(barred)[0]
        try:
            scores = self._scores(self._folder.pieces(_SAMPLE))
        except Exception as error:
            raise WeightsError("its model.onnx cannot be run on the pieces of a sentence") from error
        if scores.ndim != 2 or scores.shape[1] != len(self._labels):
            raise WeightsError(f"its model.onnx does not give one score for each of its {len(self._labels)} labels")

    def open(self, text: str, names: Names) -> Tell:
        """Reads the sentence alone, not what the rules say of it."""

        def tell(words: Sequence[Token], ruled: Sequence[Phrase]) -> list[str]:
            parts = iter(words)
            tags: list[str] = []
            while part := list(islice(parts, MAX_WORDS)):
                tags += self._tags(text, part)
            return tags

        return tell

    def _tags(self, text: str, words: Sequence[Token]) -> Iterator[str]:
        """The label of each word's first piece; `O` where there is none."""
        begin = words[0][0]
        pieces = self._folder.pieces(text[begin : words[-1][1]])
        firsts = list(first_pieces([(start - begin, end - begin) for start, end in words], pieces.offsets))
        best = self._best(self._scores(pieces)[[first for first in firsts if first is not None]])
        for first in firsts:
            yield "O" if first is None else self._labels[next(best)]

    def _best(self, scores: Any) -> Iterator[int]:
        """The labels of most score together of which each may follow the one before it (Viterbi)."""
        if not len(scores):
            return iter(())
        sums, came = scores[0] + self._barred[self._labels.index("O") if "O" in self._labels else 0], []
        for row in scores[1:]:
            ways = sums[:, None] + self._barred
            came.append(ways.argmax(axis=0))
            sums = ways.max(axis=0) + row
        best = [int(sums.argmax())]
        for before in reversed(came):
            best.append(int(before[best[-1]]))
        return reversed(best)

    def _scores(self, pieces: "Encoding") -> Any:
        scores, *_ = self._folder.run(pieces).values()
        return scores[0]


def _may_follow(before: str, label: str) -> bool:
    """What goes on goes on with something: `I-task` comes after `B-task` or `I-task`."""
    return not label.startswith("I-") or (before[:2] in {"B-", "I-"} and before[2:] == label[2:])


def first_pieces(words: Sequence[Token], pieces: Sequence[Token]) -> Iterator[int | None]:
    """Which piece is the first of each word, by their places; none where the pieces were cut off before it."""
    at = 0
    for start, end in words:
        # Pieces that are no part of the text, such as the one that opens a sentence, are empty and stand at its begin.
        while at < len(pieces) and pieces[at][1] <= start:
            at += 1
        yield at if at < len(pieces) and pieces[at][0] < end else None


def _labels(config: bytes) -> Iterator[str]:
    try:
        named = json.loads(config)["id2label"]
        for number in range(len(named)):
            yield str(named[str(number)])
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError("its config.json does not name the labels in id2label, from 0 on") from error

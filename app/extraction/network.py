"""A network of the user's own that tags words: a folder as tools that export to ONNX write it.

`model.onnx` takes the pieces of a sentence and gives a score for each label; `tokenizer.json` says what the pieces are,
`id2label` in `config.json` what the labels.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.extraction.phrases import Names, Phrase
from app.extraction.tagging import Token
from app.extraction.taught import Tell, WeightsError, types_of

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

MAX_WORDS = 128
"""Tagged at once; a longer sentence is tagged in parts."""
MAX_PIECES = 512
_SAMPLE = "A word ."


class Network:
    """The network of a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises `OSError`, `WeightsError`."""
        files = [folder / name for name in ("model.onnx", "tokenizer.json", "config.json")]
        if absent := [file.name for file in files if not file.is_file()]:
            raise WeightsError(f"it holds no {' and no '.join(absent)}")
        model, tokenizer, config = (file.read_bytes() for file in files)
        self.fingerprint = hashlib.sha256(model + tokenizer + config).hexdigest()[:8]
        self._labels = list(_labels(config))
        self.types = types_of(self._labels)
        self._tokenizer = _tokenizer(tokenizer)
        self._session, self._row = _session(files[0])
        self._barred = -1e9 * self._row([[not _may_follow(a, b) for b in self._labels] for a in self._labels])[0]
        try:
            self._wants = [wanted.name for wanted in self._session.get_inputs()]
            scores = self._scores(self._tokenizer.encode(_SAMPLE))
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
        pieces = self._tokenizer.encode(text[begin : words[-1][1]])
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
        given = {"input_ids": pieces.ids, "attention_mask": pieces.attention_mask, "token_type_ids": pieces.type_ids}
        return self._session.run(None, {name: self._row(given[name]) for name in self._wants})[0][0]


def _tokenizer(data: bytes) -> "Tokenizer":
    with _extra():
        from tokenizers import Tokenizer
    try:
        tokenizer = Tokenizer.from_str(data.decode())
    except Exception as error:
        raise WeightsError("its tokenizer.json holds no tokenizer") from error
    tokenizer.enable_truncation(MAX_PIECES)
    tokenizer.no_padding()
    return tokenizer


def _session(file: Path) -> tuple[Any, Callable[[list[Any]], Any]]:
    """What runs the network, and what makes a batch of one row for it."""
    # Without it the library writes down what it runs, and sends it to its makers.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    with _extra():
        import numpy as np
        import onnxruntime
    options = onnxruntime.SessionOptions()
    # The workers are processes, one for each core.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise WeightsError("its model.onnx holds no network") from error
    return session, lambda row: np.array([row], dtype=np.int64)


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise WeightsError("a folder holds a network: pip install 'paper-processing[neural]'") from error


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

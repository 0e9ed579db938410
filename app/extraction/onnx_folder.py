"""A folder with a network of the user's own, as tools that export to ONNX write it.

`model.onnx` takes the pieces of a text, `tokenizer.json` says what the pieces are. What runs it is the extra `neural`,
imported only for such a folder.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.extraction.taught import WeightsError

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

MAX_PIECES = 512
"""Of one text, where nothing says how many the network takes."""


class OnnxFolder:
    """Pieces in, out what the network makes of them. Threads may share one."""

    def __init__(self, folder: Path, *also: str, max_pieces: int | None = None) -> None:
        """`also` are other files that it has to hold; `max_pieces` goes before what `tokenizer.json` says of long texts.

        Raises `OSError`, `WeightsError`.
        """
        files = [folder / name for name in ("model.onnx", "tokenizer.json", *also)]
        if absent := [file.name for file in files if not file.is_file()]:
            raise WeightsError(f"it holds no {' and no '.join(absent)}")
        model, tokenizer, *others = (file.read_bytes() for file in files)
        self.fingerprint = hashlib.sha256(b"".join([model, tokenizer, *others])).hexdigest()[:8]
        self._tokenizer = _tokenizer(tokenizer, max_pieces)
        self._session, self.row = _session(files[0])
        self._wants = [wanted.name for wanted in self._session.get_inputs()]
        self._gives = [given.name for given in self._session.get_outputs()]

    def pieces(self, text: str) -> "Encoding":
        return self._tokenizer.encode(text)

    def run(self, pieces: "Encoding") -> dict[str, Any]:
        """The network's outputs by name, in its order; each is a batch of one."""
        given = {"input_ids": pieces.ids, "attention_mask": pieces.attention_mask, "token_type_ids": pieces.type_ids}
        outputs = self._session.run(None, {name: self.row(given[name]) for name in self._wants})
        return dict(zip(self._gives, outputs, strict=True))


def _tokenizer(data: bytes, max_pieces: int | None) -> "Tokenizer":
    with _extra():
        from tokenizers import Tokenizer
    try:
        tokenizer = Tokenizer.from_str(data.decode())
    except Exception as error:
        raise WeightsError("its tokenizer.json holds no tokenizer") from error
    if max_pieces is not None or tokenizer.truncation is None:
        tokenizer.enable_truncation(max_pieces or MAX_PIECES)
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

"""What a paper and a query mean, by an encoder of sentences of the user's own; none ships."""

from functools import cache
from math import inf, isfinite
from pathlib import Path
from typing import Any

from app.domain.embedding import Embedding
from app.domain.knowledge import Document
from app.extraction.onnx_folder import OnnxFolder
from app.extraction.taught import WeightsError

LONGEST = 10_000
"""Characters of a text that are cut into pieces: more of them than any such network takes."""
_SAMPLE = "A word . " * (LONGEST // 9)
"""As long as any, so that a network which takes less than is said of it is found out at the start."""


class Encoder:
    """The network of a folder: it gives one vector for a text, or one for each piece, and those of the pieces are averaged."""

    def __init__(self, folder: Path) -> None:
        """Raises `OSError`, `WeightsError`."""
        self._folder = OnnxFolder(folder)
        self.fingerprint = self._folder.fingerprint
        try:
            vector = self._vector(_SAMPLE)
        except Exception as error:
            raise WeightsError("its model.onnx cannot be run on the pieces of a long text") from error
        if vector.ndim != 1 or not isfinite(float(vector @ vector)):
            raise WeightsError("its model.onnx gives no vector for a text")

    def embed(self, text: str) -> Embedding | None:
        """Of as much of the text as the network takes; none where it points nowhere."""
        vector = self._vector(text)
        length = float(vector @ vector) ** 0.5
        if not 0 < length < inf:
            return None
        return Embedding(model=self.fingerprint, vector=(vector / length).astype("<f4").tobytes())

    def _vector(self, text: str) -> Any:
        pieces = self._folder.pieces(text)
        outputs = self._folder.run(pieces)
        if "sentence_embedding" in outputs:
            return outputs["sentence_embedding"][0].astype("f8")
        first, *_ = outputs.values()
        seen = self._folder.row(pieces.attention_mask)[0]
        return seen @ outputs.get("last_hidden_state", first)[0] / max(seen.sum(), 1)


@cache
def load(folder: Path) -> Encoder:
    """Read once. Raises `OSError`, `WeightsError`."""
    return Encoder(folder)


def embed_document(document: Document, folder: Path) -> Embedding | None:
    """Of its title and abstract; without an abstract, of its title and how its text begins."""
    parts = (document.title, document.abstract or document.text)
    return load(folder).embed("\n".join(filter(None, parts))[:LONGEST])


def embed_query(q: str, folder: Path) -> Embedding | None:
    """None of a query without a letter or digit, which is no words."""
    return load(folder).embed(q[:LONGEST]) if any(map(str.isalnum, q)) else None

"""Folders with small networks: each piece of a sentence has a label of its own, and what stands beside it is not looked at."""

import json
from collections.abc import Sequence
from pathlib import Path

LABELS = ("O", "B-task", "I-task", "B-method", "I-method", "B-metric", "B-dataset", "B-other")


def network(folder: Path, pieces: dict[str, str], labels: Sequence[str] = LABELS) -> Path:
    """A folder with a network that gives each of these pieces its label, and every other piece the first one."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    known = ["[UNK]", "[CLS]", "[SEP]", *pieces]
    tokenizer = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(known)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))

    scores = np.zeros((len(known), len(labels)), dtype=np.float32)
    for at, piece in enumerate(known):
        scores[at, labels.index(pieces.get(piece, labels[0]))] = 1
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["scores", "input_ids"], ["told"], axis=0),
            helper.make_node("Cast", ["attention_mask"], ["seen"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["seen", "last"], ["wide"]),
            helper.make_node("Mul", ["told", "wide"], ["logits"]),
        ],
        "by-piece",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "pieces"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "pieces", len(labels)])],
        [numpy_helper.from_array(scores, "scores"), numpy_helper.from_array(np.array([2]), "last")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    folder.mkdir()
    onnx.save(model, folder / "model.onnx")
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {str(number): label for number, label in enumerate(labels)}
    (folder / "config.json").write_text(json.dumps({"id2label": named}), encoding="utf-8")
    return folder

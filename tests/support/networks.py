"""Folders with small networks: each piece of a text has numbers of its own, and what stands beside it is not looked at."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

LABELS = ("O", "B-task", "I-task", "B-method", "I-method", "B-metric", "B-dataset", "B-other")


def network(folder: Path, pieces: dict[str, str], labels: Sequence[str] = LABELS) -> Path:
    """A tagger that gives each of these pieces its label, and every other piece the first one."""
    rows = {piece: [float(label == pieces.get(piece, labels[0])) for label in labels] for piece in _known(pieces)}
    _save(folder, rows, "logits")
    named = {str(number): label for number, label in enumerate(labels)}
    (folder / "config.json").write_text(json.dumps({"id2label": named}), encoding="utf-8")
    return folder


def encoder(
    folder: Path,
    directions: Mapping[str, Sequence[float]],
    output: str = "last_hidden_state",
    takes: int = 512,
    cuts: int | None = None,
) -> Path:
    """An encoder of sentences that gives each of these pieces its direction, and every other piece none.

    It `takes` so many pieces and fails for more; its tokenizer `cuts` a text after so many, or does not say.
    """
    nowhere = [0.0] * len(next(iter(directions.values())))
    _save(folder, {piece: directions.get(piece, nowhere) for piece in _known(directions)}, output, takes, cuts)
    return folder


def _known(pieces: Collection[str]) -> list[str]:
    return ["[UNK]", "[CLS]", "[SEP]", *pieces]


def _save(
    folder: Path, rows: Mapping[str, Sequence[float]], output: str, takes: int = 512, cuts: int | None = None
) -> None:
    """A network whose output has one row for each piece; one named `sentence_embedding` has their sum."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(rows)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    if cuts is not None:
        tokenizer.enable_truncation(cuts)

    table = np.array(list(rows.values()), dtype=np.float32)
    by_piece = output if output != "sentence_embedding" else "by_piece"
    nodes = [
        helper.make_node("Gather", ["rows", "input_ids"], ["told"], axis=0),
        helper.make_node("CumSum", ["attention_mask", "one"], ["places"]),
        helper.make_node("Gather", ["seen", "places"], ["wide"], axis=0),
        helper.make_node("Mul", ["told", "wide"], [by_piece]),
    ]
    shape: list[str | int] = ["batch", "pieces", table.shape[1]]
    if by_piece != output:
        nodes.append(helper.make_node("ReduceSum", [by_piece, "one"], [output], keepdims=0))
        shape.remove("pieces")
    graph = helper.make_graph(
        nodes,
        "by-piece",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "pieces"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(table, "rows"),
            numpy_helper.from_array(np.ones((takes + 1, 1), dtype=np.float32), "seen"),
            numpy_helper.from_array(np.array([1]), "one"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    folder.mkdir()
    onnx.save(model, folder / "model.onnx")
    tokenizer.save(str(folder / "tokenizer.json"))

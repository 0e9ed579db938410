"""Texts whose entities, and relations between them, people have marked."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from app.domain.knowledge import RelationType
from tests.evaluation.split import Part, part_of

TEST = 0.2
"""Of TDMSci's sentences; SciERC comes with a split of its own."""

_TYPES = {"Method": "method", "Task": "task", "Material": "dataset", "Metric": "metric", "OtherScientificTerm": "other"}
_RELATIONS = {
    "USED-FOR": RelationType.USED_FOR,
    "FEATURE-OF": RelationType.FEATURE_OF,
    "PART-OF": RelationType.PART_OF,
    "HYPONYM-OF": RelationType.HYPONYM_OF,
    "COMPARE": RelationType.COMPARED_WITH,
    "CONJUNCTION": RelationType.CONJUNCTION,
    "EVALUATE-FOR": RelationType.MEASURED_BY,
}
_SIGNS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]"}

Marked = tuple[int, int, str]
"""(start, end, type) in the text. The types are ours; SciERC's `generic` is kept apart."""


class Text(NamedTuple):
    part: Part
    text: str
    sentences: tuple[tuple[int, int], ...]
    entities: frozenset[Marked]
    relations: tuple[tuple[Marked, RelationType, Marked], ...] = ()


def tdmsci(folder: Path) -> Iterator[Text]:
    """Sentences with TASK, DATASET and METRIC, each a text of its own."""
    lines = (folder / "entities" / "tdmsci" / "train.conll").read_text(encoding="utf-8")
    for block in lines.strip().split("\n\n"):
        rows = [line.split() for line in block.splitlines()]
        begin = int(rows[0][1])
        text = ""
        spans = []
        for word, at, _ in rows:
            start = int(at) - begin
            start = len(text) + 1 if start < len(text) else start
            text = text.ljust(start) + word
            spans.append((start, len(text)))
        marked = frozenset(_marked(spans, [tag for _, _, tag in rows]))
        yield Text(part_of(text, TEST), text, ((0, len(text)),), marked)


def _marked(spans: Sequence[tuple[int, int]], tags: Sequence[str]) -> Iterator[Marked]:
    first = 0
    while first < len(tags):
        last = first
        if tags[first].startswith("B-"):
            while last + 1 < len(tags) and tags[last + 1] == f"I-{tags[first][2:]}":
                last += 1
            yield spans[first][0], spans[last][1], tags[first][2:].lower()
        first = last + 1


def scierc(folder: Path) -> Iterator[Text]:
    """Abstracts with six types of entities and seven of relations; its dev set is the test here, for its own is not there."""
    for name, part in _PARTS.items():
        for line in (folder / "entities" / "scierc" / f"{name}.json").read_text(encoding="utf-8").splitlines():
            yield _abstract(json.loads(line), part)


_PARTS: dict[str, Part] = {"train": "development", "dev": "test"}


def _abstract(found: dict[str, Any], part: Part) -> Text:
    text = ""
    words: list[tuple[int, int]] = []
    sentences = []
    for sentence in found["sentences"]:
        begin = len(text)
        for word in sentence:
            sign = _SIGNS.get(word, word)
            words.append((len(text), len(text) + len(sign)))
            text += f"{sign} "
        sentences.append((begin, len(text) - 1))

    kinds = {
        (first, last): (words[first][0], words[last][1], _TYPES.get(kind, "generic"))
        for marked in found["ner"]
        for first, last, kind in marked
    }
    relations = tuple(
        (kinds[a, b], _RELATIONS[kind], kinds[c, d]) for related in found["relations"] for a, b, c, d, kind in related
    )
    return Text(part, text, tuple(sentences), frozenset(kinds.values()), relations)

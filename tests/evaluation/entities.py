"""Entities, and relations from end to end: a thing counts where its place, to the character, and its type are right."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from app.domain.knowledge import Document, Entity, Relationship, RelationType
from app.extraction.entities import extract_entities, prose
from app.extraction.phrases import names_of, phrases
from app.extraction.relations import extract_relations
from app.extraction.sentences import sentences
from app.extraction.tagger import Tagger, load
from app.extraction.taught import Model
from tests.evaluation.entity_sets import Marked, Text, scierc, tdmsci
from tests.evaluation.model import Row, f1

Find = Callable[[str], Iterable[Marked]]
Triple = tuple[str, str, str]

_SYMMETRIC = (RelationType.CONJUNCTION, RelationType.COMPARED_WITH)


def measure(folder: Path) -> Iterator[Row]:
    """By the model that ships, or by `PAPERS_TAGGER`; the naive way is the rules without any model."""
    own = os.environ.get("PAPERS_TAGGER")
    model = found_by_model(load(Path(own) if own else None))
    abstracts = [text for text in scierc(folder) if text.part == "test"]
    sentences_of_tdmsci = [text for text in tdmsci(folder) if text.part == "test"]
    for name, texts in (("tdmsci", sentences_of_tdmsci), ("scierc", abstracts)):
        count = sum(len(_of_our_types(text.entities)) for text in texts)
        yield Row("entities (F1)", name, "test", count, score(texts, found_by_rules), score(texts, model))
    wanted = sum(len(_wanted(text, {})) for text in abstracts)
    path = Path(own) if own else None
    yield Row(
        "relations, end to end (F1)",
        "scierc",
        "test",
        wanted,
        _relations(abstracts, path, _next_to),
        _relations(abstracts, path, _stated),
    )


def found_by_rules(text: str) -> Iterator[Marked]:
    names = names_of(text)
    for start, end in sentences(text):
        yield from ((found.start, found.end, found.term.type.value) for found in phrases(text, start, end, names))


def found_by_model(model: Model) -> Find:
    def find(text: str) -> Iterator[Marked]:
        tagger = Tagger(text, model)
        for start, end in sentences(text):
            yield from ((found.start, found.end, found.term.type.value) for found in tagger.phrases(start, end))

    return find


def score(texts: Iterable[Text], find: Find) -> float:
    """Of the types that the texts have marked: what nobody looked for is not wrong."""
    texts = list(texts)
    types = {kind for text in texts for _, _, kind in _of_our_types(text.entities)}
    right = found = wanted = 0
    for text in texts:
        here = {one for one in find(text.text) if one[2] in types}
        there = _of_our_types(text.entities)
        right += len(here & there)
        found += len(here)
        wanted += len(there)
    return f1(right, found, wanted)


def _of_our_types(marked: Iterable[Marked]) -> frozenset[Marked]:
    return frozenset(one for one in marked if one[2] != "generic")


def _relations(
    texts: Iterable[Text], weights: Path | None, find: Callable[[Document, tuple[Entity, ...]], Iterable[Triple]]
) -> float:
    right = found = wanted = 0
    for text in texts:
        document = Document(text=text.text)
        entities = extract_entities(document, lambda done, total: None, weights)
        here = set(find(document, entities))
        there = _wanted(text, {(m.start, m.end, e.type.value): e.key for e in entities for m in e.mentions})
        right += len(here & there)
        found += len(here)
        wanted += len(there)
    return f1(right, found, wanted)


def _wanted(text: Text, keys: dict[Marked, str]) -> set[Triple]:
    """Marked relations between entities of our types, as (key, type, key); an entity that was not found has no key of ours."""
    return {
        _in_order(keys.get(source, str(source)), kind, keys.get(target, str(target)))
        for source, kind, target in text.relations
        if "generic" not in (source[2], target[2])
    }


def _stated(document: Document, entities: tuple[Entity, ...]) -> Iterator[Triple]:
    for found in extract_relations(document, entities, lambda done, total: None):
        yield _as_marked(found)


def _as_marked(found: Relationship) -> Triple:
    """SciERC has one relation, from the yardstick to what it measures, for our two from there to the yardstick."""
    if found.type in (RelationType.EVALUATED_ON, RelationType.MEASURED_BY):
        return _in_order(found.target, RelationType.MEASURED_BY, found.source)
    return _in_order(found.source, found.type, found.target)


def _next_to(document: Document, entities: tuple[Entity, ...]) -> Iterator[Triple]:
    """The naive way: each thing is used for the next one in its sentence."""
    places = sorted((mention.start, entity.key) for entity in entities for mention in entity.mentions)
    for start, end in chain.from_iterable(sentences(document.text, *span) for span in prose(document)):
        here = [key for at, key in places if start <= at < end]
        yield from (_in_order(one, RelationType.USED_FOR, other) for one, other in zip(here, here[1:], strict=False))


def _in_order(source: str, kind: RelationType, target: str) -> Triple:
    if kind in _SYMMETRIC and target < source:
        source, target = target, source
    return source, kind.value, target

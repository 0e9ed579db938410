"""The things a paper speaks of: tasks, methods, metrics, datasets and other terms, with every place that names them."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from app.domain.knowledge import Document, Entity, EntityType, Mention
from app.extraction.lexicon import Term, slug
from app.extraction.phrases import Phrase
from app.extraction.sections import is_reference_title
from app.extraction.sentences import sentences
from app.extraction.tagger import Tagger, load
from app.extraction.taught import Model

MAX_ENTITIES = 2000
MAX_MENTIONS = 1000
MAX_KEY = 120
SENTENCES_PER_REPORT = 200


def extract_entities(
    document: Document, on_progress: Callable[[int, int], None], weights: Path | None = None
) -> tuple[Entity, ...]:
    """The entities of a document, ordered by their first mention, by the model that ships or that of the file or folder `weights`.

    For every mention `document.text[m.start:m.end] == m.text`, and no two mentions overlap, within an entity or between
    two. The list of references is left out. `key` is `type:name`, the name in lower case, its last word singular, its
    abbreviation written out, words joined by hyphens: the same thing gets the same key in every paper. At most
    `MAX_ENTITIES` entities (the most mentioned stay) and `MAX_MENTIONS` mentions each; time is linear in the text.
    `on_progress(done, total)` counts characters. Never raises for any text.
    """
    grouped: dict[str, list[Phrase]] = {}
    for phrase in _all_phrases(document, on_progress, load(weights)):
        grouped.setdefault(key_of(phrase.term), []).append(phrase)
    kept = [(key, found) for key, found in grouped.items() if any(p.sure for p in found) or len(found) > 1]
    if len(kept) > MAX_ENTITIES:
        often = sorted(kept, key=lambda item: -len(item[1]))[:MAX_ENTITIES]
        kept = sorted(often, key=lambda item: item[1][0].start)
    return tuple(_entity(key, found, document) for key, found in kept)


def key_of(term: Term) -> str:
    """`method:conditional-random-field`."""
    return f"{term.type.value}:{slug(term.name)[:MAX_KEY]}"


def _all_phrases(document: Document, on_progress: Callable[[int, int], None], model: Model) -> Iterator[Phrase]:
    text = document.text
    tagger = Tagger(text, model)
    for begin, finish in prose(document):
        for number, (start, end) in enumerate(sentences(text, begin, finish)):
            yield from tagger.phrases(start, end)
            if number % SENTENCES_PER_REPORT == 0:
                on_progress(start, len(text))
    on_progress(len(text), len(text))


def prose(document: Document) -> Iterator[tuple[int, int]]:
    """Spans of the text outside the list of references, in order."""
    at = 0
    for section in document.sections:
        if is_reference_title(section.title):
            if at < section.start:
                yield at, section.start
            at = max(at, section.end)
    if at < len(document.text):
        yield at, len(document.text)


def _entity(key: str, found: list[Phrase], document: Document) -> Entity:
    mentions = tuple(
        Mention(start=p.start, end=p.end, page=document.page_at(p.start), text=document.text[p.start : p.end])
        for p in found[:MAX_MENTIONS]
    )
    kind, _, _ = key.partition(":")
    return Entity(key=key, name=_display_name(found), type=EntityType(kind), mentions=mentions)


def _display_name(found: list[Phrase]) -> str:
    return Counter(phrase.term.name for phrase in found).most_common(1)[0][0]

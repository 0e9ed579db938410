"""Relationships between entities that one sentence names, by the words that stand between them."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.domain.knowledge import Document, Entity, EntityType, Relationship, RelationType, Span
from app.extraction.entities import prose
from app.extraction.sentences import sentences

MAX_RELATIONSHIPS = 5000
MAX_MENTIONS_IN_SENTENCE = 24
MAX_BETWEEN = 120
"""Characters between two mentions; what stands further apart is not related by rule."""
SENTENCES_PER_REPORT = 200
_MAX_WORDS_BETWEEN = 12

_SYMMETRIC = frozenset((RelationType.CONJUNCTION, RelationType.COMPARED_WITH))
_ACTORS = frozenset((EntityType.METHOD, EntityType.TASK, EntityType.OTHER))
_ANY = frozenset(EntityType)
_DATASET = frozenset((EntityType.DATASET,))
_OTHER = frozenset((EntityType.OTHER,))
_METRIC = frozenset((EntityType.METRIC,))
_METHODS = frozenset((EntityType.METHOD,))
_TASKS = frozenset((EntityType.TASK,))

_BETWEEN_ITEMS = re.compile(r"\s*(?:,|,?\s*(?:and|or|as well as|&)(?:\s+(?:the|a|an|its|their))?)\s*")
_NEW_CLAUSE = re.compile(
    r",? ?(?:and|but|while|whereas) (?!the\b|an?\b|its\b|their\b|for\b|in\b|other\b)\w+|,? (?:and|but|while|whereas) (?:we|it)\b"
)
_EVALUATES = re.compile(
    r"\b(?:evaluat|test|experiment|assess|validat|benchmark|appl|achiev|obtain|reach|report|perform|improv|outperform|result)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    end: int
    key: str
    type: EntityType


@dataclass(frozen=True)
class _Cue:
    """Words between two mentions, and the relationship they say; `reverse` when it is read from right to left."""

    words: re.Pattern[str]
    type: RelationType
    left: frozenset[EntityType] = _ANY
    right: frozenset[EntityType] = _ANY
    reverse: bool = False


def _cue(
    words: str,
    kind: RelationType,
    left: frozenset[EntityType] = _ANY,
    right: frozenset[EntityType] = _ANY,
    *,
    reverse: bool = False,
) -> _Cue:
    return _Cue(re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE), kind, left, right, reverse)


_CUES = (
    _cue(
        r"such as|including|especially|for example|e\.g|i\.e|like|namely|^,? ?(?:which (?:we|is) )?call(?:ed)?$|^,? ?(?:named|dubbed)$|^\($",
        RelationType.HYPONYM_OF,
        reverse=True,
    ),
    _cue(
        r"(?:part|components?|elements?|modules?) (?:of|in)|(?:integrated|incorporated) (?:in|into)|embedded in",
        RelationType.PART_OF,
    ),
    _cue(
        r"^(?:,? (?:which|that) )?(?:is|are|was) (?:an?|one of the|another)(?: \w+){0,2}$|^, an?(?: \w+)?$|^,? (?:and|or) other|kind of|type of|variant of",
        RelationType.HYPONYM_OF,
    ),
    _cue(
        r"compar\w+ (?:with|to|against)|in comparison (?:with|to)|outperform\w*|versus|vs|than|superior to|surpass\w*|comparable (?:with|to)"
        r"|competitive with|over(?: the)? (?:standard|existing|baseline)|against|instead of|unlike",
        RelationType.COMPARED_WITH,
    ),
    _cue(
        r"in terms of|(?:measured|evaluated|assessed) (?:by|with|in|as|using)|with respect to|reports?|with an?|achiev\w+|obtain\w+|reach\w*"
        r"|attains?|yields?",
        RelationType.MEASURED_BY,
        _ACTORS,
        _METRIC,
    ),
    _cue(r"of|for|by|from", RelationType.MEASURED_BY, _METRIC, _ACTORS, reverse=True),
    _cue(
        r"evaluat\w+|test\w*|experiment\w*|validat\w+|assess\w+|results?|performance|(?<!based )(?<!trained )on",
        RelationType.EVALUATED_ON,
        _ACTORS,
        _DATASET,
    ),
    _cue(
        r"consists? of|composed of|compris\w+|contains?|includes?|incorporat\w+|integrat\w+|combines?|made up of|equipped with",
        RelationType.PART_OF,
        reverse=True,
    ),
    _cue(r"^with(?: an?| the)?$", RelationType.FEATURE_OF, _ACTORS, _OTHER, reverse=True),
    _cue(
        r"^(?:(?:is|are|be|can be|was) )?(?:cast|posed|formulated|viewed|treated|seen|modell?ed|framed)? ?as (?:an?|the)$",
        RelationType.USED_FOR,
        reverse=True,
    ),
    _cue(r"^in(?: the| an?)?$", RelationType.USED_FOR, _METHODS, _ANY - _METRIC),
    _cue(r"^in(?: the| an?)?$", RelationType.USED_FOR, _TASKS, _DATASET, reverse=True),
    _cue(r"^(?:in|into|within) (?:the|an?)$", RelationType.PART_OF, _OTHER),
    _cue(
        r"us(?:es?|ing)|via|by means of|utiliz\w+|employ\w*|with the help of|based on|relies on|rely on|by|through|exploit\w*|leverag\w+"
        r"|learned from|trained (?:on|with)|from|draws on|built on|obtained (?:from|by)",
        RelationType.USED_FOR,
        _ANY - _METRIC,
        _ANY - _METRIC,
        reverse=True,
    ),
    _cue(
        r"(?:appli|us|adapt|suit|design|propos|develop)ed (?:for|to|in|as)|useful for|for|^to(?: the| an?)?$|helps?|enables?|supports?|improves?|to (?!the\b)\w+"
        r"|allows?|facilitat\w+|solves?|performs?|tackles?|address\w*|predicts?|generates?|produces?|extracts?|learns?|models?|computes?",
        RelationType.USED_FOR,
        _ANY - _METRIC,
        _ANY - _METRIC,
    ),
    _cue(r"^(?:in|of|under|about|on)(?: the| an?)?$", RelationType.FEATURE_OF, _OTHER),
)


def extract_relations(
    document: Document, entities: Sequence[Entity], on_progress: Callable[[int, int], None]
) -> tuple[Relationship, ...]:
    """The relationships that sentences of the document state between the given entities, in the order of the text.

    Each has the span of its sentence in `document.text` as evidence, and the sentence with its white space made single
    spaces. Source and target are keys of `entities` and differ; each (source, type, target) comes once, with its first
    sentence, and the two symmetric types (conjunction, compared_with) once for both directions, the lesser key first. At
    most `MAX_RELATIONSHIPS`; of a sentence the first `MAX_MENTIONS_IN_SENTENCE` mentions count. `on_progress(done, total)`
    counts characters. Never raises.
    """
    places = sorted(
        (_Place(m.start, m.end, e.key, e.type) for e in entities for m in e.mentions), key=lambda place: place.start
    )
    starts = [place.start for place in places]
    text = document.text
    found: dict[tuple[str, RelationType, str], Relationship] = {}
    for begin, finish in prose(document):
        for number, (start, end) in enumerate(sentences(text, begin, finish)):
            if number % SENTENCES_PER_REPORT == 0:
                on_progress(start, len(text))
            here = places[bisect_left(starts, start) : bisect_left(starts, end)][:MAX_MENTIONS_IN_SENTENCE]
            for source, kind, target in _stated(text, start, end, here) if len(here) > 1 else ():
                if source > target and kind in _SYMMETRIC:
                    source, target = target, source
                if source != target and (source, kind, target) not in found and len(found) < MAX_RELATIONSHIPS:
                    found[source, kind, target] = Relationship(
                        source=source,
                        target=target,
                        type=kind,
                        evidence=Span(start=start, end=end, page=document.page_at(start)),
                        sentence=" ".join(text[start:end].split()),
                    )
    on_progress(len(text), len(text))
    return tuple(found.values())


def _stated(text: str, start: int, end: int, here: list[_Place]) -> Iterator[tuple[str, RelationType, str]]:
    """(source, type, target) of each relationship one sentence states."""
    groups = _coordinated(text, here)
    for group in groups:
        for one, other in zip(group, group[1:], strict=False):
            yield one.key, RelationType.CONJUNCTION, other.key
    related: set[int] = set()
    for index, (left, right) in enumerate(zip(groups, groups[1:], strict=False)):
        cue = _cue_between(text, left[-1], right[0])
        if cue is not None:
            related.add(index + 1)
            yield from _pairs(
                _compared(groups[: index + 1], right) if cue.type is RelationType.COMPARED_WITH else left, right, cue
            )
    yield from _evaluation(text, start, end, groups, related)


def _coordinated(text: str, here: list[_Place]) -> list[list[_Place]]:
    """Mentions that stand together as "A, B and C"."""
    groups: list[list[_Place]] = []
    pending: list[_Place] = []
    for place in here:
        before = pending[-1] if pending else None
        joined = before is not None and _BETWEEN_ITEMS.fullmatch(text[before.end : place.start][:40])
        if before is not None and not (joined and before.end <= place.start and _alike(text, before, place)):
            groups.append(pending)
            pending = []
        pending.append(place)
    return [*groups, pending] if pending else groups


def _alike(text: str, one: _Place, other: _Place) -> bool:
    """A comma joins what is of one kind, a word anything but a metric with what it measures."""
    if one.type is other.type:
        return True
    return text[one.end : other.start].strip() != "," and EntityType.METRIC not in (one.type, other.type)


def _cue_between(text: str, left: _Place, right: _Place) -> _Cue | None:
    """The first cue of the table in the words between two mentions, if nothing there parts the two."""
    if not 0 < right.start - left.end <= MAX_BETWEEN:
        return None
    between = " ".join(text[left.end : right.start].split())
    if ";" in between or ". " in between or _NEW_CLAUSE.match(between):
        return None
    for cue in _CUES:
        if left.type in cue.left and right.type in cue.right:
            match = cue.words.search(between)
            if match and (
                len(between.split()) <= 5 + len(match.group().split())
                or (match.start() <= 2 and between.count(" ") < _MAX_WORDS_BETWEEN)
            ):
                return cue
    return None


def _compared(before: list[list[_Place]], right: list[_Place]) -> list[_Place]:
    """What a thing is compared with: in "A reaches a higher recall than B" A, not the recall."""
    return next((group for group in reversed(before) if group[-1].type is right[0].type), before[-1])


def _pairs(left: list[_Place], right: list[_Place], cue: _Cue) -> Iterator[tuple[str, RelationType, str]]:
    for one in left[:6]:
        for other in right[:6]:
            if one.type in cue.left and other.type in cue.right:
                yield (other.key, cue.type, one.key) if cue.reverse else (one.key, cue.type, other.key)


def _evaluation(
    text: str, start: int, end: int, groups: list[list[_Place]], related: set[int]
) -> Iterator[tuple[str, RelationType, str]]:
    """In a sentence that tells of an evaluation, datasets after "on" and metrics belong to the method or task before them."""
    if not _EVALUATES.search(text, start, end):
        return
    for index, group in enumerate(groups):
        head = group[0]
        actor = next(
            (g[-1] for g in reversed(groups[:index]) if g[-1].type in (EntityType.METHOD, EntityType.TASK)), None
        )
        if actor is None or _NEW_CLAUSE.match(" ".join(text[actor.end : head.start].split())):
            continue
        before = " ".join(text[max(start, head.start - 30) : head.start].lower().split()[-3:])
        if head.type is EntityType.DATASET and re.search(r"(?<!based )(?<!trained )\b(?:on|over)\b", before):
            yield from ((actor.key, RelationType.EVALUATED_ON, item.key) for item in group if item.type is head.type)
        elif head.type is EntityType.METRIC and index not in related:
            yield from ((actor.key, RelationType.MEASURED_BY, item.key) for item in group if item.type is head.type)

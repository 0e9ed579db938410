"""What one paper says, brought to the form every graph stores: each entity once, each relation once, all in order."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from math import fsum, log
from typing import NamedTuple

from app.domain.graph import RelatedPaper
from app.domain.knowledge import Entity, EntityType, Relationship, RelationType

SHARED_LISTED = 10
"""How many keys of shared entities a related paper carries."""
FORMS_KEPT = 20
"""Of the ways in which one paper writes an entity."""


class Named(NamedTuple):
    """An entity as one paper names it."""

    key: str
    name: str
    type: EntityType
    forms: tuple[str, ...]
    """As it stands in the text: the evidence that what was written differently was taken for the same."""


class Relation(NamedTuple):
    source: str
    type: RelationType
    target: str


class Contribution(NamedTuple):
    entities: tuple[Named, ...]
    relations: tuple[Relation, ...]


def contribution(entities: Sequence[Entity], relationships: Sequence[Relationship]) -> Contribution:
    """Leaves out a relationship one of whose ends is no entity of the paper: the graph would have no name for it."""
    named = {entity.key: Named(entity.key, entity.name, entity.type, _forms(entity)) for entity in entities}
    relations = {
        Relation(found.source, found.type, found.target)
        for found in relationships
        if found.source in named and found.target in named
    }
    return Contribution(tuple(named[key] for key in sorted(named)), tuple(sorted(relations)))


def _forms(entity: Entity) -> tuple[str, ...]:
    """The most frequent ones, by name."""
    counted = Counter(" ".join(mention.text.split()) for mention in entity.mentions)
    return tuple(sorted(form for form, _ in counted.most_common(FORMS_KEPT)))


def related_paper(paper_id: str, title: str | None, shared: Mapping[str, int], papers: int) -> RelatedPaper:
    """`shared`: of each entity both mention, how many of all `papers` do.

    An entity counts ln(1 + papers / those that mention it): what few papers speak of says more than what all do.
    """
    weights = {key: log(1 + papers / mentioned) for key, mentioned in shared.items()}
    rarest_first = sorted(shared, key=lambda key: (shared[key], key))
    return RelatedPaper(
        paper_id=paper_id,
        title=title,
        score=round(fsum(weights.values()), 6),
        shared=len(shared),
        entities=tuple(rarest_first[:SHARED_LISTED]),
    )


def best_first(found: Iterable[RelatedPaper], limit: int) -> list[RelatedPaper]:
    """Those with the highest score; of equals the one whose id comes first."""
    return nsmallest(limit, found, key=lambda paper: (-paper.score, paper.paper_id))

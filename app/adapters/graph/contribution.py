"""What one paper says, brought to the form every graph stores: each entity once, each relation once, all in order."""

from collections.abc import Sequence
from typing import NamedTuple

from app.domain.knowledge import Entity, EntityType, Relationship, RelationType

SHARED_LISTED = 10
"""How many keys of shared entities a related paper carries."""


class Named(NamedTuple):
    """An entity as one paper names it."""

    key: str
    name: str
    type: EntityType


class Relation(NamedTuple):
    source: str
    type: RelationType
    target: str


class Contribution(NamedTuple):
    entities: tuple[Named, ...]
    relations: tuple[Relation, ...]


def contribution(entities: Sequence[Entity], relationships: Sequence[Relationship]) -> Contribution:
    """Leaves out a relationship one of whose ends is no entity of the paper: the graph would have no name for it."""
    named = {entity.key: Named(entity.key, entity.name, entity.type) for entity in entities}
    relations = {
        Relation(found.source, found.type, found.target)
        for found in relationships
        if found.source in named and found.target in named
    }
    return Contribution(tuple(named[key] for key in sorted(named)), tuple(sorted(relations)))

"""What the graph of all papers answers."""

from app.domain.citing import Evidence
from app.domain.knowledge import EntityType, RelationType
from app.domain.model import Value


class Neighbour(Value):
    """An entity related to another, and the papers that say so."""

    key: str
    name: str
    type: EntityType
    relation: RelationType
    direction: str
    """`out` when the entity asked for is the source, else `in`."""
    papers: tuple[str, ...]


class Form(Value):
    """A way to write an entity, and the papers that write it so."""

    text: str
    papers: tuple[str, ...]


class EntityNeighbours(Value):
    """An entity in the graph."""

    key: str
    name: str
    type: EntityType
    papers: tuple[str, ...]
    forms: tuple[Form, ...]
    """What was taken for the same thing, as most papers write it first."""
    neighbours: tuple[Neighbour, ...]


class RelatedPaper(Value):
    """A paper that shares entities with another."""

    paper_id: str
    title: str | None
    score: float
    """Of each shared entity ln(1 + papers / papers that mention it), summed."""
    shared: int
    entities: tuple[str, ...]
    """Keys of the rarest shared ones."""


class CitedPaper(Value):
    """A paper at the other end of a citation."""

    paper_id: str
    title: str | None
    number: int
    """Of the entry in the citing paper's list of references."""
    evidence: Evidence
    """What shows that the entry is that paper."""


class Citations(Value):
    """Citations between a paper and the others here."""

    cites: tuple[CitedPaper, ...] = ()
    cited_by: tuple[CitedPaper, ...] = ()

"""What is read from a paper and what is found in it. Every span counts characters of `Document.text`."""

from bisect import bisect_right
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from app.domain.model import Value


class Span(Value):
    """Characters `start` to `end` (exclusive) of the document's text."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    page: int = Field(default=1, ge=1)
    """Where it begins, from 1."""


class Found(Value):
    """What a stage found."""

    version: str = "1"
    """Of that stage, when it did."""


class Turn(NamedTuple):
    """A place where the text goes over to another page."""

    at: int
    page: int


class BlockKind(StrEnum):
    TITLE = "title"
    AUTHORS = "authors"
    ABSTRACT = "abstract"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    CAPTION = "caption"
    REFERENCE = "reference"
    FURNITURE = "furniture"
    """Running heads, page numbers: text that is on the page but not of the paper."""


class Block(Span):
    """A run of text that belongs together, as the reader saw it."""

    kind: BlockKind = BlockKind.PARAGRAPH
    level: int = 0
    """Of a heading: 1 for a section, 2 for a subsection…; 0 where the format does not say."""
    font_size: float | None = None
    """In points, where the format has one."""
    bold: bool = False


class Metadata(Value):
    """What the file itself declares (JATS, HTML `citation_*`, LaTeX, DOCX properties); empty where it says nothing."""

    title: str | None = None
    authors: tuple[str, ...] = ()
    abstract: str | None = None
    year: int | None = None
    doi: str | None = None


class Reading(Value):
    """A reader's answer: the text with its structure, nothing interpreted yet."""

    text: str
    blocks: tuple[Block, ...]
    pages: int = Field(ge=1)
    turns: tuple[Turn, ...] = ()
    """Where the text is on another page than before, in its order; empty when all of it is on page 1."""
    metadata: Metadata = Metadata()
    made: int | None = None
    """The year in which the file was made, where it says so and is no scan."""


class Section(Span, Found):
    """A section: its title and the span of its body, without the title line."""

    title: str
    level: int = Field(default=1, ge=1)


class Document(Found):
    """A paper as `GET /papers/{id}/document` shows it."""

    title: str | None = None
    authors: tuple[str, ...] = ()
    abstract: str | None = None
    year: int | None = None
    doi: str | None = None
    pages: int = 1
    sections: tuple[Section, ...] = ()
    origins: dict[str, Span] = Field(default_factory=dict)
    """Where title, authors, abstract, year and DOI stand in the text; without those that only the file's metadata has."""
    text: str = ""
    turns: tuple[Turn, ...] = ()

    def page_at(self, character: int) -> int:
        """The page on which a character of the text stands."""
        index = bisect_right(self.turns, character, key=lambda turn: turn.at)
        return self.turns[index - 1].page if index else 1


class Reference(Span, Found):
    """One entry of the list of references: its own words, and what could be told apart in them."""

    number: int = Field(ge=1)
    """Its place in the list, from 1."""
    raw: str
    authors: tuple[str, ...] = ()
    title: str | None = None
    venue: str | None = None
    year: int | None = None
    doi: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    editors: tuple[str, ...] = ()
    publisher: str | None = None
    url: str | None = None


class EntityType(StrEnum):
    TASK = "task"
    METHOD = "method"
    METRIC = "metric"
    DATASET = "dataset"
    OTHER = "other"
    """Another scientific term."""


class Mention(Span):
    """One place in the text that names an entity."""

    text: str


class Entity(Found):
    """A thing the paper speaks of. `key` is the same for the same thing in every paper: `method:conditional-random-field`."""

    key: str
    name: str
    type: EntityType
    mentions: tuple[Mention, ...]


class RelationType(StrEnum):
    """Directed, read source → target; the inventory of SciERC (Luan et al. 2018), with `evaluated_on` and `measured_by` beside it."""

    USED_FOR = "used_for"
    FEATURE_OF = "feature_of"
    PART_OF = "part_of"
    HYPONYM_OF = "hyponym_of"
    COMPARED_WITH = "compared_with"
    CONJUNCTION = "conjunction"
    EVALUATED_ON = "evaluated_on"
    MEASURED_BY = "measured_by"


class Relationship(Found):
    """A typed relationship between two entities, with the sentence that says so."""

    source: str
    """An entity's key."""
    target: str
    type: RelationType
    evidence: Span
    sentence: str

"""The stages of a run, in order: each takes what earlier ones stored and leaves something more."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from anyio import from_thread, to_thread
from pydantic import TypeAdapter

from app.domain import stages as plans
from app.domain.citing import bibliography
from app.domain.decisions import Findings
from app.domain.embedding import Embedding
from app.domain.errors import FileLostError
from app.domain.events import LISTED
from app.domain.knowledge import Document, Entity, Found, Reading, Reference, Relationship
from app.domain.paper import Output, Paper
from app.domain.stages import StagePlan
from app.extraction import embedding, tagger
from app.extraction.assemble import build_document
from app.extraction.entities import extract_entities
from app.extraction.references import extract_references
from app.extraction.relations import extract_relations
from app.ports import Clock, Files, Graph, PaperStore, Reader

T = TypeVar("T")
F = TypeVar("F", bound=Found)

READING: TypeAdapter[Reading] = TypeAdapter(Reading)
DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)
REFERENCES: TypeAdapter[tuple[Reference, ...]] = TypeAdapter(tuple[Reference, ...])
ENTITIES: TypeAdapter[tuple[Entity, ...]] = TypeAdapter(tuple[Entity, ...])
RELATIONSHIPS: TypeAdapter[tuple[Relationship, ...]] = TypeAdapter(tuple[Relationship, ...])


PROGRESS_EVERY = timedelta(milliseconds=100)


class Work:
    """One paper in one stage: what it is, how to tell progress, and the outputs of the run so far."""

    def __init__(
        self, paper: Paper, store: PaperStore, clock: Clock, report: Callable[[int], Coroutine[Any, Any, None]]
    ) -> None:
        self.paper = paper
        self._store = store
        self._clock = clock
        self._report = report
        self._told_at = clock.now()

    async def load(self, kind: Output, form: TypeAdapter[T]) -> T:
        """An output of an earlier stage of this run."""
        return form.validate_python(await self._store.get_output(self.paper.id, self.paper.run, kind))

    async def save(self, kind: Output, form: TypeAdapter[T], output: T) -> None:
        """Stores an output of this run; it becomes visible with the write that ends the stage."""
        body = form.dump_python(output, mode="json")
        await self._store.put_output(self.paper.id, self.paper.run, kind, body)

    async def save_embedding(self, found: Embedding) -> None:
        """Stores what the document of this run means, which becomes visible with it."""
        await self._store.put_embedding(self.paper.id, self.paper.run, found)

    async def progress(self, done: int, total: int) -> None:
        """Tells how far the stage is; most calls do nothing, so that watchers get ten events a second at most."""
        if self._is_due():
            await self._report(_percent(done, total))

    async def compute(self, function: Callable[[Callable[[int, int], None]], T]) -> T:
        """Runs a plain function in a thread, so that the lease is renewed meanwhile; hands it a `progress(done, total)`."""

        def tell(done: int, total: int) -> None:
            if self._is_due():
                from_thread.run(self._report, _percent(done, total))

        return await to_thread.run_sync(function, tell, abandon_on_cancel=True)

    def _is_due(self) -> bool:
        now = self._clock.now()
        if now - self._told_at < PROGRESS_EVERY:
            return False
        self._told_at = now
        return True


def _percent(done: int, total: int) -> int:
    """Below 100: only the write that ends a stage says that."""
    return min(99, 100 * done // max(total, 1))


class Stage(ABC):
    """A stage of a run.

    It SHALL store its outputs before it returns, and answer which they are.
    It SHALL put its version on all it found, so that what another version found can be told from it.
    It SHALL give the same answer when it is run again on the same paper and run.
    It SHALL raise `ReadError` for a paper nobody can process, `RetryableError` where another attempt may help,
    and let `UnavailableError` pass: the pipeline waits for the service and runs the stage again.
    It MAY tell progress, as often as it likes: the pipeline tells watchers at most ten times a second.
    It MAY be cancelled at any await, and SHALL then leave nothing that a later run could take for its own.
    It SHALL NOT change the paper: the pipeline does, with what the stage answers.
    """

    plan: ClassVar[StagePlan]

    @abstractmethod
    async def work(self, work: Work) -> Findings:
        """Does the stage's part on one paper."""

    @property
    def version(self) -> str:
        """What everything it finds carries."""
        return self.plan.version

    def _signed(self, found: F) -> F:
        return found.model_copy(update={"version": self.version})


class Read(Stage):
    """File to text with structure."""

    plan = plans.READ

    def __init__(self, files: Files, reader: Reader) -> None:
        self._files = files
        self._reader = reader

    async def work(self, work: Work) -> Findings:
        try:
            data = await self._files.get(work.paper.id)
        except FileNotFoundError as error:
            raise FileLostError from error
        reading = await self._reader.read(data, work.paper.content_type, work.progress)
        await work.save(Output.READING, READING, reading)
        counts = work.paper.counts.model_copy(update={"pages": reading.pages})
        return Findings(snapshot={"counts": counts})


class Structure(Stage):
    """Title, authors, abstract, year, DOI and sections; where there is an encoder also what title and abstract mean."""

    plan = plans.STRUCTURE

    def __init__(self, encoder: Path | None = None) -> None:
        """`encoder`: a folder with one."""
        self._encoder = encoder

    @property
    def version(self) -> str:
        """That of the stage, and which encoder, if there is one."""
        own = "" if self._encoder is None else f"+{embedding.load(self._encoder).fingerprint}"
        return f"{self.plan.version}{own}"

    async def work(self, work: Work) -> Findings:
        reading = await work.load(Output.READING, READING)
        document = self._signed(await work.compute(lambda _: build_document(reading)))
        document = document.model_copy(update={"sections": tuple(map(self._signed, document.sections))})
        await work.save(Output.DOCUMENT, DOCUMENT, document)
        if (encoder := self._encoder) is not None:
            meaning = await work.compute(lambda _: embedding.embed_document(document, encoder))
            if meaning is not None:
                await work.save_embedding(meaning)
        counts = work.paper.counts.model_copy(update={"sections": len(document.sections)})
        return Findings(
            outputs=(Output.DOCUMENT,),
            snapshot={"title": document.title, "authors": document.authors, "counts": counts},
        )


class References(Stage):
    """The list of references, each taken apart."""

    plan = plans.REFERENCES

    async def work(self, work: Work) -> Findings:
        reading = await work.load(Output.READING, READING)
        document = await work.load(Output.DOCUMENT, DOCUMENT)
        found = await work.compute(lambda _: extract_references(reading, document))
        references = tuple(map(self._signed, found))
        await work.save(Output.REFERENCES, REFERENCES, references)
        counts = work.paper.counts.model_copy(update={"references": len(references)})
        return Findings(outputs=(Output.REFERENCES,), snapshot={"counts": counts})


class Entities(Stage):
    """What the paper speaks of, and where."""

    plan = plans.ENTITIES

    def __init__(self, weights: Path | None) -> None:
        """`weights`: a model in place of the one that ships."""
        self._weights = weights

    @property
    def version(self) -> str:
        """That of the stage; with a model of the user's own also which one."""
        own = "" if self._weights is None else f"+{tagger.load(self._weights).fingerprint}"
        return f"{self.plan.version}{own}"

    async def work(self, work: Work) -> Findings:
        document = await work.load(Output.DOCUMENT, DOCUMENT)
        found = await work.compute(lambda tell: extract_entities(document, tell, self._weights))
        entities = tuple(map(self._signed, found))
        await work.save(Output.ENTITIES, ENTITIES, entities)
        mentions = sum(len(entity.mentions) for entity in entities)
        counts = work.paper.counts.model_copy(update={"entities": len(entities), "mentions": mentions})
        return Findings(
            outputs=(Output.ENTITIES,),
            snapshot={"counts": counts},
            event_type="entity_extraction",
            message=f"{len(entities)} entities found in {work.paper.filename}",
            data={
                "count": len(entities),
                "types": _by_type(entity.type for entity in entities),
                "entities": [
                    {"key": entity.key, "name": entity.name, "type": entity.type, "mentions": len(entity.mentions)}
                    for entity in entities[:LISTED]
                ],
            },
        )


class Relationships(Stage):
    """How the entities relate, and the sentences that say so."""

    plan = plans.RELATIONSHIPS

    async def work(self, work: Work) -> Findings:
        document = await work.load(Output.DOCUMENT, DOCUMENT)
        entities = await work.load(Output.ENTITIES, ENTITIES)
        found = await work.compute(lambda tell: extract_relations(document, entities, tell))
        relationships = tuple(map(self._signed, found))
        await work.save(Output.RELATIONSHIPS, RELATIONSHIPS, relationships)
        counts = work.paper.counts.model_copy(update={"relationships": len(relationships)})
        return Findings(
            outputs=(Output.RELATIONSHIPS,),
            snapshot={"counts": counts},
            event_type="relationship_extraction",
            message=f"{len(relationships)} relationships found in {work.paper.filename}",
            data={
                "count": len(relationships),
                "types": _by_type(relationship.type for relationship in relationships),
                "relationships": [
                    {"source": relation.source, "target": relation.target, "type": relation.type}
                    for relation in relationships[:LISTED]
                ],
            },
        )


class KnowledgeGraph(Stage):
    """The paper's part of the graph of all papers."""

    plan = plans.KNOWLEDGE_GRAPH

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def work(self, work: Work) -> Findings:
        entities = await work.load(Output.ENTITIES, ENTITIES)
        relationships = await work.load(Output.RELATIONSHIPS, RELATIONSHIPS)
        document = await work.load(Output.DOCUMENT, DOCUMENT)
        references = await work.load(Output.REFERENCES, REFERENCES)
        paper = work.paper
        await self._graph.replace(
            paper.id, paper.run, paper.title, entities, relationships, bibliography(document, references)
        )
        return Findings()


def all_stages(
    files: Files, reader: Reader, graph: Graph, weights: Path | None = None, encoder: Path | None = None
) -> tuple[Stage, ...]:
    """The stages of a run, in the order of `domain.stages.STAGES`."""
    return (
        Read(files, reader),
        Structure(encoder),
        References(),
        Entities(weights),
        Relationships(),
        KnowledgeGraph(graph),
    )


def _by_type(types: Iterable[str]) -> dict[str, int]:
    return dict(Counter(types).most_common())

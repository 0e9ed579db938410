"""The six stages of a run without their work: they read, store and tell as the real ones do, and take as long as chance has it."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import JsonValue, TypeAdapter

from app.domain.decisions import Findings
from app.domain.paper import Output
from app.domain.stages import STAGES, StagePlan
from app.ports import Files, Graph
from app.services.stages import Stage, Work
from tests.support.builders import entities

Before = Callable[[str], Awaitable[bool]]
"""Called with a stage's name where it begins; answers whether it takes long enough to tell of its progress."""

ANYTHING: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
ENTITY = entities("Net")[0]

OUTPUTS = {
    "read": Output.READING,
    "structure": Output.DOCUMENT,
    "references": Output.REFERENCES,
    "entities": Output.ENTITIES,
    "relationships": Output.RELATIONSHIPS,
}
FOUND = {"entities": "entity_extraction", "relationships": "relationship_extraction"}


class QuickStage(Stage):
    """A stage of that plan."""

    def __init__(self, plan: StagePlan, files: Files, graph: Graph, before: Before) -> None:
        self.plan = plan  # type: ignore[misc]  # each instance stands for another stage
        self._files = files
        self._graph = graph
        self._before = before

    async def work(self, work: Work) -> Findings:
        name = self.plan.name
        paper = work.paper
        takes_time = await self._before(name)
        if name == "read":
            await self._files.get(paper.id)
        if name == "knowledge_graph":
            await self._graph.replace(paper.id, paper.run, paper.title, [ENTITY], [])
            return Findings()
        if takes_time:
            await work.progress(1, 2)
        output = OUTPUTS[name]
        body: JsonValue = {"title": "A Title", "text": f"run {paper.run}"}
        await work.save(output, ANYTHING, body)
        if name in FOUND:
            data: dict[str, Any] = {"count": 0, "types": {}, name: []}
            return Findings(outputs=(output,), event_type=FOUND[name], message="found", data=data)
        counts = paper.counts.model_copy(update={"pages": paper.run})
        return Findings(outputs=() if output is Output.READING else (output,), snapshot={"counts": counts})


def quick_stages(files: Files, graph: Graph, before: Before) -> list[Stage]:
    return [QuickStage(plan, files, graph, before) for plan in STAGES]

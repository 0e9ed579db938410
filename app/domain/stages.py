"""The stages of a run: their order, the status a paper has while each works, and their share of the progress."""

from enum import StrEnum

from app.domain.lifecycle import Status
from app.domain.model import Value


class Load(StrEnum):
    """What a stage asks of its machine. Each has a queue of its own, so that workers may be had for one of them."""

    LIGHT = "light"
    HEAVY = "heavy"

    @property
    def queue(self) -> str:
        """The name under which its hints wait, to Celery and in Redis."""
        return f"papers.{self}"


class StagePlan(Value):
    """One stage's place in a run."""

    name: str
    status: Status
    weight: int
    """Its share of the run's progress; the shares add up to 100."""
    load: Load
    version: str = "1"
    """Everything the stage finds carries it. A change of what it finds raises it."""


READ = StagePlan(name="read", status=Status.PROCESSING, weight=40, load=Load.HEAVY)
STRUCTURE = StagePlan(name="structure", status=Status.PROCESSING, weight=5, load=Load.LIGHT, version="3")
REFERENCES = StagePlan(name="references", status=Status.PROCESSING, weight=10, load=Load.LIGHT, version="3")
ENTITIES = StagePlan(name="entities", status=Status.EXTRACTING_ENTITIES, weight=25, load=Load.HEAVY, version="3")
RELATIONSHIPS = StagePlan(
    name="relationships", status=Status.EXTRACTING_RELATIONSHIPS, weight=10, load=Load.LIGHT, version="2"
)
KNOWLEDGE_GRAPH = StagePlan(name="knowledge_graph", status=Status.BUILDING_KNOWLEDGE_GRAPH, weight=10, load=Load.LIGHT)

STAGES = (READ, STRUCTURE, REFERENCES, ENTITIES, RELATIONSHIPS, KNOWLEDGE_GRAPH)


def progress_of_run(stages_done: int, percent_of_next: int = 0) -> int:
    """Percent of the run when that many stages are done and the next one is at `percent_of_next`."""
    done = sum(stage.weight for stage in STAGES[:stages_done])
    at_work = STAGES[stages_done].weight * percent_of_next // 100 if stages_done < len(STAGES) else 0
    return done + at_work

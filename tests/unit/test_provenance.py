"""Every extracted thing says where it stands and which version of its stage found it; a later run replaces all of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.domain.decisions import Findings
from app.domain.paper import Output
from app.extraction import embedding, tagger
from app.services.stages import ENTITIES, Entities, References, Relationships, Structure, Work
from tests.support.bench import Bench
from tests.support.builders import an_entity, meaning
from tests.support.networks import encoder

pytestmark = pytest.mark.anyio

VISIBLE = (Output.DOCUMENT, Output.REFERENCES, Output.ENTITIES, Output.RELATIONSHIPS)


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Raises the version of every stage, as a new release would."""

    def raise_versions() -> None:
        for stage in (Structure, References, Entities, Relationships):
            monkeypatch.setattr(stage, "plan", stage.plan.model_copy(update={"version": "next"}))

    return raise_versions


class OtherEntities(Entities):
    """Finds something else than the version before."""

    async def work(self, work: Work) -> Findings:
        found = (self._signed(an_entity("quantum gardening")),)
        await work.save(Output.ENTITIES, ENTITIES, found)
        return Findings(outputs=(Output.ENTITIES,))


def versions_in(output: Any) -> set[str]:
    """Every version that stands anywhere in an output."""
    if isinstance(output, list):
        return set().union(*map(versions_in, output))
    if isinstance(output, dict):
        here = {output["version"]} if "version" in output else set()
        return here.union(*map(versions_in, output.values()))
    return set()


async def test_everything_found_carries_the_version_of_its_stage(bench: Bench, upgrade: Callable[[], None]) -> None:
    upgrade()
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    for kind in (Output.DOCUMENT, Output.ENTITIES, Output.RELATIONSHIPS):
        assert versions_in(await bench.services.papers.output(paper_id, kind)) == {"next"}, kind


def test_a_model_of_ones_own_is_part_of_the_version() -> None:
    shipped = Path(tagger.__file__).parent / "models" / tagger.SHIPPED
    assert Entities(None).version == Entities.plan.version
    assert Entities(shipped).version == f"{Entities.plan.version}+{tagger.load(None).fingerprint}"


@pytest.mark.slow  # what runs the network takes long to import
async def test_an_encoder_of_ones_own_is_part_of_the_version_and_another_one_replaces_all(
    bench: Bench, tmp_path: Path
) -> None:
    """What the first one made is gone with its run, and is never compared with what the second one makes."""
    paper_id = await bench.submit_and_queue()
    folders = [encoder(tmp_path / name, {"title": (0, 1), name: (1, 0)}) for name in ("one", "two")]
    for run, folder in enumerate(folders, 1):
        if run > 1:
            await bench.services.papers.process(paper_id)
        stages = [Structure(folder) if stage.plan.name == "structure" else stage for stage in bench.side.stages]
        await bench.pipeline(stages).run(paper_id, run)
        document: Any = await bench.services.papers.output(paper_id, Output.DOCUMENT)
        assert document["version"] == f"{Structure.plan.version}+{embedding.load(folder).fingerprint}"
    first, second = (embedding.load(folder).embed("title") for folder in folders)
    assert first is not None
    assert second is not None
    assert await bench.store.nearest(first, 1) == []
    assert await bench.store.nearest(second, 1) == [paper_id]


async def test_a_run_without_an_encoder_leaves_no_meaning_of_the_one_before(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    await bench.store.put_embedding(paper_id, 1, meaning(0, 1))
    await bench.services.papers.process(paper_id)
    await bench.services.pipeline.run(paper_id, 2)
    assert await bench.store.nearest(meaning(0, 1), 1) == []


async def test_a_run_of_newer_stages_leaves_nothing_of_the_older_ones(
    bench: Bench, upgrade: Callable[[], None]
) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    before = await bench.entity_keys(paper_id)
    assert "dataset:mnist" in before

    await bench.services.papers.process(paper_id)
    upgrade()
    stages = [OtherEntities(None) if stage.plan.name == "entities" else stage for stage in bench.side.stages]
    await bench.pipeline(stages).run(paper_id, 2)

    for kind in VISIBLE:
        assert await bench.store.get_output(paper_id, 1, kind) is None, f"{kind} of the first run is still stored"
        assert versions_in(await bench.services.papers.output(paper_id, kind)) <= {"next"}, kind
    assert await bench.entity_keys(paper_id) == ["method:quantum-gardening"]
    assert [key for key in before if await bench.services.graph.neighbours(key, 1) is not None] == []
    assert await bench.services.graph.neighbours("method:quantum-gardening", 1) is not None


async def test_what_is_found_in_a_text_stands_where_it_says(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    document: Any = await bench.services.papers.output(paper_id, Output.DOCUMENT)
    entities: Any = await bench.services.papers.output(paper_id, Output.ENTITIES)
    text = document["text"]
    title = document["origins"]["title"]
    assert text[title["start"] : title["end"]] == document["title"] == "A Title"
    assert all(
        text[mention["start"] : mention["end"]] == mention["text"] and mention["page"] == 1
        for entity in entities
        for mention in entity["mentions"]
    )

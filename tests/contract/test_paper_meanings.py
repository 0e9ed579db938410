"""What every `PaperStore` promises of meanings: compared with those of the same model, of documents that are visible."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.adapters.papers import vectors
from app.domain.embedding import Embedding
from app.domain.paper import Output
from app.ports import PaperStore
from tests.contract.conftest import sqlite_stores
from tests.contract.test_paper_outputs import put_document
from tests.support.builders import a_document, claimed, meaning, queued, stage_finished
from tests.support.store import delete, put_paper, run_to_completed, write

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

NORTH = meaning(0, 1)


async def put(store: PaperStore, paper_id: str, *means: float, model: str = "model") -> None:
    """A paper whose visible document means this."""
    await put_document(store, "text", id=paper_id)
    await store.put_embedding(paper_id, 1, meaning(*means, model=model))


async def test_papers_are_nearest_first(store: PaperStore) -> None:
    await put(store, "near", 1, 8)
    await put(store, "nearer", -1, 9)
    await put(store, "far", 5, 1)
    await put(store, "same", 0, 1)
    assert await store.nearest(NORTH, 10) == ["same", "nearer", "near", "far"]
    assert await store.nearest(NORTH, 2) == ["same", "nearer"]


async def test_what_points_elsewhere_is_not_near(store: PaperStore) -> None:
    await put(store, "right angle", 1, 0)
    await put(store, "away", 1, -1)
    assert await store.nearest(NORTH, 10) == []


async def test_vectors_of_another_model_are_never_compared(store: PaperStore) -> None:
    await put(store, "other", 0, 1, model="other")
    await put(store, "other space", 0, 1, 0, model="third")
    assert await store.nearest(NORTH, 10) == []
    assert await store.nearest(meaning(0, 1, model="other"), 10) == ["other"]
    await put(store, "own", 1, 1)
    assert await store.nearest(NORTH, 10) == ["own"]


async def test_a_paper_without_a_meaning_is_never_near(store: PaperStore) -> None:
    await put_document(store, "text", id="before")
    assert await store.nearest(NORTH, 10) == []


async def test_a_meaning_stored_again_replaces_itself(store: PaperStore) -> None:
    await put(store, "p", 1, 0)
    await store.put_embedding("p", 1, meaning(0, 1, model="other"))
    assert await store.nearest(meaning(1, 0), 10) == []
    assert await store.nearest(meaning(0, 1, model="other"), 10) == ["p"]


async def test_only_the_meaning_of_the_visible_run_counts(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store, id="p"))
    await store.put_embedding("p", 1, NORTH)
    record = await write(store, claimed(await write(store, queued(record))))
    await store.put_output("p", 2, Output.DOCUMENT, a_document("new"))
    await store.put_embedding("p", 2, meaning(1, 0))
    assert await store.nearest(NORTH, 10) == ["p"]
    assert await store.nearest(meaning(1, 0), 10) == []
    await write(store, stage_finished(record, outputs=(Output.DOCUMENT,)))
    assert await store.nearest(NORTH, 10) == []
    assert await store.nearest(meaning(1, 0), 10) == ["p"]


async def test_hidden_meanings_take_no_place_from_visible_ones(store: PaperStore) -> None:
    for number in range(5):
        await put_paper(store, id=f"hidden {number}")
        await store.put_embedding(f"hidden {number}", 1, NORTH)
    await put(store, "visible", 1, 1)
    assert await store.nearest(NORTH, 1) == ["visible"]


async def test_a_deleted_paper_is_not_near(store: PaperStore) -> None:
    record = await put_document(store, "text", id="p")
    await store.put_embedding("p", 1, NORTH)
    await delete(store, record)
    assert await store.nearest(NORTH, 10) == []


async def test_a_meaning_is_pruned_with_its_document(store: PaperStore) -> None:
    await put(store, "p", 0, 1)
    await put(store, "other", 0, 1)
    await store.put_embedding("p", 2, meaning(1, 0))
    await store.prune_outputs("p", keep={Output.DOCUMENT: 1})
    assert sorted(await store.nearest(NORTH, 10)) == ["other", "p"], "kept with the document of its run"
    await store.prune_outputs("p", keep={Output.DOCUMENT: 2, Output.ENTITIES: 1})
    assert await store.nearest(NORTH, 10) == ["other"]
    await store.prune_outputs("other", keep={})
    assert await store.nearest(NORTH, 10) == []


async def test_pruning_leaves_the_meaning_of_a_run_that_began_since(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store, id="p"))
    record = await write(store, claimed(await write(store, queued(record))))
    await store.put_embedding("p", 2, NORTH)
    await store.prune_outputs("p", keep={Output.DOCUMENT: 1})
    await write(store, stage_finished(record, outputs=(Output.DOCUMENT,)))
    assert await store.nearest(NORTH, 10) == ["p"]


async def test_the_answer_is_exact_however_many_are_read_at_once(
    store: PaperStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sqlite_outputs", "mongo_outputs"):
        monkeypatch.setattr(f"{vectors.__package__}.{module}.BATCH", 3)
    draw = random.Random(5)
    means = {f"p{number}": (draw.uniform(-1, 1), draw.uniform(0.1, 1)) for number in range(10)}
    for paper_id, (east, north) in means.items():
        await put(store, paper_id, east, north)
    assert await store.nearest(NORTH, 10) == sorted(
        means, key=lambda paper_id: abs(means[paper_id][0]) / means[paper_id][1]
    )


async def test_a_meaning_belongs_to_its_paper_and_is_no_output(store: PaperStore) -> None:
    await store.put_embedding("p", 1, Embedding(model="model", vector=b"\0\0\x80?"))
    assert [await store.get_output("p", 1, kind) for kind in Output] == [None] * len(Output)
    await store.prune_outputs("p", keep={})
    assert await store.output_owners() == []


async def test_a_file_of_before_there_were_meanings_takes_them(folder: Path) -> None:
    path = folder / "papers.db"
    async with sqlite_stores(path)() as store:
        await put_document(store, "text", id="before")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE embeddings")
    async with sqlite_stores(path)() as store:
        await put(store, "since", 0, 1)
        assert await store.nearest(NORTH, 10) == ["since"]
        await store.put_embedding("before", 1, NORTH)
        assert sorted(await store.nearest(NORTH, 10)) == ["before", "since"]

"""Search by words and meaning: a paper is found by either, and by both it comes before those of one."""

import threading
from collections.abc import Sequence

import anyio
import pytest

from app.domain.embedding import Embedding
from app.domain.paper import Output, PaperRecord
from app.ports import PaperStore
from app.services.search import Search
from tests.contract.test_paper_outputs import put_document
from tests.support.bench import Bench
from tests.support.builders import a_document, meaning
from tests.support.store import delete

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

NORTH, EAST = meaning(0, 1), meaning(1, 0)


async def put(store: PaperStore, paper_id: str, text: str, means: Embedding | None = None) -> PaperRecord:
    record = await put_document(store, text, title=paper_id.title(), id=paper_id)
    if means is not None:
        await store.put_embedding(paper_id, 1, means)
    return record


async def found(search: Search, q: str, limit: int = 20) -> list[str]:
    return [hit.paper_id for hit in await search.find(q, limit)]


def to_the_north(store: PaperStore) -> Search:
    """Whatever is asked means the same."""
    return Search(store, lambda _: NORTH)


async def test_a_paper_that_shares_no_word_with_the_query_is_found_by_its_meaning(bench: Bench) -> None:
    await put(bench.store, "stars", "Telescopes look at galaxies.", NORTH)
    await put(bench.store, "cells", "Microscopes look at tissue.", EAST)
    assert await found(Search(bench.store, None), "astronomy") == []
    assert await found(to_the_north(bench.store), "astronomy") == ["stars"]


async def test_a_paper_that_has_the_words_is_found_whatever_it_means(bench: Bench) -> None:
    await put(bench.store, "another", "Of astronomy.", meaning(0, -1))
    await put(bench.store, "older", "Of astronomy, too, stored before there was an encoder.")
    await put(bench.store, "stars", "Telescopes look at galaxies.", NORTH)
    assert sorted(await found(to_the_north(bench.store), "astronomy")) == ["another", "older", "stars"]


async def test_who_has_words_and_meaning_comes_first(bench: Bench) -> None:
    await put(bench.store, "words", "Astronomy, astronomy, astronomy.")
    await put(bench.store, "near", "Telescopes look at galaxies.", NORTH)
    await put(bench.store, "both", "Telescopes look at galaxies; that is one part of astronomy.", meaning(1, 9))
    hits = await to_the_north(bench.store).find("astronomy", 20)
    assert [hit.paper_id for hit in hits] == ["both", "words", "near"]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert await found(to_the_north(bench.store), "astronomy", 1) == ["both"], "though it is second in both orders"


async def test_no_more_is_found_than_was_asked_for_and_half_of_it_has_the_words(bench: Bench) -> None:
    for number in range(4):
        await put(bench.store, f"words-{number}", "Of astronomy.", EAST)
        await put(bench.store, f"near-{number}", "Of telescopes.", meaning(number, 9))
    hits = await found(to_the_north(bench.store), "astronomy", 4)
    assert [paper_id.partition("-")[0] for paper_id in hits] == ["words", "near", "words", "near"]


async def test_a_hit_by_meaning_shows_how_its_abstract_begins(bench: Bench) -> None:
    abstract = "Telescopes look at\ngalaxies. " + "And there is more. " * 30
    record = await put(bench.store, "stars", "", NORTH)
    document = {**a_document("Title, authors, and then the text.", "Stars"), "abstract": abstract}
    await bench.store.put_output("stars", 1, Output.DOCUMENT, document)
    [hit] = await to_the_north(bench.store).find("astronomy", 20)
    assert (hit.title, hit.filename) == ("Stars", record.paper.filename)
    assert hit.snippet.startswith("Telescopes look at galaxies. And there")
    assert hit.snippet.endswith("…")
    assert len(hit.snippet) <= 201


@pytest.mark.parametrize(
    ("text", "snippet"),
    [("A short text.", "A short text."), ("大" * 300, "大" * 200 + "…"), ("", "")],
    ids=["short", "without spaces", "empty"],
)
async def test_without_an_abstract_it_shows_how_the_text_begins(bench: Bench, text: str, snippet: str) -> None:
    await put(bench.store, "stars", text, NORTH)
    [hit] = await to_the_north(bench.store).find("astronomy", 20)
    assert hit.snippet == snippet


async def test_a_paper_that_is_deleted_while_it_is_searched_is_no_hit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await put(bench.store, "stars", "Telescopes look at galaxies.", NORTH)
    nearest = bench.store.nearest

    async def and_then_it_is_deleted(meaning: Embedding, limit: int) -> Sequence[str]:
        near = await nearest(meaning, limit)
        await delete(bench.store, record)
        return near

    monkeypatch.setattr(bench.store, "nearest", and_then_it_is_deleted)
    assert await found(to_the_north(bench.store), "astronomy") == []


async def test_a_hit_by_its_words_shows_where_they_stand(bench: Bench) -> None:
    await put(bench.store, "words", f"Telescopes look at galaxies. {'And there is more. ' * 30}It is astronomy.", NORTH)
    [hit] = await to_the_north(bench.store).find("astronomy", 20)
    assert "It is astronomy" in hit.snippet


async def test_the_query_is_read_as_it_was_asked_and_one_at_a_time(bench: Bench) -> None:
    asked: list[str] = []
    go_on = threading.Event()

    def embed(q: str) -> Embedding:
        asked.append(q)
        assert go_on.wait(5)
        return NORTH

    search = Search(bench.store, embed)
    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(search.find, f"query {number}", 20)
        await anyio.wait_all_tasks_blocked()
        await anyio.to_thread.run_sync(lambda: None)  # behind whatever was handed to a thread before it
        first = list(asked)
        go_on.set()
    assert len(first) == 1, "the others wait for it, and leave a core to the loop"
    assert sorted(asked) == ["query 0", "query 1", "query 2"]


async def test_by_words_alone_no_more_is_found_than_was_asked_for(bench: Bench) -> None:
    for number in range(3):
        await put(bench.store, f"words-{number}", "Of astronomy.", NORTH)
    assert len(await found(Search(bench.store, lambda _: None), "astronomy", 2)) == 2


async def test_a_query_that_means_nothing_is_searched_by_its_words(bench: Bench) -> None:
    await put(bench.store, "words", "Of astronomy.", NORTH)
    [hit] = await Search(bench.store, lambda _: None).find("astronomy", 20)
    assert hit == (await bench.store.search("astronomy", 20))[0], "with the score of its words"


async def test_the_loop_goes_on_while_a_query_is_read(bench: Bench) -> None:
    threads: list[threading.Thread] = []

    def embed(_: str) -> Embedding:
        threads.append(threading.current_thread())
        return NORTH

    await Search(bench.store, embed).find("astronomy", 20)
    assert threads != [threading.current_thread()]

"""What every `PaperStore` promises of outputs: kept per run, searchable once visible."""

import random
from typing import Any

import pytest

from app.domain.errors import ReadError
from app.domain.paper import Output, PaperRecord
from app.ports import PaperStore
from tests.contract.conftest import ConnectStore
from tests.support.builders import a_document, claimed, queued, stage_finished
from tests.support.store import put_paper, run_to_completed, write

pytestmark = pytest.mark.anyio


async def put_document(store: PaperStore, text: str, *, title: str | None = None, **fields: Any) -> PaperRecord:
    """A paper at work whose document of run 1 is visible."""
    record = await write(store, claimed(await write(store, queued(await put_paper(store, **fields)))))
    await store.put_output(record.paper.id, 1, Output.DOCUMENT, a_document(text, title))
    return await write(store, stage_finished(record, outputs=(Output.DOCUMENT,), snapshot={"title": title}))


async def found(store: PaperStore, q: str) -> list[str]:
    return [hit.paper_id for hit in await store.search(q, 10)]


async def test_an_output_comes_back_exactly(store: PaperStore) -> None:
    bodies: list[Any] = [{}, [], {"a": [1, 2.5, None, True, 'ü – 大 🚀 \u0000 \u2028 " \\']}, "text", 0, False]
    for run, body in enumerate(bodies):
        await store.put_output("p", run, Output.ENTITIES, body)
        answer = await store.get_output("p", run, Output.ENTITIES)
        assert answer == body
        assert type(answer) is type(body)


async def test_outputs_are_kept_by_paper_run_and_kind(store: PaperStore) -> None:
    for paper_id, run, kind in [("p", 1, Output.ENTITIES), ("p", 2, Output.ENTITIES), ("p", 1, Output.DOCUMENT)]:
        await store.put_output(paper_id, run, kind, {"of": [paper_id, run, kind.value]})
    assert await store.get_output("p", 1, Output.ENTITIES) == {"of": ["p", 1, "entities"]}
    assert await store.get_output("p", 2, Output.ENTITIES) == {"of": ["p", 2, "entities"]}
    assert await store.get_output("p", 2, Output.DOCUMENT) is None
    assert await store.get_output("q", 1, Output.ENTITIES) is None


async def test_an_output_stored_again_replaces_itself(store: PaperStore) -> None:
    await store.put_output("p", 1, Output.DOCUMENT, a_document("first"))
    await store.put_output("p", 1, Output.DOCUMENT, a_document("second"))
    assert await store.get_output("p", 1, Output.DOCUMENT) == a_document("second")


@pytest.mark.slow
async def test_a_long_text_can_be_stored(store: PaperStore) -> None:
    """4 million characters, the most a reader gives."""
    document = a_document("Größe des Modells 大 🚀. " * 180_000)
    assert len(document["text"]) > 4_000_000
    await store.put_output("p", 1, Output.READING, document)
    assert await store.get_output("p", 1, Output.READING) == document


async def test_pruning_keeps_the_visible_outputs(store: PaperStore) -> None:
    for run in (1, 2):
        for kind in (Output.READING, Output.DOCUMENT, Output.ENTITIES):
            await store.put_output("p", run, kind, a_document(f"run {run}"))
            await store.put_output("other", run, kind, a_document(f"run {run}"))
    await store.prune_outputs("p", keep={Output.DOCUMENT: 2, Output.ENTITIES: 1})
    left = [(run, kind) for run in (1, 2) for kind in Output if await store.get_output("p", run, kind) is not None]
    assert left == [(1, Output.ENTITIES), (2, Output.DOCUMENT)]
    assert await store.get_output("other", 1, Output.READING) is not None


async def test_pruning_leaves_the_outputs_of_a_run_that_began_since(store: PaperStore) -> None:
    await store.put_output("p", 1, Output.READING, "of the run that prunes")
    await store.put_output("p", 2, Output.READING, "of the next run, at work by now")
    await store.prune_outputs("p", keep={Output.DOCUMENT: 1})
    assert await store.get_output("p", 1, Output.READING) is None
    assert await store.get_output("p", 2, Output.READING) is not None


async def test_pruning_with_nothing_to_keep_removes_all(store: PaperStore) -> None:
    record = await put_document(store, "some words")
    await store.put_output(record.paper.id, 7, Output.READING, "later")
    await store.prune_outputs(record.paper.id, keep={})
    assert await store.get_output(record.paper.id, 1, Output.DOCUMENT) is None
    assert await store.get_output(record.paper.id, 7, Output.READING) is None
    assert await found(store, "words") == []


# -- search


async def test_a_document_is_found_by_all_words_of_the_query(store: PaperStore) -> None:
    await put_document(store, "We train a residual network on images.", title="Deep Learning", id="p")
    await put_document(store, "We train a transformer.", id="q")
    assert await found(store, "RESIDUAL images") == ["p"]
    assert await found(store, "deep residual") == ["p"]
    assert sorted(await found(store, "train")) == ["p", "q"]
    assert await found(store, "residual transformer") == []
    assert await found(store, "resid") == []


async def test_words_are_found_whatever_their_accents(store: PaperStore) -> None:
    await put_document(store, "Der naïve Bayes-Klassifikator von Müller, 大規模 и Модель_2", id="p")
    for q in ("naive", "NAÏVE", "mu\u0308ller", "Muller", "大規模", "модель", "bayes klassifikator"):
        assert await found(store, q) == ["p"], q


async def test_a_title_counts_for_more_than_the_text(store: PaperStore) -> None:
    await put_document(store, "A text about attention. " * 3, title="Something Else", id="a-text")
    await put_document(store, "Nothing of the kind. " * 3, title="Attention", id="b-title")
    hits = await store.search("attention", 10)
    assert [hit.paper_id for hit in hits] == ["b-title", "a-text"]
    assert hits[0].score > hits[1].score
    assert [hit.paper_id for hit in await store.search("attention", 1)] == ["b-title"]


async def test_who_says_a_word_more_often_in_fewer_words_comes_first(store: PaperStore) -> None:
    await put_document(store, "Bert once, 2019. " + "And other things. " * 30, title=None, id="once")
    await put_document(store, "Bert, bert and bert again, 2019. " + "Other things. " * 10, title=None, id="often")
    await put_document(store, "Bert once, 2019. " + "And other things. " * 300, title=None, id="long")
    assert await found(store, "bert 2019") == ["often", "once", "long"]


async def test_a_rare_word_of_the_query_weighs_more_than_a_usual_one(store: PaperStore) -> None:
    for n in range(4):
        await put_document(store, "The usual network. ", title=None, id=f"n{n}")
    await put_document(store, "A network, a network, a network; and one quokka. ", title=None, id="network")
    await put_document(store, "A quokka, a quokka, a quokka; and one network. ", title=None, id="quokka")
    assert await found(store, "network quokka") == ["quokka", "network"]


async def test_a_hit_shows_where_the_words_are(store: PaperStore) -> None:
    text = "Filler before. " * 50 + "Here the\nQuokka\tlives. " + "Filler after. " * 50
    await put_document(store, text, title="Animals", filename="animals.pdf", id="p")
    [hit] = await store.search("quokka", 10)
    assert (hit.title, hit.filename) == ("Animals", "animals.pdf")
    assert "Here the Quokka lives." in hit.snippet
    assert 150 <= len(hit.snippet) <= 205
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")


async def test_only_the_document_of_the_visible_run_is_found(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store, id="p"), text="old words")
    record = await write(store, claimed(await write(store, queued(record))))
    await store.put_output("p", 2, Output.DOCUMENT, a_document("new words"))
    assert await found(store, "new") == []
    assert await found(store, "old") == ["p"]
    await write(store, stage_finished(record, outputs=(Output.DOCUMENT,)))
    assert await found(store, "new") == ["p"]
    assert await found(store, "old") == []
    assert await found(store, "words") == ["p"]


async def test_other_outputs_are_not_searched(store: PaperStore) -> None:
    record = await put_document(store, "the document", id="p")
    await store.put_output(record.paper.id, 1, Output.REFERENCES, a_document("elsewhere"))
    assert await found(store, "elsewhere") == []


async def test_a_removed_document_is_found_under_no_other_paper(store: PaperStore) -> None:
    gone = await put_document(store, "secret words", id="gone")
    await store.prune_outputs(gone.paper.id, keep={})
    record = await write(store, claimed(await write(store, queued(await put_paper(store, id="other")))))
    await store.put_output("other", 1, Output.READING, "what comes next may take the place of what went")
    await store.put_output("other", 1, Output.DOCUMENT, a_document("other words"))
    await write(store, stage_finished(record, outputs=(Output.DOCUMENT,)))
    assert await found(store, "secret") == []
    assert await found(store, "words") == ["other"]


async def test_a_query_without_words_finds_nothing(store: PaperStore) -> None:
    await put_document(store, 'all sorts of words and "quotes" _ -- 🚀')
    for q in ["", "   ", "***", '"', "--", "_", "\u0000", "🚀", "( ) : ^ -"]:
        assert await found(store, q) == [], q


async def test_a_query_is_words_and_never_syntax(store: PaperStore) -> None:
    await put_document(store, "alpha beta title drop table papers where", id="p")
    marked = ['alpha"', '"alpha', "alpha*", "(alpha", "title:alpha", "^alpha", "-alpha", "alpha + beta", "{alpha}"]
    for q in [*marked, "alpha\u0000beta", "alpha; DROP TABLE papers", "$where alpha"]:
        assert await found(store, q) == ["p"], q
    for q in ["alpha OR gamma", "NOT alpha", "alpha NEAR beta", "alpha AND NOT beta"]:
        assert await found(store, q) == [], q  # operators are words too, which the document does not have


@pytest.mark.slow
async def test_a_query_of_a_thousand_words_is_answered(store: PaperStore) -> None:
    many = " ".join(f"w{n}" for n in range(1000))
    await put_document(store, many, id="p")
    assert await found(store, many) == ["p"]
    assert await found(store, f"{many} another") == []


# -- what does not fit


@pytest.mark.slow
async def test_an_output_too_large_to_store_ends_the_run_and_not_the_service(connect_store: ConnectStore) -> None:
    body = random.Random(1).randbytes(13_000_000).hex()  # of this, 13 MB remain when compressed; of twice as much, 26
    async with connect_store() as store:
        await store.put_output("p", 1, Output.READING, body)
        if type(store).__name__ == "MongoPaperStore":
            with pytest.raises(ReadError, match="too large"):
                await store.put_output("p", 1, Output.READING, body + body[::-1])
        assert await store.get_output("p", 1, Output.READING) == body


async def test_the_papers_that_outputs_belong_to_are_each_listed_once(store: PaperStore) -> None:
    for paper_id, run in [("p", 1), ("p", 2), ("q", 1), ("r", 1)]:
        await store.put_output(paper_id, run, Output.ENTITIES, [])
    await store.prune_outputs("r", keep={})
    assert sorted(await store.output_owners()) == ["p", "q"]

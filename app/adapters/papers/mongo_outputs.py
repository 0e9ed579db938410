"""Outputs in MongoDB, and the words and meanings of documents by which they are found."""

import zlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from statistics import fmean
from typing import Any

from anyio import to_thread
from pydantic import JsonValue
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DocumentTooLarge

from app.adapters.papers.codec import output_from_text, output_to_text, record_from_json
from app.adapters.papers.text import TITLE_WEIGHT, bm25, rarity, snippet, words, words_of_query
from app.adapters.papers.vectors import BATCH, Nearest, Place
from app.domain.embedding import Embedding
from app.domain.errors import ReadError
from app.domain.paper import Output, Paper
from app.ports import SearchHit

TERMS = 50_000
"""Distinct words of a document that it can be found by."""
LONGEST_TERM = 64
MEANINGS, MEANINGS_END = "meaning:", "meaning;"
"""What the ids of embeddings begin with, and what comes after the last of them."""
SMALL = 50_000
"""Packed bytes that are unpacked sooner than a thread is found."""


class MongoOutputs:
    """An output is one compressed document of its own, so none can make a paper's document too large.

    A document's distinct words stand beside it, indexed: MongoDB's own text index is not needed, which the servers that
    only speak its protocol do not have.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._papers = database["papers"]
        self._outputs = database["outputs"]
        self._terms = database["terms"]

    async def prepare(self) -> None:
        await self._outputs.create_index([("paper_id", 1)])
        await self._terms.create_index([("paper_id", 1)])
        await self._terms.create_index([("terms", 1)])

    async def put(self, paper_id: str, run: int, kind: Output, body: JsonValue) -> None:
        # Only workers put, and their loop has little else to do; a thread would cost more than most outputs.
        output = {"paper_id": paper_id, "run": run, "kind": kind.value, "body": _pack(body)}
        try:
            await self._outputs.replace_one({"_id": f"{paper_id}:{run}:{kind}"}, output, upsert=True)
        except DocumentTooLarge as error:
            raise ReadError("file_too_complex", "What was read from the file is too large to be stored.") from error
        if kind is Output.DOCUMENT and isinstance(body, dict):
            found = {"paper_id": paper_id, "run": run, **_terms(body)}
            await self._terms.replace_one({"_id": f"{paper_id}:{run}"}, found, upsert=True)

    async def get(self, paper_id: str, run: int, kind: Output) -> JsonValue | None:
        output = await self._outputs.find_one({"_id": f"{paper_id}:{run}:{kind}"})
        if output is None:
            return None
        packed: bytes = output["body"]
        return _unpack(packed) if len(packed) < SMALL else await to_thread.run_sync(_unpack, packed)

    async def owners(self) -> Sequence[str]:
        found = await self._outputs.find({}, {"paper_id": 1}).to_list(None)
        return sorted({output["paper_id"] for output in found})

    async def prune(self, paper_id: str, keep: Mapping[Output, int]) -> None:
        """Outputs of runs above the newest one kept stay: they belong to a run that began since."""
        newest = max(keep.values(), default=None)
        gone: dict[str, Any] = {"paper_id": paper_id}
        if newest is not None:
            gone["run"] = {"$lte": newest}
        kept = [f"{paper_id}:{run}:{kind}" for kind, run in keep.items()]
        if Output.DOCUMENT in keep:
            kept.append(_meaning_id(paper_id, keep[Output.DOCUMENT]))
        await self._outputs.delete_many({**gone, "_id": {"$nin": kept}})
        kept = [f"{paper_id}:{run}" for kind, run in keep.items() if kind is Output.DOCUMENT]
        await self._terms.delete_many({**gone, "_id": {"$nin": kept}})

    async def search(self, q: str, limit: int) -> Sequence[SearchHit]:
        """Ranked by BM25; of equals the newest comes first."""
        wanted = words_of_query(q)
        if not wanted:
            return []
        scores = await self._scores(sorted({word[:LONGEST_TERM] for word in wanted}))
        visible = await self._visible({paper_id for paper_id, _ in scores})
        ranked = sorted(
            (
                (scores[paper.id, run], paper.created_at, paper.id, paper, run)
                for paper, run in visible
                if (paper.id, run) in scores
            ),
            reverse=True,
        )
        return [
            SearchHit(
                paper_id=paper.id,
                title=paper.title,
                filename=paper.filename,
                snippet=await self._snippet(paper.id, run, wanted),
                score=score,
            )
            for score, _, _, paper, run in ranked[:limit]
        ]

    async def put_embedding(self, paper_id: str, run: int, embedding: Embedding) -> None:
        """Among the outputs, under ids that lie together in the index that is there anyway.

        Where nobody makes any, no index is kept for them, and they take no step of their own when outputs go.
        """
        meaning = {"paper_id": paper_id, "run": run, "model": embedding.model, "vector": embedding.vector}
        await self._outputs.replace_one({"_id": _meaning_id(paper_id, run)}, meaning, upsert=True)

    async def nearest(self, meaning: Embedding, limit: int) -> Sequence[str]:
        found, last = Nearest(meaning), MEANINGS
        while rows := await self._meanings(meaning.model, last):
            found.add([(row["paper_id"], row["run"]) for row in rows], [row["vector"] for row in rows])
            last = rows[-1]["_id"]
        return await found.visible(limit, self._shown)

    async def _meanings(self, model: str, after: str) -> list[dict[str, Any]]:
        wanted = {"_id": {"$gt": after, "$lt": MEANINGS_END}, "model": model}
        return await self._outputs.find(wanted).sort([("_id", 1)]).limit(BATCH).to_list(None)

    async def _shown(self, places: Sequence[Place]) -> Collection[Place]:
        """Those of the places whose document is visible."""
        return {(paper.id, run) for paper, run in await self._visible({paper_id for paper_id, _ in places})}

    async def _scores(self, terms: Sequence[str]) -> dict[tuple[str, int], float]:
        """Of each document that has all the words, by paper and run. The lengths of those few stand for all.

        What was stored before words were counted has each word once, and the mean length.
        """
        fields = {"paper_id": 1, "run": 1, "length": 1, **{f"counts.{term}": 1 for term in terms}}
        found = await self._terms.find({"terms": {"$all": terms}}, fields).to_list(None)
        if not found:
            return {}
        documents = await self._terms.estimated_document_count()
        rarities = [rarity(await self._terms.count_documents({"terms": term}), documents) for term in terms]
        lengths = [hit["length"] for hit in found if "length" in hit]
        mean_length = fmean(lengths) if lengths else 1
        return {
            (hit["paper_id"], hit["run"]): bm25(
                [hit.get("counts", {}).get(term, 1) for term in terms],
                rarities,
                hit.get("length", mean_length) / mean_length,
            )
            for hit in found
        }

    async def _visible(self, paper_ids: set[str]) -> list[tuple[Paper, int]]:
        """Which of the papers show a document, and of which run."""
        records = await self._papers.find(
            {"_id": {"$in": sorted(paper_ids)}, "record.deleted_at": None}, {"record": 1}
        ).to_list(None)
        shown = (record_from_json(found["record"], 0) for found in records)
        return [
            (record.paper, record.outputs[Output.DOCUMENT]) for record in shown if Output.DOCUMENT in record.outputs
        ]

    async def _snippet(self, paper_id: str, run: int, wanted: Sequence[str]) -> str:
        document = await self.get(paper_id, run, Output.DOCUMENT)
        text = document.get("text") if isinstance(document, dict) else None
        return await to_thread.run_sync(snippet, str(text or ""), wanted)


def _meaning_id(paper_id: str, run: int) -> str:
    return f"{MEANINGS}{paper_id}:{run}"


def _pack(body: JsonValue) -> bytes:
    return zlib.compress(output_to_text(body).encode(), level=3)


def _unpack(packed: bytes) -> JsonValue:
    return output_from_text(zlib.decompress(packed))


def _terms(document: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The words to find the document by, and for its rank how often it has each: one in the title counts for more."""
    counts: Counter[str] = Counter()
    for part, weight in (("title", TITLE_WEIGHT), ("text", 1)):
        for word in words(str(document.get(part) or "")):
            counts[word[:LONGEST_TERM]] += weight
    length = counts.total()
    kept = dict(islice(counts.items(), TERMS))
    return {"terms": list(kept), "counts": kept, "length": max(length, 1)}

"""Papers by the words of their text and, where there is a model for it, by what they mean."""

from collections.abc import Callable, Sequence

from anyio import CapacityLimiter, to_thread

from app.domain.embedding import Embedding
from app.domain.fusion import fuse
from app.domain.knowledge import Document
from app.domain.paper import Output
from app.ports import PaperStore, SearchHit

DEPTH = 50
"""So far into both orders is looked at least: what is second in both may be better than what is first in one."""
SNIPPET = 200
"""Characters."""

Embed = Callable[[str], Embedding | None]


class Search:
    """Without `embed` just the store's search by words."""

    def __init__(self, store: PaperStore, embed: Embed | None) -> None:
        self._store = store
        self._embed = embed
        # One query at a time: the loop, and with it every socket, keeps a core for itself.
        self._limiter = CapacityLimiter(1)

    async def find(self, q: str, limit: int) -> Sequence[SearchHit]:
        """Best first. Papers that have all the words are at least half of the hits, if there are so many."""
        if self._embed is None:
            return await self._store.search(q, limit)
        meaning = await to_thread.run_sync(self._embed, q, limiter=self._limiter)
        if meaning is None:
            return await self._store.search(q, limit)
        depth = max(limit, DEPTH)
        with_the_words = {hit.paper_id: hit for hit in await self._store.search(q, depth)}
        near = await self._store.nearest(meaning, depth)
        hits: list[SearchHit] = []
        for paper_id, score in fuse(list(with_the_words), near):
            if len(hits) == limit:
                break
            hit = with_the_words.get(paper_id) or await self._near(paper_id)
            if hit is not None:
                hits.append(hit.model_copy(update={"score": score}))
        return hits

    async def _near(self, paper_id: str) -> SearchHit | None:
        """A paper that does not have the words; None when it went meanwhile."""
        record = await self._store.get(paper_id)
        run = None if record is None or record.deleted_at is not None else record.outputs.get(Output.DOCUMENT)
        body = None if run is None else await self._store.get_output(paper_id, run, Output.DOCUMENT)
        if record is None or body is None:
            return None
        document = await to_thread.run_sync(Document.model_validate, body)
        return SearchHit(
            paper_id=paper_id,
            title=record.paper.title,
            filename=record.paper.filename,
            snippet=_beginning(document.abstract or document.text),
            score=0,
        )


def _beginning(text: str) -> str:
    words = " ".join(text[: 4 * SNIPPET].split())
    return words if len(words) <= SNIPPET else words[:SNIPPET].rsplit(" ", 1)[0] + "…"

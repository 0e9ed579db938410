"""Runs whose attempts ran out, parked for somebody to look at: listed with their reason, and run again on request."""

from app.domain.errors import NotDeadLetterError
from app.domain.paper import Paper
from app.ports import DeadLetterPage, PaperStore
from app.services.papers import BatchAnswer, Papers, Rejection

PAGE = 200


class DeadLetters:
    """A view of the store, and no list of its own: a paper leaves it when it is processed again, or deleted."""

    def __init__(self, store: PaperStore, papers: Papers) -> None:
        self._store = store
        self._papers = papers

    async def list(self, limit: int, cursor: str | None) -> DeadLetterPage:
        return await self._store.dead_letters(limit, cursor)

    async def retry(self, paper_id: str) -> Paper:
        """Opens a run. Raises `NotDeadLetterError` where the last one ended otherwise, and what `process` raises."""
        if not (await self._papers.get(paper_id)).is_dead_letter:
            raise NotDeadLetterError(paper_id)
        return await self._papers.process(paper_id)

    async def retry_all(self, page_size: int = PAGE) -> BatchAnswer:
        """Opens a run of each that is parked now; one that fails again meanwhile is not met twice."""
        accepted: tuple[Paper, ...] = ()
        rejected: tuple[Rejection, ...] = ()
        cursor: str | None = None
        while True:
            page = await self._store.dead_letters(page_size, cursor)
            answer = await self._papers.process_batch([letter.paper_id for letter in page.items])
            accepted, rejected = (*accepted, *answer.accepted), (*rejected, *answer.rejected)
            cursor = page.next_cursor
            if cursor is None:
                return BatchAnswer(accepted=accepted, rejected=rejected)

"""Runs whose attempts ran out: who they are, and another run for one or for all."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.dependencies import AllServices
from app.api.errors import answers, documented
from app.api.examples import DONE_AT, PAPER
from app.api.runs import AWAY, BATCH, BUSY, FULL, INVALID, OPENED, UNKNOWN, BatchResponse, RunAnswer
from app.domain.decisions import MAX_ATTEMPTS
from app.domain.errors import InvalidCursorError, NotDeadLetterError, ReaderCrashedError
from app.domain.paper import DeadLetter, Failure
from app.ports import DeadLetterPage

router = APIRouter(prefix="/dead-letters", tags=["dead letters"], responses=documented(AWAY))

CRASHED = ReaderCrashedError("SIGSEGV")
LETTER = DeadLetter(
    paper_id=PAPER.id,
    filename=PAPER.filename,
    run=1,
    attempts=MAX_ATTEMPTS,
    error=Failure(code=CRASHED.code, detail=CRASHED.detail, stage="read"),
    failed_at=DONE_AT,
)


@router.get(
    "", responses=answers(DeadLetterPage(items=(LETTER,), next_cursor="MjAyNi0wMS0zMQ"), INVALID, InvalidCursorError())
)
async def list_dead_letters(
    services: AllServices,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")] = None,
) -> DeadLetterPage:
    """Papers whose last run failed because its attempts ran out, the newest paper first."""
    return await services.dead_letters.list(limit, cursor)


@router.post("/retry", responses=answers(BATCH))
async def retry_dead_letters(services: AllServices) -> BatchResponse:
    """Opens a run of every dead letter."""
    return BatchResponse.of(await services.dead_letters.retry_all())


@router.post("/{paper_id}/retry", responses=answers(OPENED, UNKNOWN, NotDeadLetterError(PAPER.id), BUSY, FULL))
async def retry_dead_letter(paper_id: str, services: AllServices) -> RunAnswer:
    """Opens a run of one dead letter, with all its attempts."""
    return RunAnswer.of(await services.dead_letters.retry(paper_id))

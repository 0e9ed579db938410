"""Papers over HTTP."""

from collections.abc import AsyncIterator
from typing import Annotated, Generic, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, Field

from app.api.dependencies import ThePapers
from app.api.errors import answers, documented
from app.api.examples import (
    DOCUMENT,
    ENTITY,
    EVENT,
    NEW_PAPER,
    OTHER_ID,
    PAPER,
    PAPER_ID,
    REFERENCE,
    RELATIONSHIP,
)
from app.api.runs import AWAY, BATCH, BUSY, ENDED, FULL, INVALID, OPENED, UNKNOWN, BatchResponse, RunAnswer
from app.api.upload import receive_file
from app.domain.errors import (
    EmptyFileError,
    FileLostError,
    FileTooLargeError,
    InvalidCursorError,
    InvalidError,
    MissingFileError,
    NotExtractedError,
    PaperNotRunningError,
    UnsupportedTypeError,
)
from app.domain.events import PaperEvent
from app.domain.knowledge import Document, Entity, Reference, Relationship
from app.domain.lifecycle import Status
from app.domain.model import Value
from app.domain.paper import PRIORITIES, PRIORITY, Output, Paper
from app.ports import PaperPage

T = TypeVar("T")


router = APIRouter(prefix="/papers", tags=["papers"], responses=documented(AWAY))


class Items(Value, Generic[T]):
    """A list that needs no pages."""

    items: tuple[T, ...]


class PaperEvents(Items[PaperEvent]):
    """Events of one paper, oldest first."""


def _check_whole(text: str) -> str:
    text.encode()  # half a surrogate pair is JSON, but no text: nothing could store or answer it
    return text


Id = Annotated[str, AfterValidator(_check_whole)]


Priority = Annotated[int, Query(ge=PRIORITIES[0], le=PRIORITIES[-1], description="of the run; a higher one goes first")]


class BatchRequest(Value):
    """The papers to process."""

    paper_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=1000, examples=[[PAPER_ID, OTHER_ID]])]


BAD_PRIORITY = InvalidError("query.priority: Input should be less than or equal to 9.")
UPLOAD_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "the paper, at most 50 MB"}
                    },
                }
            }
        },
    }
}


@router.post(
    "/",
    status_code=201,
    openapi_extra=UPLOAD_FORM,
    responses=answers(
        NEW_PAPER,
        FileTooLargeError(50),
        UnsupportedTypeError(),
        EmptyFileError(),
        MissingFileError(),
        FULL,
        status=201,
    ),
)
async def submit_paper(request: Request, response: Response, papers: ThePapers) -> Paper:
    """Takes a paper in. Its type is told by its content, not by its name."""
    async with receive_file(request, request.state.max_upload_mb) as (filename, source):
        paper = await papers.submit(source, filename, request.state.max_upload_mb)
    response.headers["Location"] = f"/papers/{paper.id}"
    return paper


@router.get(
    "/", responses=answers(PaperPage(items=(PAPER,), next_cursor="MjAyNi0wMS0zMQ"), INVALID, InvalidCursorError())
)
async def list_papers(
    papers: ThePapers,
    status: Status | None = None,
    q: Annotated[str | None, Query(max_length=200, description="part of the title or the file name")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")] = None,
) -> PaperPage:
    """Papers, newest first. Each carries its `seq`: open `/ws` first, then ask for the list, and nothing is missed."""
    return await papers.list(status, q, limit, cursor)


@router.post("/batch/process", responses=answers(BATCH, InvalidError("body.paper_ids: Field required.")))
async def process_batch(batch: BatchRequest, papers: ThePapers, priority: Priority = PRIORITY) -> BatchResponse:
    """Opens a run of each paper that can have one."""
    answer = await papers.process_batch(batch.paper_ids, priority)
    return BatchResponse.of(answer)


@router.get("/{paper_id}", responses=answers(PAPER, UNKNOWN))
async def get_paper(paper_id: str, papers: ThePapers) -> Paper:
    """The snapshot of a paper."""
    return await papers.get(paper_id)


@router.delete("/{paper_id}", status_code=204, responses=documented(UNKNOWN, FULL))
async def delete_paper(paper_id: str, papers: ThePapers) -> None:
    """Deletes a paper with its file, what was extracted, and its part of the graph; ends its run if there is one."""
    await papers.delete(paper_id)


@router.get("/{paper_id}/events", responses=answers(PaperEvents(items=(EVENT,)), UNKNOWN, INVALID))
async def get_events(
    paper_id: str,
    papers: ThePapers,
    after: Annotated[int, Query(ge=0, le=2**53, description="a `seq`")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> PaperEvents:
    """The paper's events after a `seq`, oldest first. They have `seq` as their position, and no `id`."""
    return PaperEvents(items=tuple(await papers.events(paper_id, after, limit)))


@router.get("/{paper_id}/document", responses=answers(DOCUMENT, UNKNOWN, NotExtractedError("document")))
async def get_document(paper_id: str, papers: ThePapers) -> Document:
    """Title, authors, abstract, sections and text."""
    return Document.model_validate(await papers.output(paper_id, Output.DOCUMENT))


@router.get(
    "/{paper_id}/references",
    responses=answers(Items(items=(REFERENCE,)), UNKNOWN, NotExtractedError("references")),
)
async def get_references(paper_id: str, papers: ThePapers) -> Items[Reference]:
    """What the paper cites."""
    return Items[Reference].model_validate({"items": await papers.output(paper_id, Output.REFERENCES)})


@router.get("/{paper_id}/entities", responses=answers(Items(items=(ENTITY,)), UNKNOWN, NotExtractedError("entities")))
async def get_entities(paper_id: str, papers: ThePapers) -> Items[Entity]:
    """What the paper speaks of, with every mention."""
    return Items[Entity].model_validate({"items": await papers.output(paper_id, Output.ENTITIES)})


@router.get(
    "/{paper_id}/relationships",
    responses=answers(Items(items=(RELATIONSHIP,)), UNKNOWN, NotExtractedError("relationships")),
)
async def get_relationships(paper_id: str, papers: ThePapers) -> Items[Relationship]:
    """How the entities relate, with the sentences that say so."""
    return Items[Relationship].model_validate({"items": await papers.output(paper_id, Output.RELATIONSHIPS)})


@router.get(
    "/{paper_id}/file",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
        **documented(UNKNOWN, FileLostError()),
    },
)
async def get_file(paper_id: str, papers: ThePapers) -> StreamingResponse:
    """The original bytes."""
    paper = await papers.get(paper_id)
    chunks = papers.file(paper_id)
    first = await anext(chunks, b"")  # a file that is gone is told before the answer begins

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    headers = {
        "Content-Type": paper.content_type,  # as a header: to a media type of text Starlette adds a charset, which nobody knows
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(paper.filename, safe='')}",
        "Content-Length": str(paper.size),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(body(), headers=headers)


@router.post("/{paper_id}/process", responses=answers(OPENED, UNKNOWN, BUSY, BAD_PRIORITY, FULL))
async def process_paper(paper_id: str, papers: ThePapers, priority: Priority = PRIORITY) -> RunAnswer:
    """Opens a run; what an earlier one found stays visible until this one has found its own."""
    return RunAnswer.of(await papers.process(paper_id, priority))


@router.post("/{paper_id}/cancel", responses=answers(ENDED, UNKNOWN, PaperNotRunningError(Status.COMPLETED), FULL))
async def cancel_paper(paper_id: str, papers: ThePapers) -> RunAnswer:
    """Ends the run: what is at work on it stops between stages at the latest."""
    return RunAnswer.of(await papers.cancel(paper_id))

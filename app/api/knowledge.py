"""What all papers together say: search and graph."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.dependencies import AllServices
from app.api.errors import answers, documented
from app.api.examples import CITATIONS, HIT, METHOD, NEIGHBOURS, RELATED
from app.api.papers import Items
from app.api.runs import AWAY, INVALID, UNKNOWN
from app.domain.errors import EntityNotFoundError
from app.domain.graph import Citations, EntityNeighbours, RelatedPaper
from app.ports import SearchHit

router = APIRouter(tags=["knowledge"], responses=documented(AWAY))

Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/search", responses=answers(Items(items=(HIT,)), INVALID))
async def search(
    services: AllServices,
    q: Annotated[str, Query(min_length=1, max_length=500, description="words that the text must have")],
    limit: Limit = 20,
) -> Items[SearchHit]:
    """Papers whose text has all the words, best first.

    Where `PAPERS_EMBEDDER` names an encoder, papers too whose title and abstract mean something like it.
    """
    return Items(items=tuple(await services.search.find(q, limit)))


@router.get("/graph/entities/{key:path}", responses=answers(NEIGHBOURS, EntityNotFoundError(METHOD), INVALID))
async def get_entity(key: str, services: AllServices, limit: Limit = 50) -> EntityNeighbours:
    """An entity, the papers that name it, and its neighbours in the graph."""
    found = await services.graph.neighbours(key, limit)
    if found is None:
        raise EntityNotFoundError(key)
    return found


@router.get("/graph/papers/{paper_id}/citations", responses=answers(CITATIONS, UNKNOWN, INVALID))
async def get_citations(paper_id: str, services: AllServices, limit: Limit = 100) -> Citations:
    """The papers here that this one cites and that cite it, told by DOI, or by title with year or first author."""
    await services.papers.get(paper_id)
    return await services.graph.citations(paper_id, limit)


@router.get("/graph/papers/{paper_id}/related", responses=answers(Items(items=(RELATED,)), UNKNOWN, INVALID))
async def get_related(paper_id: str, services: AllServices, limit: Limit = 20) -> Items[RelatedPaper]:
    """The papers that share entities with this one; a rare entity counts more than one that many papers mention."""
    await services.papers.get(paper_id)
    return Items(items=tuple(await services.graph.related(paper_id, limit)))

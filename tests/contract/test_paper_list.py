"""What every `PaperStore` promises of its list: newest first, page by page, narrowed by status and by words."""

import pytest

from app.domain.errors import InvalidCursorError
from app.domain.lifecycle import Status
from app.ports import PaperStore
from tests.support.builders import (
    at,
    claimed,
    queued,
    stage_finished,
)
from tests.support.store import delete, put_paper, write

pytestmark = pytest.mark.anyio


async def ids(store: PaperStore, status: Status | None = None, q: str | None = None) -> list[str]:
    return [paper.id for paper in (await store.list(status, q, 100, None)).items]


async def test_the_list_is_newest_first_and_by_id_where_times_are_equal(store: PaperStore) -> None:
    for paper_id, seconds in [("b", 0), ("c", 5), ("a", 0), ("d", -5)]:
        await put_paper(store, id=paper_id, created_at=at(seconds))
    page = await store.list(None, None, 100, None)
    assert [paper.id for paper in page.items] == ["c", "b", "a", "d"]
    assert page.next_cursor is None


async def test_pages_hold_every_paper_once_though_papers_come_and_go(store: PaperStore) -> None:
    records = [await put_paper(store, id=f"p{n}", created_at=at(n // 2)) for n in range(9)]
    walked: list[str] = []
    cursor = None
    for page_number in range(10):
        page = await store.list(None, None, 2, cursor)
        assert len(page.items) <= 2
        walked += [paper.id for paper in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        await put_paper(store, id=f"new{page_number}", created_at=at(100 + page_number))
        if page_number == 1:
            await delete(store, records[8])  # was listed: the cursor does not need it
    assert walked == ["p8", "p7", "p6", "p5", "p4", "p3", "p2", "p1", "p0"]


async def test_a_page_that_ends_with_the_last_paper_has_no_cursor(store: PaperStore) -> None:
    for n in range(4):
        await put_paper(store, created_at=at(n))
    page = await store.list(None, None, 2, None)
    assert page.next_cursor is not None
    assert (await store.list(None, None, 2, page.next_cursor)).next_cursor is None


async def test_a_cursor_that_is_not_ours_is_refused(store: PaperStore) -> None:
    almost = ["MjAyNi0wMS0zMVQxMjowMDowMC4wMDBaIGE=", "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMCBh"]  # padded; before year 1
    for cursor in ["", "nonsense", "ü", "AAAA", "eA", "=", "a b", *almost]:
        with pytest.raises(InvalidCursorError):
            await store.list(None, None, 2, cursor)


async def test_the_list_is_narrowed_by_status(store: PaperStore) -> None:
    uploaded = await put_paper(store)
    waiting = await write(store, queued(await put_paper(store)))
    assert await ids(store, Status.UPLOADED) == [uploaded.paper.id]
    assert await ids(store, Status.QUEUED) == [waiting.paper.id]
    assert await ids(store, Status.COMPLETED) == []


async def test_the_list_is_searched_by_file_name_and_title(store: PaperStore) -> None:
    await put_paper(store, id="file", filename="Re\u0301sume\u0301 (100%)_x.PDF")
    await put_paper(store, id="title", filename="a.txt", title="Attention Is All")
    assert await ids(store, q="résumé") == ["file"]
    assert await ids(store, q="RESUME (100%)_") == ["file"]
    assert await ids(store, q="is all") == ["title"]
    assert sorted(await ids(store, q="")) == ["file", "title"]


async def test_the_list_takes_a_search_by_its_letters_alone(store: PaperStore) -> None:
    await put_paper(store, id="plain", filename="apdf")
    for n, q in enumerate([".*", "%", "_", "\\", "[", "(", "\u0000", "$where", "^a", "'", '"', "\ud7ff🚀"]):
        await put_paper(store, id=f"odd{n}", filename=f"with {q} in it")
        assert await ids(store, q=q) == [f"odd{n}"], q


async def test_a_title_found_later_is_searched_too(store: PaperStore) -> None:
    record = await write(store, claimed(await write(store, queued(await put_paper(store)))))
    await write(store, stage_finished(record, snapshot={"title": "Found Later"}))
    assert await ids(store, q="found later") == [record.paper.id]

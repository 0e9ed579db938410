"""What tests of the HTTP interface share: errors in one look, runs to their end, and a witness that nothing else was touched."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx

from tests.support.lane import Lane
from tests.support.once import each

Body = dict[str, Any]
T = TypeVar("T")


def error(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, whose body is exactly a code for programs and a sentence for people."""
    body: Body = answer.json()
    assert body.keys() == {"detail", "code"}, f"{answer.status_code} is not in the shape of our errors: {body}"
    assert body["detail"].endswith("."), f"not a sentence: {body['detail']!r}"
    return answer.status_code, body["code"]


def body(answer: httpx.Response, status: int = 200) -> Any:
    """The JSON of an answer that has to have this status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json()


async def snapshot(lane: Lane, paper_id: str) -> Body:
    """The paper as it is now."""
    paper: Body = body(await lane.client.get(f"/papers/{paper_id}"))
    return paper


async def run_to_its_end(lane: Lane, paper_id: str) -> Body:
    """Opens a run and waits until nothing moves any more; answers the snapshot."""
    await lane.process(paper_id)
    await lane.settled()
    return await snapshot(lane, paper_id)


async def items(lane: Lane, path: str) -> list[Body]:
    """The items of a list that needs no pages."""
    found: list[Body] = body(await lane.client.get(path))["items"]
    return found


@asynccontextmanager
async def a_witness(lane: Lane) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Afterwards the service takes papers in and answers, and a paper that was there before is exactly as it was.

    Yields a look at that paper for between.
    """
    before = await lane.upload("witness.txt", b"An untouched paper. It sees and says nothing.")

    async def look() -> None:
        assert await snapshot(lane, before["id"]) == before, "a paper was touched that nobody spoke of"

    yield look
    await look()
    after = await lane.upload("after.txt", b"A paper that comes afterwards.")
    for paper_id in (before["id"], after["id"]):
        assert (await lane.client.delete(f"/papers/{paper_id}")).status_code == 204


async def each_before_a_witness(
    lane: Lane, names: Iterable[str], ask: Callable[[str], Awaitable[T]]
) -> dict[str, T | str]:
    """`each`; after every single one the service answers, and a paper nobody spoke of is as it was."""
    async with a_witness(lane) as look:

        async def ask_and_look(name: str) -> T:
            answer = await ask(name)
            await look()
            return answer

        return await each(names, ask_and_look)

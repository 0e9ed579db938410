"""The shared service: whom it serves, and when it is replaced."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support import shared
from tests.support.leaks import MAY_TAKE
from tests.support.shared import SharedService

pytestmark = [pytest.mark.anyio, pytest.mark.extended]


@pytest.fixture
def service() -> Iterator[SharedService]:
    service = SharedService()
    yield service
    service.close()


@pytest.mark.slow
async def test_tests_share_one_service_and_after_so_many_there_is_a_new_one(service: SharedService) -> None:
    seen = []
    for _ in range(shared.TESTS + 1):
        async with service.lane() as lane:
            seen.append(lane.service)
    assert seen[: shared.TESTS] == [seen[0]] * shared.TESTS
    assert seen[-1] is not seen[0]


@pytest.mark.slow
async def test_a_test_that_failed_takes_its_service_along(service: SharedService) -> None:
    async with service.lane() as lane:
        tainted = lane.service
    service.abandon()
    async with service.lane() as lane:
        assert lane.service is not tainted


@pytest.mark.slow
async def test_a_task_left_behind_fails_the_test_that_left_it_and_not_the_next(service: SharedService) -> None:
    kept: list[asyncio.Task[None]] = []

    async def forgotten() -> None:
        await asyncio.sleep(3600)

    async def leave_one() -> None:
        kept.append(asyncio.create_task(forgotten()))

    with pytest.raises(AssertionError, match=r"the test left behind:\n  api: task .*forgotten"):  # noqa: PT012  # leaving raises
        async with service.lane() as lane:
            lane.call_api(leave_one)
            service.tasks_may_take = 0.0
    service.tasks_may_take = MAY_TAKE
    async with service.lane() as lane:
        assert (await lane.status())["status"] == "ok"

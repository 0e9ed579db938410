"""Why a driver written for asyncio does not mind anyio's cancelled scopes, which cancel at every await."""

import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint

from app.adapters.papers.cancellation import cancelled_once

pytestmark = pytest.mark.anyio


class Driver:
    """Takes a lock as asyncio's conditions do, and cleans up with awaits."""

    def __init__(self) -> None:
        self.asked = anyio.Event()
        self.is_clean = False

    async def call(self) -> None:
        try:
            self.asked.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.is_clean = True


async def give_up(driver: Driver, once: bool) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: cancelled_once(driver.call()) if once else driver.call())
        await driver.asked.wait()
        tasks.cancel_scope.cancel()


async def test_a_call_that_nobody_waits_for_any_more_has_cleaned_up_before_its_caller_goes_on() -> None:
    driver = Driver()
    await give_up(driver, once=True)
    assert driver.is_clean


async def test_without_it_the_scope_would_cancel_the_cleaning_up_too() -> None:
    driver = Driver()
    await give_up(driver, once=False)
    assert not driver.is_clean, "if anyio cancels once now, app/adapters/papers/cancellation.py can go"


async def test_results_and_errors_come_through() -> None:
    async def answer() -> int:
        await checkpoint()
        return 7

    async def fail() -> None:
        raise ValueError("its own")

    assert await cancelled_once(answer()) == 7
    with pytest.raises(ValueError, match="its own"):
        await cancelled_once(fail())

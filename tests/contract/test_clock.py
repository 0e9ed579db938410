"""What the `Clock` promises: UTC in whole milliseconds, and sleeps that end."""

import asyncio
from datetime import UTC

import anyio
import pytest

from app.adapters.clock import SystemClock
from app.domain.model import to_milliseconds
from app.ports import Clock
from tests.support.clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()], ids=["system", "manual"])
async def test_the_time_is_in_utc_and_whole_milliseconds(clock: Clock) -> None:
    first = clock.now()
    assert first.tzinfo is UTC
    assert first == to_milliseconds(first)


async def test_the_real_time_does_not_stand_still() -> None:
    clock = SystemClock()
    first = clock.now()
    while clock.now() == first:
        await asyncio.sleep(0)
    assert clock.now() > first


async def test_the_tests_time_moves_only_when_the_test_says_so() -> None:
    clock, real = ManualClock(), SystemClock()
    before, first = clock.now(), real.now()
    while real.now() == first:
        await asyncio.sleep(0)
    assert clock.now() == before, "a slow machine alone would end leases and give up workers"
    clock.advance(0.5)
    assert (clock.now() - before).total_seconds() == 0.5


async def test_a_sleep_on_the_real_time_ends() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0.01)
    assert (clock.now() - before).total_seconds() >= 0.009


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()], ids=["system", "manual"])
async def test_a_pause_ends_by_itself_and_lets_others_go_first(clock: Clock) -> None:
    gone: list[str] = []
    asyncio.get_running_loop().call_soon(gone.append, "another")
    with anyio.fail_after(3):
        await clock.pause(0.001)
    assert gone == ["another"]


async def test_a_sleep_on_the_tests_time_ends_when_the_test_says_so() -> None:
    clock = ManualClock()
    short, long = [asyncio.create_task(clock.sleep(seconds)) for seconds in (5, 10)]
    await asyncio.sleep(0)
    before = clock.now()
    clock.advance(4)
    await asyncio.sleep(0)
    assert not short.done()
    clock.advance(1)
    await short
    assert not long.done()
    assert (clock.now() - before).total_seconds() == 5
    clock.advance(100)
    await long

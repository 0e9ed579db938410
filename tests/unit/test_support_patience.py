"""A deadline ends what hangs, and waits for what only has to wait for a core."""

import asyncio
import time

import anyio
import pytest

from tests.support.deadlines import until
from tests.support.holds import Hold
from tests.support.patience import waited_for_a_core, within

pytestmark = [pytest.mark.anyio, pytest.mark.extended]


async def test_what_hangs_is_ended_with_its_message() -> None:
    with pytest.raises(TimeoutError, match="it hung"):
        with within(0.02, "it hung", tick=0.005, waited=lambda: 0.0):
            await anyio.sleep_forever()


async def test_time_in_which_no_core_was_to_be_had_does_not_count() -> None:
    loop = asyncio.get_running_loop()
    with within(0.02, tick=0.005, waited=loop.time):
        await asyncio.sleep(0.05)


async def test_a_pause_of_the_whole_process_counts_as_one_tick() -> None:
    with within(0.03, tick=0.01, waited=lambda: 0.0):
        time.sleep(0.05)  # noqa: ASYNC251  # nobody runs
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_what_ends_in_time_is_left_alone_and_so_is_an_error_of_its_own() -> None:
    with within(5):
        pass
    with pytest.raises(TimeoutError, match="of its own"), within(5):
        raise TimeoutError("of its own")


async def test_the_system_tells_how_long_this_process_waited_for_a_core() -> None:
    assert 0 <= waited_for_a_core() < 1e9


async def test_what_never_comes_about_is_named() -> None:
    async def never() -> bool:
        return False

    with anyio.fail_after(3), pytest.raises(TimeoutError, match=r"the moon did not come within 0\.01 s"):
        await until(never, "the moon", seconds=0.01)


async def test_a_place_that_no_run_comes_to_is_named() -> None:
    with anyio.fail_after(3), pytest.raises(TimeoutError, match=r"no run came to entities within 0\.01 s"):
        await Hold("entities").reached(seconds=0.01)

"""A driver that does not bear to be cancelled is left to finish; who called it need not wait for that."""

import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint

from app.adapters.papers.cancellation import never_cancelled
from tests.support.deadlines import until

pytestmark = pytest.mark.anyio


class Driver:
    """Answers when its server does."""

    def __init__(self) -> None:
        self.asked = anyio.Event()
        self.server = anyio.Event()
        self.ended = ""

    async def call(self) -> None:
        try:
            self.asked.set()
            await self.server.wait()
            self.ended = "answered"
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise


async def give_up(driver: Driver, grace: float) -> None:
    """As a scope of anyio does it: whatever its task awaits is cancelled, again and again."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: never_cancelled(driver.call(), grace))
        await driver.asked.wait()
        tasks.cancel_scope.cancel()


async def test_who_gives_up_goes_on_and_the_call_ends_when_its_server_answers() -> None:
    driver = Driver()
    await give_up(driver, grace=0)
    assert driver.ended == "", "nobody cancelled it, and its server is silent"
    driver.server.set()

    async def has_ended() -> bool:
        return driver.ended == "answered"

    await until(has_ended, "the end of the call")


async def test_a_call_that_is_answered_at_once_has_ended_before_its_caller_goes_on() -> None:
    driver = Driver()
    driver.server.set()
    await give_up(driver, grace=5)
    assert driver.ended == "answered"


async def test_an_error_that_nobody_waits_for_is_no_mistake_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        await anyio.sleep(0.01)
        raise ValueError("its own")

    with anyio.move_on_after(0):
        await never_cancelled(fail(), grace=5)
    told = [record for record in caplog.records if record.exc_info and isinstance(record.exc_info[1], ValueError)]
    assert told == [], "asyncio tells of errors that nobody looked at"


async def test_results_and_errors_come_through() -> None:
    async def answer() -> int:
        await checkpoint()
        return 7

    async def fail() -> None:
        raise ValueError("its own")

    assert await never_cancelled(answer()) == 7
    with pytest.raises(ValueError, match="its own"):
        await never_cancelled(fail())

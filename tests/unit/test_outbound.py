"""The queue of one socket: bounded in frames, bytes and age, in order, and only the newest of what is periodic."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from app.realtime.outbound import Limits, Outbound, SlowConsumerError

pytestmark = pytest.mark.anyio


class Reader:
    """A transport that takes frames only while it is let."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self._open = anyio.Event()

    def read_on(self) -> None:
        self._open.set()

    async def send(self, text: str) -> None:
        await self._open.wait()
        self.got.append(text)


def outbound(*, frames: int = 10, bytes: int = 1000, seconds: float = 60) -> Outbound:
    return Outbound(Limits(frames=frames, bytes=bytes, seconds=seconds))


@asynccontextmanager
async def writing(queue: Outbound, reader: Reader) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(queue.write, reader.send)
        await anyio.wait_all_tasks_blocked()
        yield
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(("text", "taken"), [("x", 10), ("x" * 300, 3)], ids=["frames", "bytes"])
async def test_more_than_may_wait_is_a_slow_consumer(text: str, taken: int) -> None:
    queue = outbound()
    for _ in range(taken):
        queue.offer(text)
    with pytest.raises(SlowConsumerError):
        queue.offer(text)


async def test_what_was_sent_makes_room_and_the_order_stays() -> None:
    queue, reader = outbound(frames=2), Reader()
    reader.read_on()
    async with writing(queue, reader):
        for number in range(5):
            queue.offer(str(number))
            await queue.drained()
    assert reader.got == ["0", "1", "2", "3", "4"]


async def test_a_frame_that_is_not_taken_in_time_is_a_slow_consumer() -> None:
    queue = outbound(seconds=0.01)
    queue.offer("x")
    with pytest.raises(SlowConsumerError):
        await queue.write(Reader().send)


async def test_of_a_periodic_frame_only_the_newest_waits_and_only_it_takes_room() -> None:
    queue, reader = outbound(frames=3, bytes=10), Reader()
    async with writing(queue, reader):
        for number in range(100):
            queue.offer_newest("status", f"status {number % 10}")
        queue.offer("xx")
        reader.read_on()
        await queue.drained()
        queue.offer("0123456789")
        await queue.drained()
    assert reader.got == ["status 9", "xx", "0123456789"]


async def test_a_periodic_frame_that_is_being_sent_is_not_changed_any_more() -> None:
    queue, reader = outbound(), Reader()
    queue.offer_newest("status", "old")
    async with writing(queue, reader):
        queue.offer_newest("status", "new")
        reader.read_on()
        await queue.drained()
    assert reader.got == ["old", "new"]


async def test_a_catch_up_of_any_length_waits_for_what_is_before_it() -> None:
    queue, reader = outbound(frames=2), Reader()
    queue.offer("first")
    done: list[str] = []

    async def catch_up() -> None:
        await queue.put_all([str(number) for number in range(50)])
        done.append("put")

    async with writing(queue, reader), anyio.create_task_group() as tasks:
        tasks.start_soon(catch_up)
        await anyio.wait_all_tasks_blocked()
        assert done == [], "it did not wait"
        reader.read_on()
        await anyio.wait_all_tasks_blocked()
    assert reader.got == ["first", *(str(number) for number in range(50))]


async def test_room_is_when_at_most_half_of_what_may_wait_does() -> None:
    queue, reader = outbound(frames=4), Reader()
    with anyio.fail_after(1):
        await queue.room()
    for number in range(3):
        queue.offer(str(number))
    with anyio.move_on_after(0.01) as scope:
        await queue.room()
    assert scope.cancelled_caught
    reader.read_on()
    async with writing(queue, reader):
        await queue.room()


async def test_a_closed_queue_ends_its_writer_once_the_rest_is_sent() -> None:
    queue, reader = outbound(), Reader()
    reader.read_on()
    queue.offer("last")
    queue.close()
    with anyio.fail_after(1):
        await queue.write(reader.send)
    assert reader.got == ["last"]

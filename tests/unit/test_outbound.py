"""The queue of one socket: bounded in frames, bytes and age, in order, and only the newest of what is periodic.

Whether its server takes frames one by one or all at once, as ours does, is the same to it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import anyio
import pytest

from app.realtime.frames import Frames, join, text_frame
from app.realtime.outbound import WRITE_BYTES, Limits, Outbound, SlowConsumerError
from tests.support.patience import within

pytestmark = pytest.mark.anyio

Way = Literal["at once", "one by one"]


@pytest.fixture(params=["at once", "one by one"])
def way(request: pytest.FixtureRequest) -> Way:
    taken: Way = request.param
    return taken


class Reader:
    """A transport that takes frames only while it is let; it is a `Wire`, too. Frames here are shorter than 126 bytes."""

    def __init__(self, way: Way) -> None:
        self.got: list[str] = []
        self.writes: list[bytes] = []
        self._way = way
        self._open = anyio.Event()

    def read_on(self) -> None:
        self._open.set()

    async def take(self, queue: Outbound) -> None:
        await (queue.write(self) if self._way == "at once" else queue.send_each(self.send))

    async def send(self, text: str) -> None:
        await self._open.wait()
        self.got.append(text)

    def write(self, data: bytes) -> bool:
        self.writes.append(data)
        while data:
            length = 2 + data[1]
            self.got.append(data[2:length].decode())
            data = data[length:]
        return self._open.is_set()

    async def drained(self) -> None:
        await self._open.wait()

    def cut(self, code: int, reason: str) -> None:
        raise AssertionError("a queue closes no connection")


def outbound(*, frames: int = 10, bytes: int = 1000, seconds: float = 60) -> Outbound:
    return Outbound(Limits(frames=frames, bytes=bytes, seconds=seconds))


def several(*texts: str) -> Frames:
    return join(text_frame(text) for text in texts)


@asynccontextmanager
async def writing(queue: Outbound, reader: Reader) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.take, queue)
        await anyio.wait_all_tasks_blocked()
        yield
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("text", "taken"), [("x", 10), ("x" * 100, 9), ("ß" * 50, 9)], ids=["frames", "bytes", "bytes, not characters"]
)
async def test_more_than_may_wait_is_a_slow_consumer(text: str, taken: int) -> None:
    queue = outbound()
    for _ in range(taken):
        queue.offer(text_frame(text))
    with pytest.raises(SlowConsumerError):
        queue.offer(text_frame(text))


async def test_frames_that_come_together_count_one_by_one() -> None:
    queue = outbound(frames=5)
    queue.offer(several("1", "2", "3"))
    with pytest.raises(SlowConsumerError):
        queue.offer(several("4", "5", "6"))
    queue.offer(several("4", "5"))


async def test_what_the_transport_has_not_taken_yet_still_counts(way: Way) -> None:
    queue, reader = outbound(frames=2), Reader(way)
    queue.offer(several("1", "2"))
    async with writing(queue, reader):
        with pytest.raises(SlowConsumerError):
            queue.offer(text_frame("3"))
        reader.read_on()
        await queue.drained()
        queue.offer(several("3", "4"))


async def test_what_was_sent_makes_room_and_the_order_stays(way: Way) -> None:
    queue, reader = outbound(frames=2), Reader(way)
    reader.read_on()
    async with writing(queue, reader):
        for number in range(5):
            queue.offer(text_frame(str(number)))
            await queue.drained()
    assert reader.got == ["0", "1", "2", "3", "4"]


async def test_what_was_sent_leaves_the_room_it_took_and_no_more(way: Way) -> None:
    queue, reader = outbound(frames=4, bytes=60), Reader(way)
    reader.read_on()
    queue.offer(several("a", "b", "c"))
    async with writing(queue, reader):
        await queue.drained()
    with pytest.raises(SlowConsumerError):
        queue.offer(text_frame("x" * 59))
    queue.offer(text_frame("x" * 58))


async def test_where_nothing_waits_frames_go_out_at_once_without_a_turn_of_the_writer() -> None:
    queue, reader = outbound(), Reader("at once")
    reader.read_on()
    async with writing(queue, reader):
        queue.offer(text_frame("a"))
        queue.offer_newest("status", text_frame("b"))
        queue.offer_newest("status", text_frame("c"))
        assert reader.got == ["a", "b", "c"]
        with within(5):
            await queue.drained()


async def test_what_went_out_at_once_and_is_not_taken_holds_back_all_that_follows_until_it_is() -> None:
    queue, reader = outbound(frames=3), Reader("at once")
    async with writing(queue, reader):
        queue.offer(text_frame("a"))
        queue.offer(text_frame("b"))
        queue.offer_newest("status", text_frame("c"))
        await anyio.wait_all_tasks_blocked()
        assert reader.got == ["a"]
        with pytest.raises(SlowConsumerError):
            queue.offer(text_frame("d"))
        reader.read_on()
        await queue.drained()
        queue.offer(several("d", "e", "f"))
    assert reader.writes == [text_frame("a").data, several("b", "c").data, several("d", "e", "f").data]


async def test_what_went_out_at_once_and_is_not_taken_in_time_is_a_slow_consumer() -> None:
    queue, reader = outbound(seconds=0.01), Reader("at once")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_offer_when_blocked, queue)
        with pytest.raises(SlowConsumerError), within(5):
            await reader.take(queue)


async def _offer_when_blocked(queue: Outbound) -> None:
    await anyio.wait_all_tasks_blocked()
    queue.offer(text_frame("a"))


async def test_a_queue_whose_writer_was_cancelled_hands_nothing_over() -> None:
    queue, reader = outbound(), Reader("at once")
    reader.read_on()
    async with writing(queue, reader):
        pass
    queue.offer(text_frame("a"))
    assert reader.got == []


async def test_all_that_waits_goes_out_in_one_write() -> None:
    queue, reader = outbound(), Reader("at once")
    reader.read_on()
    queue.offer(text_frame("a"))
    queue.offer(several("b", "c"))
    queue.offer_newest("status", text_frame("d"))
    async with writing(queue, reader):
        await queue.drained()
    assert reader.writes == [several("a", "b", "c", "d").data]


async def test_one_write_is_not_much_larger_than_its_limit_so_that_a_close_frame_need_not_wait_behind_more() -> None:
    queue, reader = outbound(frames=10_000, bytes=10_000_000), Reader("at once")
    frame = text_frame("x" * 100)
    for _ in range(2 * WRITE_BYTES // len(frame.data)):
        queue.offer(frame)
    async with writing(queue, reader):
        assert sum(map(len, reader.writes)) < WRITE_BYTES + len(frame.data)
        reader.read_on()
        await queue.drained()
    assert max(map(len, reader.writes)) < WRITE_BYTES + len(frame.data)


async def test_a_frame_that_is_not_taken_in_time_is_a_slow_consumer(way: Way) -> None:
    queue = outbound(seconds=0.01)
    queue.offer(text_frame("x"))
    with pytest.raises(SlowConsumerError), within(5):
        await Reader(way).take(queue)


async def test_the_time_a_frame_waited_for_others_counts(way: Way) -> None:
    queue, reader = outbound(seconds=0.05), Reader(way)
    queue.offer(text_frame("x"))
    await anyio.sleep(0.06)
    taking = asyncio.create_task(reader.take(queue))
    for _ in range(20):
        await asyncio.sleep(0)
    assert taking.done(), "it waits for the reader once more"
    assert isinstance(taking.exception(), SlowConsumerError)


async def test_of_a_periodic_frame_only_the_newest_waits_and_only_it_takes_room(way: Way) -> None:
    queue, reader = outbound(frames=3, bytes=14), Reader(way)
    async with writing(queue, reader):
        queue.offer_newest("status", text_frame("first"))
        await anyio.wait_all_tasks_blocked()  # the transport has it, but does not take it
        reader.got.clear()
        reader.read_on()
        await queue.drained()
        for number in range(100):
            queue.offer_newest("status", text_frame(f"new {number % 10}"))
        queue.offer(text_frame("xx"))
        await queue.drained()
        queue.offer(text_frame("0123456789"))
        await queue.drained()
    assert reader.got[-3:] == ["new 9", "xx", "0123456789"]


async def test_a_periodic_frame_that_is_replaced_counts_with_its_new_size_beside_the_others() -> None:
    text = "x" * 40
    size = len(text_frame(text).data)
    queue = Outbound(Limits(frames=100, bytes=2 * size + 60, seconds=10))
    queue.offer(text_frame(text))
    queue.offer_newest("status", text_frame("short"))
    queue.offer_newest("status", text_frame("y" * (60 - 2)))
    with pytest.raises(SlowConsumerError):
        queue.offer(text_frame(text + "x"))
    queue.offer(text_frame(text))


async def test_a_periodic_frame_that_is_being_sent_is_not_changed_any_more(way: Way) -> None:
    queue, reader = outbound(), Reader(way)
    queue.offer_newest("status", text_frame("old"))
    async with writing(queue, reader):
        queue.offer_newest("status", text_frame("new"))
        reader.read_on()
        await queue.drained()
    assert reader.got == ["old", "new"]


async def test_a_catch_up_of_any_length_waits_for_what_is_before_it(way: Way) -> None:
    queue, reader = outbound(frames=2), Reader(way)
    queue.offer(text_frame("first"))
    done: list[str] = []

    async def catch_up() -> None:
        await queue.put_all(several(*(str(number) for number in range(50))))
        done.append("put")

    async with writing(queue, reader), anyio.create_task_group() as tasks:
        tasks.start_soon(catch_up)
        await anyio.wait_all_tasks_blocked()
        assert done == [], "it did not wait"
        reader.read_on()
        await anyio.wait_all_tasks_blocked()
    assert reader.got == ["first", *(str(number) for number in range(50))]


async def test_room_is_when_at_most_half_of_what_may_wait_does(way: Way) -> None:
    queue, reader = outbound(frames=4), Reader(way)
    queue.offer(several("1", "2"))
    with within(5):
        await queue.room()
    queue.offer(text_frame("3"))
    with anyio.move_on_after(0.01) as scope:
        await queue.room()
    assert scope.cancelled_caught
    reader.read_on()
    async with writing(queue, reader):
        await queue.room()


async def test_a_closed_queue_ends_its_writer_once_the_rest_is_sent(way: Way) -> None:
    queue, reader = outbound(), Reader(way)
    reader.read_on()
    queue.offer(text_frame("last"))
    queue.close()
    with within(5):
        await reader.take(queue)
    assert reader.got == ["last"]

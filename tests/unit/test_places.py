"""The finder behind `make prove`: a new place is found by rule, and what is left after its deletion is valid code."""

import ast
from pathlib import Path

import pytest

from tests.prove.places import Place, find_places

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]

SMALL = '''
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio
from redis.asyncio import Redis
from starlette.websockets import WebSocket

SCRIPT = """
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('XADD', KEYS[1], '*', 'genesis', '1') end
redis.call('XADD', KEYS[1], '*', 'event', ARGV[1])
"""


class Change:
    def __init__(self, events: tuple[str, ...] = ()) -> None:
        self.events = events


def tell(change: Change, event: str) -> Change:
    return Change(events=(*change.events, event))


def decide() -> Change:
    return tell(Change(), "é")


class Wake:
    def __init__(self) -> None:
        self._event = anyio.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()


class Sink(Protocol):
    async def take(self, text: str) -> bool: ...


class Socket:
    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._waiting: deque[str] = deque()

    async def take(self, text: str) -> bool:
        self._waiting.append(text)
        await self._websocket.send_text(text)
        return True


class Log:
    def __init__(self, redis: Redis) -> None:
        self._add = redis.register_script(SCRIPT)

    async def append(self, text: str) -> None:
        await self._add(args=[text])


class Writer:
    def __init__(self, sinks: list[Sink], on_events: Callable[[], None]) -> None:
        self._sinks = sinks
        self._on_events = on_events

    async def write(self, text: str) -> int:
        taken = [await sink.take(text) for sink in self._sinks]
        self._on_events()
        return len(taken)

    async def count(self) -> int:
        return len(self._sinks)


async def again(step: Callable[[], Awaitable[None]]) -> None:
    await step()


async def run(log: Log, writer: Writer) -> None:
    async def step() -> None:
        await log.append("x")

    await again(step)
    print(await writer.write("y"), await writer.count())


def build(sinks: list[Sink]) -> Writer:
    wake = Wake()
    return Writer(sinks, on_events=wake.set)
'''


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Place]:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "small.py").write_text(SMALL, encoding="utf-8")
    return {f"{place.where}: {place.code}": place for place in find_places(tmp_path)}


def test_every_edge_call_and_reference_that_publishes_is_found_and_nothing_else(found: dict[str, Place]) -> None:
    assert {name: place.instead for name, place in found.items()} == {
        "script: redis.call('XADD', KEYS[1], '*', 'genesis', '1')": "",
        "script: redis.call('XADD', KEYS[1], '*', 'event', ARGV[1])": "",
        "tell: *change.events": "*()",
        "tell: event": "*()",
        "decide: tell(Change(), 'é')": "Change()",
        "Wake.set: self._event.set()": "pass",
        "Socket.take: self._waiting.append(text)": "pass",
        "Socket.take: await self._websocket.send_text(text)": "pass",
        "Log.append: await self._add(args=[text])": "pass",
        "Writer.write: await sink.take(text)": "True",
        "Writer.write: self._on_events()": "pass",
        "again: await step()": "pass",
        "run.step: await log.append('x')": "pass",
        "run: step": "(lambda *_, **__: __import__('anyio').sleep(0))",
        "run: await writer.write('y')": "None",
        "build: wake.set": "(lambda *_, **__: None)",
    }


def test_a_deletion_takes_the_place_out_and_leaves_the_rest(found: dict[str, Place]) -> None:
    left = found["decide: tell(Change(), 'é')"].delete(SMALL)
    assert left == SMALL.replace('tell(Change(), "é")', "Change()")
    left = found["Writer.write: self._on_events()"].delete(SMALL)
    assert left == SMALL.replace("        self._on_events()\n", "        pass\n")


def test_a_new_line_that_publishes_is_one_more_place(tmp_path: Path, found: dict[str, Place]) -> None:
    more = SMALL + "\n\nasync def more(writer: Writer) -> None:\n    await writer.write('z')\n"
    (tmp_path / "app" / "small.py").write_text(more, encoding="utf-8")
    assert len(find_places(tmp_path)) == len(found) + 1


@pytest.mark.slow
def test_every_deletion_in_the_service_leaves_code_that_compiles() -> None:
    places = find_places(ROOT)
    assert len({place.name for place in places}) == len(places) > 150
    for place in places:
        ast.parse(place.delete((ROOT / place.path).read_text(encoding="utf-8")))

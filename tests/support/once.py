"""One conversation with the service, looked at by many tests, each with a name and a verdict of its own."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def once(fixture: str) -> Any:
    """A fixture that answers what another one does, made by the first test of the process that asks.

    For plain data that no test can change: so that many tests, each with its own name, look at one conversation.
    """
    key = object()  # names of fixtures are unique in a module only

    @pytest.fixture
    def remembered(request: pytest.FixtureRequest, memory: dict[object, Any], anyio_backend: str) -> Any:
        if key not in memory:
            memory[key] = request.getfixturevalue(fixture)
        return memory[key]

    return remembered


async def each(names: Iterable[str], ask: Callable[[str], Awaitable[T]]) -> dict[str, T | str]:
    """The answer to each of several questions; where one fails it is what went wrong, for the test of that name."""
    answers: dict[str, T | str] = {}
    for name in names:
        try:
            answers[name] = await ask(name)
        except Exception as error:
            answers[name] = f"{type(error).__name__}: {error}"
    return answers

"""How a MongoDB that does not answer is told to the rest of the house."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    WaitQueueTimeoutError,
    WriteConcernError,
)

from app.adapters.papers.cancellation import never_cancelled
from app.domain.errors import UnavailableError

P = ParamSpec("P")
T = TypeVar("T")

_AWAY = (
    ConnectionFailure,
    WaitQueueTimeoutError,
    ExecutionTimeout,
    WriteConcernError,
    ConfigurationError,  # of a `mongodb+srv` whose name nobody knows now; a wrong URL stops the start
)
_NOT_ALLOWED = frozenset({13, 18})  # Unauthorized, AuthenticationFailed


def answering(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Raises `UnavailableError` where MongoDB is away, cannot confirm a write, or refuses us."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await never_cancelled(method(*args, **kwargs))
        except _AWAY as error:
            reason = str(error).partition(", Timeout: ")[0]  # what follows is all the driver knows of its servers
            raise UnavailableError(
                f"MongoDB does not answer ({reason}); check PAPERS_STORE_URL and that it runs."
            ) from error
        except OperationFailure as error:
            if error.code in _NOT_ALLOWED:
                raise UnavailableError(f"MongoDB refuses this user ({error}); check PAPERS_STORE_URL.") from error
            raise

    return call

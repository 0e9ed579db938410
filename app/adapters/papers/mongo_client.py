"""MongoDB's driver, as the store wants it."""

from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

ANSWER_MS = 5000
"""How long a server may take to be found, to accept a connection, to answer."""


def open_database(url: str) -> AsyncDatabase[dict[str, Any]]:
    """The database that the URL's path names, `paper_processing` where it names none.

    The driver must not repeat a write by itself: a write carries its id, and `Writer` looks for it before it tries again.
    """
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        url,
        retryWrites=False,
        serverSelectionTimeoutMS=ANSWER_MS,
        connectTimeoutMS=ANSWER_MS,
        socketTimeoutMS=4 * ANSWER_MS,
        appname="paper-processing",
    )
    return client.get_default_database("paper_processing")

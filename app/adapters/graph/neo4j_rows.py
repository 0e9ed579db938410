"""How a query is run."""

from typing import Any, LiteralString

from neo4j import AsyncTransaction


async def rows(tx: AsyncTransaction, query: LiteralString, **parameters: Any) -> list[dict[str, Any]]:
    """All rows of the answer."""
    return await (await tx.run(query, parameters)).data()

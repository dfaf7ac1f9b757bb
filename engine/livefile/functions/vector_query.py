"""``vector_search``: the documents of a table whose vectors are nearest to one.

Queries and mutations compare with every vector, because what a live query shows must not depend
on chance; actions search faster, and may miss one where there are many.

Not here: how they are compared (``sqlite/vector_index.py``).
"""

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from livefile.functions.awaited_system import AwaitedSystem
from livefile.model.filter_expression import Expression
from livefile.model.id import Id
from livefile.model.vector_search import VectorMatch, VectorSearch, VectorSource
from livefile.transaction.transaction import Transaction
from livefile.transaction.vector_search import nearest_documents
from livefile.vocabulary.errors import DefinitionError

R = TypeVar("R")


def search_exactly(
    transaction: Transaction,
    source: VectorSource[R],
    vector: Sequence[float],
    limit: int,
    filter: Expression | None,
) -> list[VectorMatch[R]]:
    """Return the nearest documents, as the transaction sees them."""
    search = _checked(source).search(vector, limit, filter)
    return _matches(transaction, source, search, is_exact=True)


async def search_fast(
    system: AwaitedSystem,
    source: VectorSource[R],
    vector: Sequence[float],
    limit: int,
    filter: Expression | None,
) -> list[VectorMatch[R]]:
    """Return the nearest documents at the newest snapshot, on a thread of its own."""
    search = _checked(source).search(vector, limit, filter)
    return await system.read(
        lambda transaction: _matches(transaction, source, search, is_exact=False)
    )


def _matches(
    transaction: Transaction, source: VectorSource[R], search: VectorSearch, *, is_exact: bool
) -> list[VectorMatch[R]]:
    found = nearest_documents(transaction, source.table, source.index, search, is_exact=is_exact)
    return [VectorMatch(id=cast(Id[R], id), score=score) for id, score in found]


def _checked(source: Any) -> VectorSource[Any]:  # Any: whatever the app hands in.
    if not isinstance(source, VectorSource):
        raise DefinitionError(
            f"vector_search takes a vector index of a table, got {source!r}; declare it with "
            "vector_index(...)"
        )
    return source

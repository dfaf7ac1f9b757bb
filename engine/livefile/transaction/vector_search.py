"""Searching a vector index in a transaction: what is stored, and its own writes among it.

The keys that a search looks at count as read, so a live query runs again when a document comes
under one of them, changes or goes, and for no other.

Not here: the stored vectors (``sqlite/vector_index.py``).
"""

from livefile.model.document_id import encode_document_id
from livefile.model.index_spec import IndexKind
from livefile.model.vector_search import VectorSearch, document_keys, document_vector
from livefile.sqlite import vector_index
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import DefinitionError


def nearest_documents(
    transaction: Transaction,
    table_name: str,
    index_name: str,
    search: VectorSearch,
    *,
    is_exact: bool,
) -> list[tuple[str, float]]:
    """Return (document id, cosine) of the documents that are nearest, best first.

    Raises:
        DefinitionError: the file has no such index.
        SearchError: the index does not take such a search.
    """
    table = transaction.table(table_name)
    if table is None:
        return []
    index = table.indexes.get(index_name)
    if index is None or index.spec.kind is not IndexKind.VECTOR:
        raise DefinitionError(f"Index {table_name}.{index_name} not found.")
    keys = search.keys(index.spec)
    for key in keys:
        transaction.reads.add_point(index.id, key)
    connection = transaction.snapshot.connection
    pending = {write.internal_id: write for write in transaction.writes.of_table(table.number)}
    found = vector_index.nearest(
        connection,
        index.id,
        keys,
        search.vector,
        search.limit + len(pending),
        is_exact=is_exact,
    )
    if pending:
        found = [each for each in found if each[0] not in pending]
        for internal_id, write in pending.items():
            if write.after is None:
                continue
            document = index.complete(write.after)
            vector = document_vector(index.spec, document)
            if vector is not None and not set(keys).isdisjoint(document_keys(index.spec, document)):
                found.append(
                    (internal_id, vector_index.distance_of(connection, search.vector, vector))
                )
        found.sort(key=lambda each: (each[1], each[0]))
    return [
        (encode_document_id(table.number, internal_id), vector_index.cosine_of(distance))
        for internal_id, distance in found[: search.limit]
    ]

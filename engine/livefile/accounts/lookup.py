"""Finding documents of the tables of accounts by their indexes."""

from livefile.model.document_id import decode_document_id
from livefile.model.index_key import encode_value, successor
from livefile.model.interval import Interval
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import InvalidDocumentIdError


def find_all(transaction: Transaction, table_name: str, index: str, *values: str) -> list[Document]:
    """Return the documents that have these values in the first fields of an index."""
    table = transaction.catalog.tables[table_name]
    prefix = b"".join(encode_value(value) for value in values)
    return list(transaction.scan(table, table.indexes[index], Interval(prefix, successor(prefix))))


def find_one(
    transaction: Transaction, table_name: str, index: str, *values: str
) -> Document | None:
    """Return the first of them, None if there is none."""
    found = find_all(transaction, table_name, index, *values)
    return found[0] if found else None


def find_due(
    transaction: Transaction, table_name: str, index: str, now_ms: float
) -> Document | None:
    """Return the document whose time is past for the longest, None if no time is past.

    The first field of the index is a time in milliseconds.
    """
    table = transaction.catalog.tables[table_name]
    times = Interval(encode_value(0.0), successor(encode_value(now_ms)))
    found = transaction.take(table, table.indexes[index], times, 1)
    return found[0] if found else None


def get_of(transaction: Transaction, table_name: str, id: str) -> Document | None:
    """Return a document by its id, None if it is not of this table or no id at all."""
    try:
        number, _ = decode_document_id(id)
    except InvalidDocumentIdError:
        return None
    if number != transaction.catalog.tables[table_name].number:
        return None
    return transaction.get(id)

"""Counting and summing a range of an index, own writes included.

Not here: how stored entries are counted without reading them (``sqlite/summaries.py``).
"""

from typing import cast

from livefile.model.index_key import document_key
from livefile.model.index_spec import Summary
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.value_packed import unpack
from livefile.sqlite.catalog import IndexEntry, TableEntry
from livefile.sqlite.summaries import Totals
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document, PendingWrite


def totals(
    transaction: Transaction, table: TableEntry, index: IndexEntry, interval: Interval
) -> Totals:
    """Return the totals of a range; all of the range counts as read, and no document.

    An index without a summary is walked entry by entry.
    """
    transaction.reads.add(index.id, interval)
    if interval.start == EVERYTHING.start and interval.end >= EVERYTHING.end:
        index = _counted(table, index)
        interval = EVERYTHING
    found = transaction.snapshot.totals(table, index, interval)
    added, removed = [], []
    for write in transaction.writes.of_table(table.number):
        key_before, key_after = _keys(transaction, write, index)
        if key_before is not None and key_before in interval:
            removed.append(key_before)
        if key_after is not None and key_after in interval:
            added.append(key_after)
    if not (added or removed):
        return found
    summary = transaction.snapshot.summarized(index)
    return found + summary.key_totals(added) + -summary.key_totals(removed)


def _counted(table: TableEntry, index: IndexEntry) -> IndexEntry:
    """Return an index that knows the count of the whole table, if there is one."""
    if index.spec.summary is not Summary.NONE:
        return index
    counted = (one for one in table.indexes.values() if one.spec.summary is not Summary.NONE)
    return next(counted, index)


def _keys(
    transaction: Transaction, write: PendingWrite, index: IndexEntry
) -> tuple[bytes | None, bytes | None]:
    """Return the key of what is stored, and of what is pending."""
    if write.before is not write.after:
        return write.keys(index)
    # Nothing is written, or it is an image from the past: the stored one is unknown here.
    packed = transaction.snapshot.get(write.table.number, write.internal_id)
    before = None if packed is None else _stored_key(packed, index, write.internal_id)
    return before, None if write.after is None else write.key(index)


def _stored_key(packed: bytes, index: IndexEntry, internal_id: bytes) -> bytes:
    document = index.complete(cast(Document, unpack(packed)))
    return document_key(document, index.paths, internal_id)

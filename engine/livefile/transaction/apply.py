"""Applying a write set: documents, index entries and search indexes, and which keys that touched.

Not here: validation, the logs and the group (``transaction/committer.py``).
"""

from dataclasses import dataclass, field

from livefile.model.index_key import MISSING, encode_value
from livefile.model.index_spec import IndexSpec
from livefile.model.write import DocumentWrite
from livefile.sqlite import documents
from livefile.sqlite.catalog import Catalog, IndexEntry, summarized
from livefile.sqlite.connections import Connection
from livefile.sqlite.search_index import search_index
from livefile.transaction.read_set import TABLE_NAMES_INDEX
from livefile.transaction.write_set import Document, PendingWrite, WriteSet

Entries = list[tuple[int, bytes]]


# Not frozen, because making one would take twice the time, and every commit makes one.
@dataclass(slots=True)
class Applied:
    """What a commit did: the touched keys by index, and the images of the documents."""

    touched: dict[int, list[bytes]] = field(default_factory=dict)
    images: list[DocumentWrite] = field(default_factory=list)


def apply(connection: Connection, catalog: Catalog, writes: WriteSet) -> Applied:
    """Write everything that a transaction has written, inside the open group.

    ``catalog`` is the newest, because an index may have come since the transaction began.
    """
    applied = Applied()
    touched, images = applied.touched, applied.images
    added: Entries = []
    removed: Entries = []
    for write in writes:
        images.append(write.packed())
        touched.setdefault(write.table.by_id, []).append(write.internal_id)
        table = catalog.by_number[write.table.number]
        for index in table.stored_indexes:
            key_before, key_after = write.keys(index)
            keys = touched.setdefault(index.id, [])
            if key_before is not None:
                keys.append(key_before)
            if key_after == key_before:
                continue
            if key_before is not None:
                removed.append((index.id, key_before))
            if key_after is not None:
                keys.append(key_after)
                added.append((index.id, key_after))
        for index in table.search_indexes:
            keys = _apply_to_search(connection, index, write)
            if keys:
                touched.setdefault(index.id, []).extend(keys)
    documents.apply(connection, images)
    if removed:
        documents.remove_entries(connection, removed)
    if added:
        documents.add_entries(connection, added)
    _apply_to_summaries(connection, catalog, writes, added, removed)
    if writes.table_names:
        touched[TABLE_NAMES_INDEX] = [name.encode() for name in writes.table_names]
    return applied


def _apply_to_summaries(
    connection: Connection, catalog: Catalog, writes: WriteSet, added: Entries, removed: Entries
) -> None:
    for number in writes.table_numbers:
        for index in catalog.by_number[number].summarized_indexes:
            summary = summarized(connection, index.id, index.spec)
            summary.remove([key for index_id, key in removed if index_id == index.id])
            summary.add(sorted(key for index_id, key in added if index_id == index.id))


def _apply_to_search(connection: Connection, index: IndexEntry, write: PendingWrite) -> list[bytes]:
    """Bring a search index up to date with one write; return the keys that this touches.

    If the document changes in a field that the index does not look at, a search may still return
    it: its keys are touched, and the index stays as it is.
    """
    kind, spec = search_index(index.spec.kind), index.spec
    before = None if write.before is None else index.complete(write.before)
    after = None if write.after is None else index.complete(write.after)
    keys_after = () if after is None else kind.touched_keys(spec, after)
    if before is not None and after is not None and not _differ(spec, before, after):
        return list(keys_after)
    keys_before = () if before is None else kind.touched_keys(spec, before)
    if after is not None and keys_after:
        kind.put(connection, index.id, spec, write.internal_id, after)
    elif keys_before:
        kind.remove(connection, index.id, spec, write.internal_id)
    return list(dict.fromkeys((*keys_before, *keys_after)))


def _differ(spec: IndexSpec, before: Document, after: Document) -> bool:
    """Tell whether two images differ in what an index looks at. Equal numbers may be two values."""
    for path in spec.all_fields:
        name = path.split(".")[0]
        one, other = before.get(name, MISSING), after.get(name, MISSING)
        if one is not other and encode_value(one) != encode_value(other):
            return True
    return False

"""Building the entries of new indexes for documents that are there, beside live traffic.

Keys are first gathered from the documents, then added in their order: neighbours share a page, so
that a batch writes a few pages and not one for each entry. In between documents change, and writes
keep a registered index up to date by themselves. So a key is only added if it still is that of its
document; if it is not, the write that changed it has added the new one.

Not here: registering an index, and the switch to it (``functions/deploy.py``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from heapq import merge
from itertools import islice
from typing import cast

from livefile.functions.document_batch import BEFORE_ALL, Batch, BatchTime, all_batches
from livefile.functions.job import RunJob
from livefile.model.index_key import document_key, key_internal_id
from livefile.model.index_spec import IndexKind
from livefile.model.table_definition import Document
from livefile.model.value_packed import unpack
from livefile.sqlite import documents, schema_change
from livefile.sqlite.catalog import Catalog, IndexEntry, TableEntry
from livefile.sqlite.connections import Connection
from livefile.sqlite.search_index import search_index
from livefile.transaction.committer import Committer
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.limits import BATCH_DOCUMENTS_MAX, INDEX_KEYS_SORTED_SIZE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class _Gathered:
    """The keys of one batch of documents, by the position of their index, each list sorted."""

    batch: Batch
    keys: list[list[bytes]]


class IndexBuild:
    """The entries of all indexes of one table that are being built."""

    def __init__(self, table: TableEntry, clock: Clock, run_job: RunJob) -> None:
        self._table = table
        kinds = [(index, index.spec.kind is IndexKind.ORDERED) for index in table.building]
        self._indexes = [index for index, is_ordered in kinds if is_ordered]
        self._search_indexes = [index for index, is_ordered in kinds if not is_ordered]
        self._clock = clock
        self._run_job = run_job

    def run(self, progress: Callable[[int], None]) -> None:
        """Add all entries; ``progress`` hears of documents: half when read, half when added."""
        if self._search_indexes:
            heard = (lambda _: None) if self._indexes else progress
            all_batches(lambda after_id: self._run_job(partial(self._search, after_id)), heard)
        if self._indexes:
            self._build_ordered(progress)

    def _build_ordered(self, progress: Callable[[int], None]) -> None:
        last_id, is_last, done = BEFORE_ALL, False, 0
        while not is_last:
            sorted_runs: list[list[list[bytes]]] = [[] for _ in self._indexes]
            size_bytes = documents_count = 0
            while not is_last and size_bytes < INDEX_KEYS_SORTED_SIZE_BYTES_MAX:
                gathered = self._run_job(partial(self._gather, last_id))
                last_id, is_last = gathered.batch.last_id, gathered.batch.is_last
                for runs, keys in zip(sorted_runs, gathered.keys, strict=True):
                    runs.append(keys)
                    size_bytes += sum(map(len, keys))
                documents_count += gathered.batch.documents_count
                progress(done + documents_count // 2)
            done += documents_count // 2
            for index, runs in zip(self._indexes, sorted_runs, strict=True):
                self._add_all(index, merge(*runs))
            done += documents_count - documents_count // 2
            progress(done)

    def _gather(self, after_id: bytes, committer: Committer) -> _Gathered:
        batch = Batch(self._clock, after_id)
        keys: list[list[bytes]] = [[] for _ in self._indexes]
        rows = committer.work(lambda connection, _: batch.read(connection, self._table.number))
        for internal_id, document in batch.take(rows):
            for index, found in zip(self._indexes, keys, strict=True):
                found.append(document_key(index.complete(document), index.paths, internal_id))
        for found in keys:
            found.sort()
        return _Gathered(batch=batch, keys=keys)

    def _search(self, after_id: bytes, committer: Committer) -> Batch:
        """Put a batch of documents into the search indexes: as they are, so nothing is outdated."""
        batch = Batch(self._clock, after_id)

        def put(connection: Connection, _: Catalog) -> None:
            for internal_id, document in batch.take(batch.read(connection, self._table.number)):
                for index in self._search_indexes:
                    kind, complete = search_index(index.spec.kind), index.complete(document)
                    if kind.touched_keys(index.spec, complete):
                        kind.put(connection, index.id, index.spec, internal_id, complete)

        committer.work(put)
        return batch

    def _add_all(self, index: IndexEntry, keys: Iterator[bytes]) -> None:
        while self._run_job(partial(self._add_some, index, keys)):
            pass

    def _add_some(self, index: IndexEntry, keys: Iterator[bytes], committer: Committer) -> bool:
        """Add the next keys; return whether there were any."""

        def add(connection: Connection, current: Catalog) -> bool:
            time = BatchTime(self._clock)
            added: list[bytes] = []
            is_last = True
            for key in islice(keys, BATCH_DOCUMENTS_MAX):
                is_last = False
                if self._is_current(connection, index, key):
                    added.append(key)
                if time.is_over:
                    break
            schema_change.add_entries(connection, index, added)
            return not is_last

        return committer.work(add)

    def _is_current(self, connection: Connection, index: IndexEntry, key: bytes) -> bool:
        internal_id = key_internal_id(key)
        packed = documents.get(connection, self._table.number, internal_id)
        if packed is None:
            return False
        document = index.complete(cast(Document, unpack(packed)))
        return document_key(document, index.paths, internal_id) == key

"""Batches of a table's documents: as many as can be looked at while calls wait.

A batch ends after some time, not only after some documents, because documents and what is done
with them differ by a factor of a thousand.

Not here: what is done with them (``functions/deploy.py``, ``functions/migration.py``).
"""

from collections.abc import Callable, Iterator
from typing import cast

from livefile.model.table_definition import Document
from livefile.model.value_packed import unpack
from livefile.sqlite.connections import Connection
from livefile.sqlite.schema_change import walk_documents
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.limits import (
    BATCH_DOCUMENTS_MAX,
    BATCH_DURATION_MS_MAX,
    BATCH_SIZE_BYTES_MAX,
)

BEFORE_ALL = b""
"""Below every internal id."""


class BatchTime:
    """The time that one batch may take, from now on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._end_ns = clock.now_ns() + BATCH_DURATION_MS_MAX * 1_000_000

    @property
    def is_over(self) -> bool:
        """Whether the batch should end."""
        return self._clock.now_ns() >= self._end_ns


class Batch:
    """One batch of documents: what it may still do, and how far it came."""

    def __init__(self, clock: Clock, after_id: bytes) -> None:
        """Begin a batch behind the document ``after_id``."""
        self._time = BatchTime(clock)
        self.last_id = after_id
        self.documents_count = 0
        self.is_last = False
        """Whether it came to the end of the table."""

    def read(self, connection: Connection, table_number: int) -> list[tuple[bytes, Document]]:
        """Return the documents behind ``last_id``, few enough to be held in memory."""
        rows: list[tuple[bytes, Document]] = []
        size_bytes = 0
        for internal_id, packed in walk_documents(connection, table_number, self.last_id):
            rows.append((internal_id, cast(Document, unpack(packed))))
            size_bytes += len(packed)
            if len(rows) >= BATCH_DOCUMENTS_MAX or size_bytes >= BATCH_SIZE_BYTES_MAX:
                return rows
        self.is_last = True
        return rows

    def take(self, rows: list[tuple[bytes, Document]]) -> Iterator[tuple[bytes, Document]]:
        """Yield from ``rows`` until the time is over; one at least. Then ``last_id`` is known."""
        for internal_id, document in rows:
            if self.documents_count and self._time.is_over:
                self.is_last = False
                return
            yield internal_id, document
            self.last_id = internal_id
            self.documents_count += 1


def all_batches(run: Callable[[bytes], Batch], progress: Callable[[int], None]) -> None:
    """Call ``run`` for one batch after the other; ``progress`` hears of the documents so far."""
    documents_count, last_id, is_last = 0, BEFORE_ALL, False
    while not is_last:
        batch = run(last_id)
        last_id, is_last = batch.last_id, batch.is_last
        documents_count += batch.documents_count
        progress(documents_count)

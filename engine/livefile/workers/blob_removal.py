"""Removing the bytes of files that were deleted, and of uploads that never became files.

A job removes a few chunks, so that calls go on in between, and the next one follows once it is
durable. What an upload had written when the process ended is found at the next start.

Not here: what drops a blob (``system/stored_files.py``).
"""

from collections.abc import Sequence
from functools import partial

from livefile.functions.system_transactions import SystemTransactions
from livefile.model.index_key import encode_value
from livefile.sqlite import blobs
from livefile.system import stored_files
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import LivefileError, LogTrimmedError
from livefile.vocabulary.limits import FILE_CHUNKS_REMOVED_MAX, FILE_REMOVAL_RETRY_INTERVAL_MS


class BlobRemoval:
    """The worker. Engine's thread."""

    def __init__(self, database: Database, system: SystemTransactions) -> None:
        """Take what tells of commits, and what reads and writes documents."""
        self._database = database
        self._system = system
        self._seen_ts = database.published_ts
        """Commits up to here were looked at."""
        # Before there can be uploads of this run.
        self._left, self._is_due = system.read(_find_left)
        self._is_running = False
        self._retry_ns: int | None = None

    def step(self, now_ns: int) -> int | None:
        """Begin to remove what was dropped since the last step."""
        published_ts = self._database.published_ts
        if published_ts > self._seen_ts:
            self._is_due = self._is_due or self._has_drops(published_ts)
            self._seen_ts = published_ts
        is_allowed = self._retry_ns is None or now_ns >= self._retry_ns
        if self._is_due and is_allowed and not self._is_running:
            self._submit()
        return self._retry_ns

    def _has_drops(self, published_ts: int) -> bool:
        """Return whether a commit since the last look dropped a blob."""
        index = self._database.catalog.tables[stored_files.BLOBS].indexes["by_state"]
        prefix = encode_value(stored_files.DROPPED)
        try:
            commits = self._database.write_log.between(self._seen_ts, published_ts)
        except LogTrimmedError:
            return True
        return any(key.startswith(prefix) for writes in commits for key in writes.get(index.id, ()))

    def _submit(self) -> None:
        self._is_running, self._is_due, self._retry_ns = True, False, None
        try:
            self._system.submit_work(
                "remove_blobs", partial(_remove_some, self._left), self._removed
            )
        except LivefileError as error:  # The queue is full, or the deployment closes.
            self._removed(error)

    def _removed(self, is_more: bool | LivefileError) -> None:
        self._is_running = False
        if isinstance(is_more, LivefileError):
            self._is_due = True
            self._retry_ns = self._system.now_ns + FILE_REMOVAL_RETRY_INTERVAL_MS * 1_000_000
            return
        self._left = ()
        if is_more:
            self._submit()


def _find_left(transaction: Transaction) -> tuple[Sequence[str], bool]:
    """Return the uploads that a process before this one began, and if there is work to do."""
    left = tuple(stored_files.blobs_in_state(transaction, stored_files.UPLOADING))
    return left, bool(left) or any(stored_files.blobs_in_state(transaction, stored_files.DROPPED))


def _remove_some(left: Sequence[str], transaction: Transaction, committer: Committer) -> bool:
    """Remove a few chunks. Return whether there may be more to remove."""
    for blob_id in left:
        stored_files.abandon_blob(transaction, blob_id)
    blob_id = next(stored_files.blobs_in_state(transaction, stored_files.DROPPED), "")
    if not blob_id:
        return False
    key = stored_files.blob_key(blob_id)
    if committer.work(lambda it, _: blobs.remove_chunks(it, key, FILE_CHUNKS_REMOVED_MAX)):
        transaction.delete(blob_id)
    return True

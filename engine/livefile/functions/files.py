"""Stored files as bytes that come and go: uploads piece by piece, and reading in chunks.

An upload is a row of small jobs, one chunk each, between the commit groups of calls; its file comes
into being with the last one, so nobody ever sees half a file. Reading takes a chunk at a time as
well: a slow reader holds no snapshot, and a file that is deleted ends under it.

Not here: the documents of files (``system/stored_files.py``); ``ctx.storage``
(``functions/storage.py``); HTTP (the server's ``web/files.py``).
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from functools import partial
from uuid import UUID

from livefile.functions.awaited_answer import answer_of
from livefile.functions.system_transactions import SystemTransactions
from livefile.sqlite import blobs
from livefile.system import stored_files
from livefile.system.file_bytes import check_digest
from livefile.system.stored_files import FileContent, NewFile
from livefile.system.upload_token import check_upload_token
from livefile.transaction.committer import Committer
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import (
    BadRequestError,
    InvalidStorageIdError,
    LivefileError,
    StoredFileNotFoundError,
)
from livefile.vocabulary.limits import FILE_CHUNK_SIZE_BYTES, FILE_SIZE_BYTES_MAX


class Files:
    """The stored files of a deployment. Safe for threads; its coroutines run on any event loop."""

    def __init__(self, system: SystemTransactions) -> None:
        """Take what reads and writes documents beside the calls of functions."""
        self._system = system

    def check_upload_token(self, token: str) -> None:
        """Return if whoever has this token may upload now. Blocks for a read.

        Raises:
            UnauthenticatedError: it is no token of this deployment, or expired.
        """
        secret = self._system.read(lambda transaction: transaction.snapshot.upload_secret())
        check_upload_token(secret, token, self._system.now_ns)

    def check_size(self, size_bytes: int) -> None:
        """Refuse what is too large for a file.

        Raises:
            BadRequestError: it is.
        """
        if size_bytes > FILE_SIZE_BYTES_MAX:
            raise BadRequestError(
                "FileTooLarge",
                f"A file may have {FILE_SIZE_BYTES_MAX} bytes; this one has {size_bytes} or more",
            )

    def check_content_type(self, content_type: str | None) -> None:
        """Refuse what is no media type.

        Raises:
            InvalidValueError: it is none.
        """
        stored_files.check_content_type(content_type)

    async def store(
        self,
        pieces: AsyncIterable[bytes],
        content_type: str | None = None,
        sha256: bytes | None = None,
    ) -> str:
        """Store a file and return its id. Holds a chunk or two in memory, however large it is.

        ``sha256`` is what the digest of its bytes must be. Whatever goes wrong, no half of a file
        is left; but if this is cancelled just before the end, the file may be there.

        Raises:
            InvalidValueError: the content type is none.
            BadRequestError: the digest is another one, or the file is too large.
        """
        stored_files.check_content_type(content_type)
        upload = _Upload(self._system)
        try:
            async for piece in pieces:
                await upload.add(piece)
                self.check_size(upload.size_bytes)
            return await upload.finish(content_type, sha256)
        except BaseException:
            upload.abandon()
            raise

    def find_by_uuid(self, uuid: str) -> FileContent | None:
        """Return where the bytes of the file served as ``uuid`` are, None if there is none. Blocks.

        Raises:
            InvalidStorageIdError: it is no UUID in small letters.
        """
        if not stored_files.is_uuid(uuid):
            raise InvalidStorageIdError(f"{uuid!r:.100} is no UUID")
        return self._system.read(lambda transaction: stored_files.find_content(transaction, uuid))

    def read(self, content: FileContent, start: int, end: int) -> bytes:
        """Return bytes of a file from ``start`` on, at most to ``end``, one at least. Blocks.

        There are no more of them than fit into a chunk.

        Raises:
            StoredFileNotFoundError: it was deleted meanwhile.
        """
        number, offset = divmod(start, content.chunk_size_bytes)
        chunk = self._system.read_chunk(content.blob_id, number)
        piece = None if chunk is None else chunk[offset : offset + end - start]
        if not piece:
            raise StoredFileNotFoundError("the file was deleted while it was read")
        return piece

    async def stream(self, content: FileContent) -> AsyncIterator[bytes]:
        """Yield all bytes of a file, a chunk at a time.

        Raises:
            StoredFileNotFoundError: it was deleted meanwhile.
        """
        start, end = 0, content.size_bytes
        while start < end:
            piece = await asyncio.to_thread(self.read, content, start, end)
            start += len(piece)
            yield piece


class _Upload:
    """One file on its way in. One event loop; the jobs run on the engine's thread."""

    def __init__(self, system: SystemTransactions) -> None:
        self._system = system
        self._buffer = bytearray()
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        """Of what was added."""
        self._chunks_count = 0
        self._blob_id: str | None = None
        """Known once the first chunk was written. Engine's thread."""

    async def add(self, piece: bytes) -> None:
        """Take the next bytes; returns once there is room for more."""
        self.size_bytes += len(piece)
        rest = memoryview(piece)
        while rest:
            room = FILE_CHUNK_SIZE_BYTES - len(self._buffer)
            self._buffer += rest[:room]
            rest = rest[room:]
            if len(self._buffer) == FILE_CHUNK_SIZE_BYTES:
                chunk = self._take_chunk()
                job = partial(self._add, chunk)
                await answer_of(partial(self._system.submit_work, "upload", job))

    async def finish(self, content_type: str | None, sha256: bytes | None) -> str:
        """Make a file of what came, and return its id."""
        chunk = self._take_chunk()
        digest = self._hash.digest()
        check_digest(digest, sha256)
        file = NewFile(
            uuid=str(UUID(bytes=secrets.token_bytes(16), version=4)),
            size_bytes=self.size_bytes,
            sha256=digest,
            content_type=content_type,
        )
        return await answer_of(
            partial(self._system.submit_work, "store", partial(self._finish, chunk, file))
        )

    def abandon(self) -> None:
        """Have what was written removed. If that cannot be said now, it is at the next start."""
        if self._chunks_count:
            with suppress(LivefileError):
                self._system.submit("abandon", self._drop, lambda _: None)

    def _take_chunk(self) -> bytes:
        chunk = bytes(self._buffer)
        self._buffer.clear()
        self._hash.update(chunk)
        if chunk:
            self._chunks_count += 1
        return chunk

    # --- Jobs, on the engine's thread: in the order in which they were submitted -------------

    def _add(self, chunk: bytes, transaction: Transaction, committer: Committer) -> None:
        self._write(chunk, self._blob(transaction), committer)

    def _finish(
        self, chunk: bytes, file: NewFile, transaction: Transaction, committer: Committer
    ) -> str:
        blob_id = self._blob(transaction)
        if chunk:
            self._write(chunk, blob_id, committer)
        return stored_files.add_file(transaction, file, blob_id)

    def _drop(self, transaction: Transaction) -> None:
        if self._blob_id is not None:
            stored_files.abandon_blob(transaction, self._blob_id)

    def _blob(self, transaction: Transaction) -> str:
        if self._blob_id is None:
            self._blob_id = stored_files.add_blob(transaction)
        return self._blob_id

    def _write(self, chunk: bytes, blob_id: str, committer: Committer) -> None:
        key, number = stored_files.blob_key(blob_id), self._chunks_count - 1
        committer.work(lambda connection, _: blobs.add_chunk(connection, key, number, chunk))

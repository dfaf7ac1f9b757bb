"""``ctx.storage``: an app's files, in queries, mutations and actions.

In queries and mutations a file is data like any other: looking at one is a tracked read, deleting
one is part of the transaction. Bytes move in actions only.

Not here: the bytes (``functions/files.py``); uploads of clients (the server's ``web/files.py``).
"""

from collections.abc import AsyncIterable, AsyncIterator

from livefile.functions.awaited_system import AwaitedSystem
from livefile.functions.running import current_call
from livefile.functions.services import Origins
from livefile.model.id import Id
from livefile.system import stored_files
from livefile.system.file_bytes import read_bytes, store_bytes
from livefile.system.stored_files import StoredFile
from livefile.system.upload_token import make_upload_token
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import InvalidValueError, TransactionLimitError
from livefile.vocabulary.limits import TRANSACTION_FILE_BYTES_MAX, TRANSACTION_FILES_MAX

FILES_PATH = "/api/storage/"
"""Under it, a file by its UUID."""

UPLOAD_PATH = "/api/storage/upload"


class StorageReader:
    """``ctx.storage`` of a query."""

    def __init__(self, transaction: Transaction, origins: Origins) -> None:
        """Take what it reads, and the deployment's address."""
        self._transaction = transaction
        self._origins = origins

    def get_url(self, id: Id[StoredFile]) -> str | None:
        """Return the address at which anybody who has it can read the file.

        None if there is no such file. Without a server it is the path only.

        Raises:
            InvalidStorageIdError: ``id`` can be no file's.
        """
        return _url(self._transaction, self._origins, id)

    def get_metadata(self, id: Id[StoredFile]) -> StoredFile | None:
        """Return what is known about a file, None if there is none.

        Raises:
            InvalidStorageIdError: ``id`` can be no file's.
        """
        return stored_files.find_file(self._transaction, id)


class StorageWriter(StorageReader):
    """``ctx.storage`` of a mutation."""

    def store(
        self, content: bytes, *, content_type: str | None = None, sha256: bytes | None = None
    ) -> Id[StoredFile]:
        """Store a file, if the mutation commits, and return its id. For large ones see actions.

        ``sha256`` is what the digest of its bytes must be.

        Raises:
            InvalidValueError: the content is not bytes, or the content type is none.
            BadRequestError: the digest is another one.
            TransactionLimitError: the mutation has stored too much.
        """
        if not isinstance(content, bytes):
            raise InvalidValueError(
                f"a mutation stores a file from bytes, got {type(content).__name__}"
            )
        _count_written(len(content))
        return Id(store_bytes(self._transaction, content, content_type, sha256))

    def get(self, id: Id[StoredFile]) -> bytes | None:
        """Return all bytes of a file, None if there is none. For large ones see actions.

        Raises:
            InvalidStorageIdError: ``id`` can be no file's.
            TransactionLimitError: the mutation has read too much.
        """
        content = stored_files.find_content(self._transaction, id)
        if content is None:
            return None
        _count_read(content.size_bytes)
        return read_bytes(self._transaction, content)

    def generate_upload_url(self) -> str:
        """Return an address to which a client may POST files, for an hour."""
        return _upload_url(self._transaction, self._origins)

    def delete(self, id: Id[StoredFile]) -> None:
        """Delete a file, if the mutation commits; its address is gone at once.

        Raises:
            InvalidStorageIdError: ``id`` can be no file's.
            StoredFileNotFoundError: there is no such file.
        """
        stored_files.delete_file(self._transaction, id)


class ActionStorage:
    """``ctx.storage`` of an action: each call is a transaction of its own."""

    def __init__(self, system: AwaitedSystem, origins: Origins) -> None:
        """Take what reads and writes, and the deployment's address."""
        self._system = system
        self._origins = origins

    async def store(
        self, content: bytes | AsyncIterable[bytes], *, content_type: str | None = None
    ) -> Id[StoredFile]:
        """Store a file, whole or piece by piece, and return its id.

        Raises:
            InvalidValueError: the content is neither bytes nor an asynchronous iterable of bytes,
                or the content type is none.
        """
        return Id(await self._system.files.store(_pieces(content), content_type))

    async def get(self, id: Id[StoredFile]) -> bytes | None:
        """Return all bytes of a file, None if there is none. For large files see ``stream``.

        Raises:
            InvalidStorageIdError: ``id`` can be no file's.
            StoredFileNotFoundError: it was deleted while it was read.
        """
        files = self._system.files
        content = await self._system.read(lambda tx: stored_files.find_content(tx, id))
        if content is None:
            return None
        return b"".join([piece async for piece in files.stream(content)])

    async def stream(self, id: Id[StoredFile]) -> AsyncIterator[bytes]:
        """Yield the bytes of a file piece by piece: ``async for piece in ctx.storage.stream(id)``.

        Raises:
            InvalidStorageIdError: ``id`` can be no file's.
            StoredFileNotFoundError: there is no such file, or it was deleted meanwhile.
        """
        files = self._system.files
        content = await self._system.read(lambda tx: stored_files.find_content(tx, id))
        if content is None:
            raise stored_files.not_found(id)
        async for piece in files.stream(content):
            yield piece

    async def get_url(self, id: Id[StoredFile]) -> str | None:
        """Return the address of a file, None if there is none; as in a query."""
        return await self._system.read(lambda tx: _url(tx, self._origins, id))

    async def get_metadata(self, id: Id[StoredFile]) -> StoredFile | None:
        """Return what is known about a file, None if there is none; as in a query."""
        return await self._system.read(lambda tx: stored_files.find_file(tx, id))

    async def generate_upload_url(self) -> str:
        """Return an address to which a client may POST files, for an hour."""
        return await self._system.read(lambda tx: _upload_url(tx, self._origins))

    async def delete(self, id: Id[StoredFile]) -> None:
        """Delete a file; as in a mutation, and durable when this returns."""
        await self._system.run("delete_file", lambda tx: stored_files.delete_file(tx, id))


def _count_written(size_bytes: int) -> None:
    running = current_call.get()
    assert running is not None  # Only a call has a context.
    running.files_written += 1
    running.file_bytes_written += size_bytes
    _check_limits("write", running.files_written, running.file_bytes_written)


def _count_read(size_bytes: int) -> None:
    running = current_call.get()
    assert running is not None
    running.files_read += 1
    running.file_bytes_read += size_bytes
    _check_limits("read", running.files_read, running.file_bytes_read)


def _check_limits(verb: str, count: int, size_bytes: int) -> None:
    if count > TRANSACTION_FILES_MAX:
        raise TransactionLimitError(
            "TooManyFiles",
            f"A mutation may {verb} {TRANSACTION_FILES_MAX} files; an action may {verb} more",
        )
    if size_bytes > TRANSACTION_FILE_BYTES_MAX:
        raise TransactionLimitError(
            "TooManyFileBytes",
            f"A mutation may {verb} {TRANSACTION_FILE_BYTES_MAX} bytes of files, this is "
            f"{size_bytes}; an action may {verb} more",
        )


def _url(transaction: Transaction, origins: Origins, id: str) -> str | None:
    uuid = stored_files.find_uuid(transaction, id)
    return None if uuid is None else f"{origins.cloud}{FILES_PATH}{uuid}"


def _upload_url(transaction: Transaction, origins: Origins) -> str:
    token = make_upload_token(transaction.snapshot.upload_secret(), transaction.now_ns)
    return f"{origins.cloud}{UPLOAD_PATH}?token={token}"


async def _pieces(content: object) -> AsyncIterator[bytes]:
    if isinstance(content, bytes | bytearray | memoryview):
        yield bytes(content)
    elif isinstance(content, AsyncIterable):
        async for piece in content:
            if not isinstance(piece, bytes):
                raise InvalidValueError(
                    f"a file is stored from pieces that are bytes, got {type(piece).__name__}"
                )
            yield piece
    else:
        raise InvalidValueError(
            "a file is stored from bytes or an asynchronous iterable of bytes, got "
            f"{type(content).__name__}"
        )

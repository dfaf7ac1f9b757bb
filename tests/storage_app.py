"""An app whose functions are ``ctx.storage``, and what it takes to look at the bytes below it.

Not here: HTTP; tests of that have a server in front (``tests/server``).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar, cast

from livefile import App, FileContent, Livefile, ManualClock
from livefile.model.value_packed import unpack
from livefile.transaction.write_set import Document
from tests.app_folder import write_app

R = TypeVar("R")

FUNCTIONS = """
    from typing import Any

    from livefile import *

    @mutation
    def upload_url(ctx: MutationCtx) -> str:
        return ctx.storage.generate_upload_url()

    @mutation
    def delete(ctx: MutationCtx, id: Any) -> None:
        ctx.storage.delete(id)

    @mutation
    def delete_and_fail(ctx: MutationCtx, id: Any) -> None:
        ctx.storage.delete(id)
        assert ctx.storage.get_url(id) is None
        raise ConvexError("no")

    @query
    def url(ctx: QueryCtx, id: Any) -> str | None:
        return ctx.storage.get_url(id)

    @query
    def metadata(ctx: QueryCtx, id: Any) -> StoredFile | None:
        return ctx.storage.get_metadata(id)

    @query
    def typed(ctx: QueryCtx, id: Id[StoredFile]) -> Id[StoredFile]:
        return id

    @query
    def documents(ctx: QueryCtx) -> list[dict[str, Any]]:
        return ctx.db.system.query("_storage").collect()

    @action
    async def store(ctx: ActionCtx, content: Any, content_type: Any) -> Id[StoredFile]:
        return await ctx.storage.store(content, content_type=content_type)

    @action
    async def store_and_get(ctx: ActionCtx, content: bytes) -> bytes | None:
        return await ctx.storage.get(await ctx.storage.store(content))

    @action
    async def store_pieces(ctx: ActionCtx, pieces: list[Any]) -> Id[StoredFile]:
        async def each():
            for piece in pieces:
                yield piece

        return await ctx.storage.store(each())

    @action
    async def get(ctx: ActionCtx, id: Any) -> bytes | None:
        return await ctx.storage.get(id)

    @action
    async def stream(ctx: ActionCtx, id: Any) -> list[float]:
        return [float(len(piece)) async for piece in ctx.storage.stream(id)]

    @action
    async def look(ctx: ActionCtx, id: Any) -> list[Any]:
        url, found = await ctx.storage.get_url(id), await ctx.storage.get_metadata(id)
        return [url, None if found is None else found.size]

    @action
    async def upload_url_of_action(ctx: ActionCtx) -> str:
        return await ctx.storage.generate_upload_url()

    @action
    async def remove(ctx: ActionCtx, id: Any) -> None:
        await ctx.storage.delete(id)
"""


def open_storage(
    folder: Path,
    path: Path | str = ":memory:",
    clock: ManualClock | None = None,
    *,
    has_threads: bool = True,
) -> Livefile:
    """Open a deployment of the app."""
    app = App.load(write_app(folder, {"files": FUNCTIONS}))
    return Livefile.open(path, app, clock=clock, has_threads=has_threads)


async def pieces_of(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield pieces as they come from a client."""
    for piece in pieces:
        yield piece


def run_stepped(livefile: Livefile, work: Callable[[], Awaitable[R]]) -> R:
    """Run ``work`` on a loop of its own, with a step of the engine between all of the loop's."""

    async def run() -> R:
        task = asyncio.ensure_future(work())
        while not task.done():
            livefile.step()
            await asyncio.sleep(0)
        return await task

    return asyncio.run(run())


def store(livefile: Livefile, *pieces: bytes, content_type: str | None = None) -> str:
    """Store a file in a deployment that is stepped by hand, and return its id."""
    return run_stepped(livefile, lambda: livefile.files.store(pieces_of(pieces), content_type))


def content_of(livefile: Livefile, storage_id: str) -> FileContent:
    """Return where the bytes of a file are; there must be one."""
    found = livefile.files.find_by_uuid(uuid_of(livefile, storage_id))
    assert found is not None
    return found


def uuid_of(livefile: Livefile, storage_id: str) -> str:
    """Return the UUID of a file; there must be one."""
    url = livefile.query("files:url", id=storage_id)
    assert isinstance(url, str)
    return url.rpartition("/")[2]


def bytes_of(livefile: Livefile, storage_id: str) -> bytes:
    """Return all bytes of a file."""
    content = content_of(livefile, storage_id)
    found = b""
    while len(found) < content.size_bytes:
        found += livefile.files.read(content, len(found), content.size_bytes)
    return found


def chunks_count(livefile: Livefile) -> int:
    """Return how many chunks there are in the file, of whatever."""
    with livefile._database._connections.read() as connection:
        count: int = connection.execute("SELECT count(*) FROM blob_chunks").get
        return count


def blob_states(livefile: Livefile) -> list[object]:
    """Return the state of each blob, oldest first."""
    database = livefile._database
    number = database.catalog.tables["_blobs"].number
    with database._connections.read() as connection:
        rows = connection.execute(
            "SELECT document FROM documents WHERE table_number = ? ORDER BY internal_id", (number,)
        ).fetchall()
    return [cast(Document, unpack(cast(bytes, packed)))["state"] for (packed,) in rows]

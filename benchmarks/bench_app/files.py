"""Uploads and downloads, for ``benchmarks/files.py``."""

from livefile import Id, MutationCtx, QueryCtx, StoredFile, mutation, query


@mutation
def generate_upload_url(ctx: MutationCtx) -> str:
    """Return where to upload."""
    return ctx.storage.generate_upload_url()


@mutation
def remove(ctx: MutationCtx, id: Id[StoredFile]) -> None:
    """Delete a file."""
    ctx.storage.delete(id)


@query
def url(ctx: QueryCtx, id: Id[StoredFile]) -> str | None:
    """Return where to download."""
    return ctx.storage.get_url(id)

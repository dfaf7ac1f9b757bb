"""Sentences with their embeddings, found by nearness, and the same without an index."""

from livefile import (
    ActionCtx,
    MutationCtx,
    QueryCtx,
    Table,
    action,
    field,
    mutation,
    query,
    vector_index,
)


class Sentence(Table, name="sentences"):
    """One sentence, known by its number, on one of a hundred shelves."""

    number: int
    shelf: int
    embedding: list[float]
    by_embedding = vector_index("embedding", dimensions=384, filters=["shelf"])


class PlainSentence(Table, name="plain_sentences"):
    """The same without the index."""

    number: int
    shelf: int
    embedding: list[float]


@mutation
def fill(ctx: MutationCtx, start: int, embeddings: list[list[float]], kind: str) -> None:
    """Add sentences, numbered from ``start``."""
    for number, embedding in enumerate(embeddings, start):
        if kind == "indexed":
            ctx.db.insert(Sentence(number=number, shelf=number % 100, embedding=embedding))
        else:
            ctx.db.insert(PlainSentence(number=number, shelf=number % 100, embedding=embedding))


@action
async def nearest(ctx: ActionCtx, embedding: list[float], limit: int) -> list[str]:
    """Return the ids of the nearest sentences."""
    return [found.id for found in await ctx.vector_search(_ALL, embedding, limit=limit)]


@action
async def nearest_of_shelf(ctx: ActionCtx, embedding: list[float], limit: int) -> list[str]:
    """Return the ids of the nearest sentences on one shelf."""
    found = await ctx.vector_search(_ALL, embedding, limit=limit, filter=field("shelf") == 7)
    return [each.id for each in found]


@query
def nearest_exactly(ctx: QueryCtx, embedding: list[float], limit: int) -> list[str]:
    """Return the ids of the sentences that are nearest, without a doubt."""
    return [found.id for found in ctx.db.vector_search(_ALL, embedding, limit=limit)]


@action
async def nothing(ctx: ActionCtx, embedding: list[float], limit: int) -> list[str]:
    """Return nothing: what any action of these arguments costs."""
    return []


_ALL = Sentence.by_embedding

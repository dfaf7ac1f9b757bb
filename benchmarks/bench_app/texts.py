"""Sentences that are found by their words, and the same without an index."""

from livefile import MutationCtx, QueryCtx, Table, mutation, query, search_index


class Text(Table, name="texts"):
    """One sentence, on one of a hundred shelves."""

    body: str
    shelf: int
    search_body = search_index("body", filters=["shelf"])


class PlainText(Table, name="plain_texts"):
    """The same without the index."""

    body: str
    shelf: int


@mutation
def fill(ctx: MutationCtx, start: int, bodies: list[str], kind: str) -> None:
    """Add sentences, numbered from ``start``."""
    for number, body in enumerate(bodies, start):
        if kind == "indexed":
            ctx.db.insert(Text(body=body, shelf=number % 100))
        else:
            ctx.db.insert(PlainText(body=body, shelf=number % 100))


@query
def search(ctx: QueryCtx, text: str, shelf: int | None = None) -> list[Text]:
    """Return the ten best for a text, of all or of one shelf."""
    wanted = Text.search_body.search(text)
    if shelf is not None:
        wanted = wanted.eq(shelf=shelf)
    return ctx.db.query(wanted).take(10)

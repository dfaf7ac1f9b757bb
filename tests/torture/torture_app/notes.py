"""Notes that are watched in many ways.

``salt`` changes nothing but which query it is: with a new one the query is surely run anew.
"""

from typing import Any

from livefile import ConvexError, Id, MutationCtx, QueryCtx, mutation, query

from .pauses import pause
from .schema import Note

LARGE = 40_000


def _short(note: Note) -> list[Any]:
    return [note.title, note.topic, note.stars, note.text]


def _title(note: Note) -> str:
    return note.title


@query
def by_topic(ctx: QueryCtx, topic: str, salt: float = 0.0) -> list[Any]:
    """Return the notes of a topic."""
    return [_short(note) for note in ctx.db.query(Note.by_topic.eq(topic=topic)).collect()]


@query
def by_stars(ctx: QueryCtx, low: float, high: float, salt: float = 0.0) -> list[Any]:
    """Return the notes from ``low`` to ``high`` stars."""
    stars = Note.by_stars.gte(stars=low).lte(stars=high)
    return [_short(note) for note in ctx.db.query(stars).collect()]


@query
def newest(ctx: QueryCtx, count: float, salt: float = 0.0) -> list[Any]:
    """Return the newest notes, the newest first."""
    return [_short(note) for note in ctx.db.query(Note).order("desc").take(int(count))]


@query
def only(ctx: QueryCtx, title: str, salt: float = 0.0) -> list[Any] | None:
    """Return the note with a title; fail if there are two, or if it has no stars."""
    note = ctx.db.query(Note.by_title.eq(title=title)).unique()
    if note is not None and note.stars == 0:
        raise ConvexError({"title": title, "text": note.text})
    return None if note is None else _short(note)


@query
def mine(ctx: QueryCtx, salt: float = 0.0) -> list[Any]:
    """Return who asks, and the notes of the topic with that name."""
    identity = ctx.auth.get_user_identity()
    name = "nobody" if identity is None else str(identity["subject"])
    found = ctx.db.query(Note.by_topic.eq(topic=name)).collect()
    return [name, [_short(note) for note in found]]


@query
def mine_slowly(ctx: QueryCtx, topic: str, pauses: float, salt: float = 0.0) -> list[Any]:
    """Return who asks and two lists, with so much time between them that it is done aside."""
    before = ctx.run_query(by_topic, topic=topic)
    pause(pauses)
    return [*ctx.run_query(mine), before]


@query
def large(ctx: QueryCtx, salt: float = 0.0) -> list[Any]:
    """Return the newest note, and much more."""
    newest = ctx.db.query(Note).order("desc").first()
    return ["x" * LARGE, None if newest is None else _short(newest)]


@mutation
def put(ctx: MutationCtx, topic: str, title: str, stars: float, text: str) -> Id[Note]:
    """Add a note."""
    return ctx.db.insert(Note(topic=topic, title=title, stars=stars, text=text))


@mutation
def change(ctx: MutationCtx, title: str, topic: str, stars: float, text: str) -> int:
    """Change all notes with a title; return how many."""
    found = ctx.db.query(Note.by_title.eq(title=title)).collect()
    for note in found:
        ctx.db.patch(note.id, topic=topic, stars=stars, text=text)
    return len(found)


@mutation
def remove(ctx: MutationCtx, title: str, keeps_one: bool) -> int:
    """Remove the notes with a title, or all but one; return how many are gone."""
    found = ctx.db.query(Note.by_title.eq(title=title)).collect()
    for note in found[1:] if keeps_one else found:
        ctx.db.delete(note.id)
    return len(found)

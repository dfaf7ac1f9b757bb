"""An app whose results depend on the caller in every way there is, and what they must be.

A function may always read the caller, never, in some states of the database only, for some
arguments only, in a nested query, on its way to an error, or without showing it.

Not here: who calls when (``tests/torture/identity_pairs.py``, ``identity_changes.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livefile import ANONYMOUS, Identity, Value

APP = """
    from livefile import *

    class Lock(Table, name="locks"):
        reason: str

    @internal.query
    def nested(ctx: QueryCtx) -> str:
        return caller(ctx)

    def caller(ctx: QueryCtx) -> str:
        identity = ctx.auth.get_user_identity()
        return "nobody" if identity is None else f"{identity['subject']} {identity.get('level')!r}"

    @mutation
    def toggle(ctx: MutationCtx) -> None:
        lock = ctx.db.query(Lock).first()
        if lock is None:
            ctx.db.insert(Lock(reason="closed"))
        else:
            ctx.db.delete(lock.id)

    @query
    def never(ctx: QueryCtx, number: float) -> float:
        return number

    @query
    def always(ctx: QueryCtx, number: float) -> str:
        return caller(ctx)

    @query
    def when_locked(ctx: QueryCtx, number: float) -> str:
        return "open" if ctx.db.query(Lock).first() is None else caller(ctx)

    @query
    def when_open(ctx: QueryCtx, number: float) -> str:
        return "locked" if ctx.db.query(Lock).first() is not None else caller(ctx)

    @query
    def when_odd(ctx: QueryCtx, number: float) -> str:
        return "even" if number % 2 == 0 else caller(ctx)

    @query
    def in_nested(ctx: QueryCtx, number: float) -> str:
        return ctx.run_query(nested)

    @query
    def in_error(ctx: QueryCtx, number: float) -> None:
        raise ConvexError(caller(ctx))

    @query
    def mostly_equal(ctx: QueryCtx, number: float) -> str:
        if ctx.db.query(Lock).first() is None:
            return "equal"
        return "bob" if caller(ctx).startswith("bob") else "equal"

    @query
    def unseen(ctx: QueryCtx, number: float) -> str:
        return "somebody" if caller(ctx) else ""
"""

QUERIES = (
    "never",
    "always",
    "when_locked",
    "when_open",
    "when_odd",
    "in_nested",
    "in_error",
    "mostly_equal",
    "unseen",
)


def user(subject: str, **claims: Value) -> Identity:
    """Return a user of the one issuer there is."""
    return Identity(attributes={"subject": subject, "issuer": "test", **claims})


# Some differ in one claim only, one in its type only: 1.0 == True for Python.
IDENTITIES: Sequence[Identity] = (
    ANONYMOUS,
    user("ada"),
    user("bob"),
    user("ada", level=1.0),
    user("ada", level=2.0),
    user("ada", level=True),
    user("ada", level="1.0"),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a query gives; ``has_read_identity`` says that it may not be shared."""

    value: object
    has_read_identity: bool
    is_error: bool = False


def expect(name: str, number: float, identity: Identity, *, is_locked: bool) -> Expected:
    """Return what a query must give to a caller."""
    match name:
        case "never":
            return Expected(number, False)
        case "always" | "in_nested":
            return Expected(shown(identity), True)
        case "when_locked":
            return Expected(shown(identity) if is_locked else "open", is_locked)
        case "when_open":
            return Expected("locked" if is_locked else shown(identity), not is_locked)
        case "when_odd":
            return Expected(shown(identity) if number % 2 else "even", bool(number % 2))
        case "in_error":
            return Expected(shown(identity), True, is_error=True)
        case "mostly_equal":
            is_bob = is_locked and shown(identity).startswith("bob")
            return Expected("bob" if is_bob else "equal", is_locked)
        case "unseen":
            return Expected("somebody", True)
    raise AssertionError(f"there is no query {name}")


def shown(identity: Identity) -> str:
    """Return how the app shows a caller."""
    attributes: Mapping[str, Value] | None = identity.attributes
    if attributes is None:
        return "nobody"
    return f"{attributes['subject']!s} {attributes.get('level')!r}"

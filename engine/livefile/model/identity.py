"""Who calls: nobody, a user with claims, or the holder of the admin key."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from livefile.model.value import Value


@dataclass(frozen=True, slots=True)
class Identity:
    """One caller.

    ``attributes`` are the user's claims under the protocol's names (``tokenIdentifier``,
    ``subject``, ``issuer``, ``name`` ...), or None when nobody is signed in. An admin who
    impersonates a user has both.
    """

    # Compared by the key: for Python a claim of True is equal to one of 1.
    attributes: Mapping[str, Value] | None = field(default=None, compare=False)
    is_admin: bool = False
    key: str = field(default="", init=False)
    """A text that is equal for equal identities; the query cache is keyed by it."""

    def __post_init__(self) -> None:
        token = "" if self.attributes is None else repr(sorted(self.attributes.items()))
        object.__setattr__(self, "key", f"{'admin' if self.is_admin else 'user'}:{token}")


ANONYMOUS = Identity()
ADMIN = Identity(is_admin=True)

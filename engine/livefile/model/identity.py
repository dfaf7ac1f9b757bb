"""Who calls: nobody, a user with claims, or the holder of the admin key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from livefile.model.value import Value


class IdentityKind(Enum):
    """Who calls, without a name. The value is the protocol's word for it."""

    NOBODY = "unknown"
    USER = "user"
    ADMIN = "instance_admin"
    ADMIN_AS_USER = "member_acting_user"


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

    kind: IdentityKind = field(default=IdentityKind.NOBODY, init=False, compare=False, repr=False)
    """Worked out once, because every call's record has it."""

    def __post_init__(self) -> None:
        if self.attributes is None:
            kind = IdentityKind.ADMIN if self.is_admin else IdentityKind.NOBODY
        else:
            kind = IdentityKind.ADMIN_AS_USER if self.is_admin else IdentityKind.USER
        object.__setattr__(self, "kind", kind)
        token = "" if self.attributes is None else repr(sorted(self.attributes.items()))
        object.__setattr__(self, "key", f"{'admin' if self.is_admin else 'user'}:{token}")


ANONYMOUS = Identity()
ADMIN = Identity(is_admin=True)

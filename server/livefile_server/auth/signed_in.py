"""What good credentials give: who somebody is, and until when."""

from dataclasses import dataclass

from livefile import Identity


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody whose credentials were checked.

    ``expires_ns`` is the end of a token on the wall clock, None for credentials without one.
    """

    identity: Identity
    expires_ns: int | None = None

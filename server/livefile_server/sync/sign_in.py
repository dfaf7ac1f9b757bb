"""Who the client of one socket is, and until when.

A token ends while its socket lives on. From that moment nothing may be done or shown on its
strength, so the session asks here before it does either; a timer ends sockets on which nothing
happens.

Not here: checking tokens (``auth/tokens.py``), which takes the network and so is an effect.
"""

from collections.abc import Callable
from dataclasses import replace

from livefile import ANONYMOUS, Caller, Identity
from livefile_server.auth.impersonation import act_as
from livefile_server.auth.signed_in import SignedIn
from livefile_server.sync.messages import AdminToken

NOBODY_KNOWN = Caller()
EXPIRED_TEXT = "Convex token identity expired"


class SignIn:
    """The identity in force. ``wall_ns`` reads the wall clock, which tokens speak of."""

    def __init__(
        self,
        check_admin_key: Callable[[str], Identity],
        wall_ns: Callable[[], int],
        caller: Caller = NOBODY_KNOWN,
    ) -> None:
        self.is_checking = False
        """A token is being checked; the client's next message is for the time after."""
        self.caller = caller
        """Who is at the other end, with the token of the identity in force."""
        self._checked_token: str | None = None
        self._check_admin_key = check_admin_key
        self._wall_ns = wall_ns
        self._now = SignedIn(ANONYMOUS)

    @property
    def identity(self) -> Identity:
        """Who the client is."""
        return self._now.identity

    @property
    def has_expired(self) -> bool:
        """Whether the identity came with a token that is over."""
        return self._now.expires_ns is not None and self._wall_ns() >= self._now.expires_ns

    def become(self, signed_in: SignedIn) -> None:
        """Let the client be somebody else from now on."""
        self._now = signed_in
        self.caller = replace(self.caller, auth_token=self._checked_token)
        self._checked_token = None

    def begin_check(self, token: str) -> str:
        """Note the token that is being checked from now on, and return it."""
        self.is_checking, self._checked_token = True, token
        return token

    def check(self, token: AdminToken | None) -> SignedIn:
        """Return whom an admin key, or no credentials at all, stand for.

        Raises:
            UnauthenticatedError: the key is refused.
            BadRequestError: the user to act as is none.
        """
        if token is None:
            return SignedIn(ANONYMOUS)
        identity = self._check_admin_key(token.key)
        if token.acting_as is not None:
            identity = act_as(identity, token.acting_as)
        return SignedIn(identity)

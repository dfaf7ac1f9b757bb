"""``ctx`` of an HTTP action: that of an action, and what to make of credentials that were refused.

Not here: the other contexts (``context.py``).
"""

from livefile.functions.context import ActionCtx, Auth
from livefile.model.identity import ANONYMOUS
from livefile.model.value import Value
from livefile.vocabulary.errors import UnauthenticatedError


class HttpActionCtx(ActionCtx):
    """The context of an HTTP action: all that an action's has.

    Credentials of the request that were refused do not keep the action from running, but
    ``auth`` then raises.
    """


class RefusedAuth(Auth):
    """``ctx.auth`` of a request whose credentials were refused."""

    def __init__(self, error: UnauthenticatedError) -> None:
        super().__init__(ANONYMOUS)
        self._error = error

    def get_user_identity(self) -> dict[str, Value] | None:
        """Raise why the credentials were refused."""
        raise UnauthenticatedError(self._error.code, str(self._error)) from self._error

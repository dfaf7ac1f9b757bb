"""From the Authorization header of an HTTP request to an identity.

Two forms: ``Bearer <jwt>``, and ``Convex <admin key>`` with, after a colon, the attributes of a
user to act as. Not here: the websocket's ``Authenticate`` (``sync/sign_in.py``).
"""

import binascii
from collections.abc import Mapping

import orjson

from livefile import ANONYMOUS, Identity, errors
from livefile_server.auth.impersonation import act_as
from livefile_server.auth.keys import AdminKeys
from livefile_server.auth.tokens import Tokens

SCHEME_LENGTH = 7  # Of "Convex " and of "Bearer ".


class Authenticator:
    """Reads headers, for one server."""

    def __init__(self, keys: AdminKeys, tokens: Tokens) -> None:
        self._keys = keys
        self._tokens = tokens

    async def identify(self, header: str | None) -> Identity:
        """Return who calls; without a header nobody is signed in.

        Raises:
            BadRequestError: a header that is neither form.
            UnauthenticatedError: an admin key or a token that is refused.
            OverloadedError: the issuer of a token cannot be asked for its keys now.
        """
        if header is None:
            return ANONYMOUS
        if len(header) < SCHEME_LENGTH:
            raise errors.BadRequestError(
                "InvalidHeaderFailure", "The Authorization header is too short to hold credentials"
            )
        scheme, credentials = header[:SCHEME_LENGTH].lower(), header[SCHEME_LENGTH:].strip()
        match scheme:
            case "convex ":
                return check_admin_credentials(credentials, self._keys)
            case "bearer ":
                return (await self._tokens.check(credentials)).identity
            case _:
                raise errors.BadRequestError(
                    "InvalidAdminKey",
                    "The Authorization header must begin with 'Bearer ' or 'Convex '",
                )


def check_admin_credentials(credentials: str, keys: AdminKeys) -> Identity:
    """Return the identity of ``<key>`` or ``<key>:<base64 of a JSON object>``.

    Raises:
        BadRequestError: the part after the colon cannot be read.
        UnauthenticatedError: the key is refused.
    """
    name, bar, rest = credentials.partition("|")
    secret, colon, encoded = rest.partition(":")
    admin = keys.check(f"{name}{bar}{secret}")
    return act_as(admin, _decode_attributes(encoded)) if colon else admin


def _decode_attributes(encoded: str) -> Mapping[str, object]:
    try:
        attributes = orjson.loads(binascii.a2b_base64(encoded))
    except ValueError as error:  # Also binascii.Error and orjson.JSONDecodeError.
        raise errors.BadRequestError(
            "InvalidUserIdentity", f"The user to act as is not base64 of JSON: {error}"
        ) from error
    if not isinstance(attributes, dict):
        raise errors.BadRequestError(
            "InvalidUserIdentity", "The user to act as must be a JSON object"
        )
    return attributes

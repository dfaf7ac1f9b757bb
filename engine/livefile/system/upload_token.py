"""Upload tokens: for an hour, whoever has one may upload files.

    token = base64url(end + HMAC(end))        end: milliseconds since 1970, 8 bytes

The key comes from a secret of the file, so a token is worth nothing at another deployment. Nothing
is kept: a token may be used any number of times until it ends (protocol).

Not here: the upload (``functions/files.py``).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

from livefile.vocabulary.errors import UnauthenticatedError
from livefile.vocabulary.limits import UPLOAD_TOKEN_AGE_MS_MAX

_END_LENGTH = 8
_TAG_LENGTH = 32


def make_upload_token(secret: bytes, now_ns: int) -> str:
    """Return a token that is good from now on."""
    end = (now_ns // 1_000_000 + UPLOAD_TOKEN_AGE_MS_MAX).to_bytes(_END_LENGTH, "big")
    return urlsafe_b64encode(end + _tag(secret, end)).decode().rstrip("=")


def check_upload_token(secret: bytes, token: str, now_ns: int) -> None:
    """Return if the token is one of this deployment and still good.

    Raises:
        UnauthenticatedError: it is not.
    """
    try:
        packed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Base64Error, ValueError):
        packed = b""
    # The last character has bits that mean nothing; a token is accepted in one spelling only.
    is_spelt_as_made = urlsafe_b64encode(packed).decode().rstrip("=") == token
    if len(packed) != _END_LENGTH + _TAG_LENGTH or not is_spelt_as_made:
        raise UnauthenticatedError("StorageTokenInvalid", "This is no upload token")
    end = packed[:_END_LENGTH]
    if not hmac.compare_digest(packed[_END_LENGTH:], _tag(secret, end)):
        raise UnauthenticatedError(
            "InvalidStorageToken", "This upload token was not made by this deployment"
        )
    if now_ns // 1_000_000 >= int.from_bytes(end, "big"):
        raise UnauthenticatedError(
            "StorageTokenExpired", "This upload URL has expired; generate another one"
        )


def _tag(secret: bytes, end: bytes) -> bytes:
    key = hmac.digest(secret, b"upload token", "sha256")
    return hmac.digest(key, end, "sha256")

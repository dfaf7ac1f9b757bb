"""Function handles: texts that stand for one function, whoever holds them.

    handle = "function://" + base64url(HMAC(path)[:16] + path) + "#" + name

``path`` is the canonical path with its component. The key comes from a secret of the file, so that
only code of this deployment makes handles, and a client that guesses one gains nothing. Nothing is
stored: a query may make one, it stays good over deploys, and no two functions share one. What
stands after the ``#`` is for people and is not looked at.

Not here: who may make one of which function (``references.py``).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

from livefile.vocabulary.errors import BadRequestError

SCHEME = "function://"
_TAG_LENGTH = 16


class HandleKey:
    """Makes and reads the handles of one deployment."""

    def __init__(self, secret: bytes) -> None:
        """Take the deployment's secret."""
        self._key = hmac.digest(secret, b"function handle", "sha256")

    def handle_of(self, path: str) -> str:
        """Return the handle of a function, given by its canonical path."""
        return f"{SCHEME}{self._text(path.encode())}#{path.rpartition('|')[2]}"

    def path_of(self, handle: str) -> str:
        """Return the canonical path of a handle's function.

        Raises:
            BadRequestError: it is no handle of this deployment.
        """
        text = handle.removeprefix(SCHEME).partition("#")[0]
        try:
            path = urlsafe_b64decode(text + "=" * (-len(text) % 4))[_TAG_LENGTH:]
        except (Base64Error, ValueError):
            path = b""
        # Spelt anew, because base64 may spell the same bytes in several ways.
        is_own = hmac.compare_digest(text.encode(), self._text(path).encode())
        if not handle.startswith(SCHEME) or not is_own:
            raise BadRequestError(
                "InvalidFunctionHandle",
                f"{handle!r:.200} is no function handle of this deployment",
            )
        return path.decode()

    def _text(self, path: bytes) -> str:
        tag = hmac.digest(self._key, path, "sha256")[:_TAG_LENGTH]
        return urlsafe_b64encode(tag + path).decode().rstrip("=")

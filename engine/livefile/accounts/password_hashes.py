"""Passwords as hashes, by argon2.

A hash takes some memory and a tenth of a second, on purpose. So it is made on threads of its own,
a few at a time, and neither the engine nor an event loop waits for it.
"""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from livefile.vocabulary.errors import BadRequestError, ClosedError, OverloadedError
from livefile.vocabulary.limits import (
    PASSWORD_HASH_MEMORY_KIB,
    PASSWORD_HASH_PASSES,
    PASSWORD_LENGTH_MAX,
    PASSWORDS_HASHED_MAX,
    PASSWORDS_WAITING_MAX,
)

R = TypeVar("R")

# Beside which the password of somebody unknown is checked, so that it takes as long.
_UNKNOWN = (
    f"$argon2id$v=19$m={PASSWORD_HASH_MEMORY_KIB},t={PASSWORD_HASH_PASSES},p=1"
    "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


class PasswordHashes:
    """Makes and checks hashes. For any event loop."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(
            time_cost=PASSWORD_HASH_PASSES, memory_cost=PASSWORD_HASH_MEMORY_KIB, parallelism=1
        )
        # Its threads begin with the first password.
        self._threads = ThreadPoolExecutor(PASSWORDS_HASHED_MAX, "livefile-passwords")
        self._waiting_count = 0

    async def make(self, password: str) -> str:
        """Return the hash of a password.

        Raises:
            OverloadedError: too many wait.
        """
        return await self._run(partial(self._hasher.hash, _prepared(password)))

    async def is_right(self, hash: str | None, password: str) -> bool:
        """Tell whether a hash is of a password. It takes as long if there is none.

        Raises:
            OverloadedError: too many wait.
        """
        is_equal = await self._run(partial(self._verify, hash or _UNKNOWN, _prepared(password)))
        return is_equal and hash is not None

    def is_outdated(self, hash: str) -> bool:
        """Tell whether a hash was made at other costs than those of today."""
        return self._hasher.check_needs_rehash(hash)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _verify(self, hash: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: "partial[R]") -> R:
        if self._waiting_count >= PASSWORDS_WAITING_MAX:
            raise OverloadedError(
                "TooManyPasswords", f"{PASSWORDS_WAITING_MAX} passwords wait to be checked"
            )
        self._waiting_count += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except RuntimeError as error:
            raise ClosedError("the deployment is closed") from error
        finally:
            self._waiting_count -= 1


def check_new(password: object, length_min: int) -> str:
    """Return a password that may be set.

    Raises:
        BadRequestError: it may not.
    """
    text = check_given(password)
    if len(text) < length_min or not text.strip():
        raise BadRequestError(
            "WeakPassword", f"A password must have {length_min} characters; it has {len(text)}"
        )
    return text


def check_given(password: object) -> str:
    """Return a password that may be compared.

    Raises:
        BadRequestError: it is no text, or too long.
    """
    if not isinstance(password, str):
        raise BadRequestError("InvalidPassword", "password must be a text")
    if len(password) > PASSWORD_LENGTH_MAX:
        raise BadRequestError(
            "InvalidPassword",
            f"A password may have {PASSWORD_LENGTH_MAX} characters; it has {len(password)}",
        )
    return password


def fingerprint(text: str) -> bytes:
    """Return a short text that stands for another in memory, and does not give it away."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


# A lone half of a surrogate pair is a character like any other here.
def _prepared(password: str) -> bytes:
    return password.encode(errors="surrogatepass")

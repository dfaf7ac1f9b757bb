"""The admin key of a deployment.

It is made once, at the first start, shown once, and kept as a hash in the deployment's file, so
that a copy of the file does not give the key away. Its form is the one that Convex's tools know:
``<instance name>|<secret>``.

Not here: the header that carries it (``authenticate.py``).
"""

import hashlib
import hmac
import re
import secrets

from livefile import ADMIN, Identity, Livefile, errors

ADMIN_KEY_SETTING = "admin_key_sha256"
SECRET_SIZE_BYTES = 32
_INSTANCE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class AdminKeys:
    """The one admin key of ``livefile``. Thread-safe; ``check`` does not read the file.

    ``run_key``, if given, opens the deployment as well for as long as this object lives.
    """

    def __init__(self, livefile: Livefile, run_key: str | None = None) -> None:
        self._livefile = livefile
        self._run_hash = None if run_key is None else _hash(run_key)
        self._hash = livefile.read_setting(ADMIN_KEY_SETTING)

    def make(self, instance_name: str) -> str | None:
        """Return a new key if the deployment has none yet, else None: it is shown only once."""
        if self._hash is not None:
            return None
        return self.replace(instance_name)

    def replace(self, instance_name: str) -> str:
        """Return a new key; the one before it is refused from now on."""
        if _INSTANCE_NAME.fullmatch(instance_name) is None:
            raise ValueError(
                f"An instance name has lower-case letters, digits and hyphens, "
                f"not {instance_name!r}"
            )
        key = f"{instance_name}|{secrets.token_hex(SECRET_SIZE_BYTES)}"
        key_hash = _hash(key)
        self._livefile.write_setting(ADMIN_KEY_SETTING, key_hash)
        self._hash = key_hash
        return key

    def check(self, key: str) -> Identity:
        """Return the identity of the holder of ``key``.

        A prefix for display, such as ``prod:``, is ignored.

        Raises:
            UnauthenticatedError: it is not the key of this deployment.
        """
        name, bar, secret = key.strip().partition("|")
        key_hash = _hash(f"{name.rpartition(':')[2]}{bar}{secret}")
        known = [known for known in (self._hash, self._run_hash) if known is not None]
        # A list, so that every comparison is made.
        if not any([hmac.compare_digest(key_hash, each) for each in known]):
            raise errors.UnauthenticatedError(
                "BadAdminKey", "The provided admin key was invalid for this deployment"
            )
        return ADMIN

    def check_run_key(self, key: str) -> None:
        """Return if ``key`` is the one of this run, which is only known on this machine.

        Raises:
            UnauthenticatedError: it is not, be it the key of the deployment.
        """
        if self._run_hash is None or not hmac.compare_digest(_hash(key.strip()), self._run_hash):
            raise errors.UnauthenticatedError(
                "BadAdminKey", "This route needs the key that the server left beside its file"
            )


# A plain hash is enough: the secret has 256 bits, so there is nothing to guess.
def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()

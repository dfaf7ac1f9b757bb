"""Which client is at the other end, as told by a header or by the address of the socket.

The version decides only what the client can take: cut transitions, long messages, the default
format of HTTP results.
"""

import re
from dataclasses import dataclass

from livefile import errors

_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
)


@dataclass(frozen=True, slots=True)
class ClientVersion:
    """A client's name, in lower case, and its version."""

    name: str
    version: tuple[int, int, int]

    @property
    def is_npm(self) -> bool:
        """Whether a browser or Node.js reads, which sets no limit to a message's size."""
        return self.name == "npm"

    @property
    def takes_chunks(self) -> bool:
        """Whether the client puts a cut transition together; others fail on it."""
        return self.name == "npm" and self.version >= (1, 28, 0)

    @property
    def takes_encoded_json(self) -> bool:
        """Whether results are in the encoded form when the client names no format."""
        return (self.name == "npm" and self.version <= (1, 4, 0)) or (
            self.name in ("python", "python-convex") and self.version <= (0, 5, 0)
        )


UNKNOWN_CLIENT = ClientVersion(name="unknown", version=(0, 0, 0))


def parse_client_header(text: str) -> ClientVersion:
    """Return the client of a ``Convex-Client`` header such as ``npm-cli-1.48.0``.

    The longest version counted from the right is taken, because both names and pre-release
    versions may hold a hyphen.

    Raises:
        BadRequestError: there is no version in it.
    """
    parts = text.split("-")
    for start in range(1, len(parts)):
        version = _parse_version("-".join(parts[start:]))
        if version is not None:
            return ClientVersion(name="-".join(parts[:start]).lower(), version=version)
    raise _invalid(text)


def parse_path_version(text: str) -> ClientVersion:
    """Return the client of an address ``/api/<version>/sync``, which only npm uses.

    Raises:
        BadRequestError: ``text`` is no version.
    """
    version = _parse_version(text)
    if version is None:
        raise _invalid(text)
    return ClientVersion(name="npm", version=version)


def _parse_version(text: str) -> tuple[int, int, int] | None:
    match = _SEMVER.fullmatch(text) if len(text) <= 100 else None
    if match is None:
        return None
    return int(match[1]), int(match[2]), int(match[3])


def _invalid(text: str) -> errors.BadRequestError:
    return errors.BadRequestError(
        "InvalidClientVersion", f"The client version {text[:100]!r} is not <client>-<version>"
    )

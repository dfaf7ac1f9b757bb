"""Small facts about a deployment that live in the file: a name and a few bytes each.

Not here: environment variables of the app, which are live data.
"""

import secrets

import apsw

CURSOR_SECRET = "cursor_secret"
"""Under this name: 32 bytes, by which cursors of pages are encrypted and told from others."""

UPLOAD_SECRET = "upload_secret"
"""Under this name: 32 bytes, by which upload tokens are told from others."""

TOKEN_SECRET = "token_secret"
"""Under this name: 32 bytes, of which the key is made by which functions sign tokens."""

_READ = "SELECT value FROM settings WHERE name = ?"
_WRITE = """
INSERT INTO settings (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


def read_setting(connection: apsw.Connection, name: str) -> bytes | None:
    """Return a setting, None if it was never written."""
    found: bytes | None = connection.execute(_READ, (name,)).get
    return found


def write_setting(connection: apsw.Connection, name: str, value: bytes) -> None:
    """Write a setting."""
    connection.execute(_WRITE, (name, value))


def make_secret(connection: apsw.Connection, name: str) -> None:
    """Write 32 random bytes as a setting, unless it is there. Durable by itself."""
    if read_setting(connection, name) is None:
        write_setting(connection, name, secrets.token_bytes(32))

"""Small facts about a deployment that live in the file: a name and a few bytes each.

Not here: environment variables of the app, which are live data.
"""

import apsw

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

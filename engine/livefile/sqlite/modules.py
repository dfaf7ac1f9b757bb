"""The modules of pushed JavaScript by their hashes: a source and perhaps its source map.

Not here: which of them are in use (``livefile/javascript/stored_code.py``).
"""

from collections.abc import Collection, Iterable

import apsw

# A module that is there already has the same hash, so the same text.
_PUT = "INSERT OR IGNORE INTO modules (hash, source, source_map) VALUES (?, ?, ?)"
_READ = "SELECT source, source_map FROM modules WHERE hash = ?"
_HASHES = "SELECT hash FROM modules"
_REMOVE = "DELETE FROM modules WHERE hash = ?"


def put_module(
    connection: apsw.Connection, module_hash: str, source: str, source_map: str | None
) -> None:
    """Write a module, unless it is there."""
    packed_map = None if source_map is None else source_map.encode()
    connection.execute(_PUT, (module_hash, source.encode(), packed_map))


def read_modules(
    connection: apsw.Connection, hashes: Iterable[str]
) -> dict[str, tuple[str, str | None]]:
    """Return (source, source map) of modules by their hashes; those that are missing are not in it.

    O(what is asked for), in bytes.
    """
    found = {}
    for module_hash in hashes:
        row = connection.execute(_READ, (module_hash,)).fetchone()
        if row is not None:
            source, source_map = row
            found[module_hash] = (
                source.decode(),
                None if source_map is None else source_map.decode(),
            )
    return found


def keep_modules(connection: apsw.Connection, hashes: Collection[str]) -> None:
    """Remove every module but these."""
    every = [module_hash for (module_hash,) in connection.execute(_HASHES)]
    connection.executemany(_REMOVE, [(each,) for each in every if each not in hashes])

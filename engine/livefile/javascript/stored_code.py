"""Where pushed code is kept: its manifest is a setting of the file, its sources a table.

Both are written in the commit that switches to it, so a file never has a part of a push. Modules
that the new code does not have go in the same commit; those that stay are not written again.

Not here: what is in a manifest (``pushed_code.py``).
"""

from livefile.javascript.pushed_code import EMPTY, PushedCode, load, module_hashes
from livefile.sqlite import modules
from livefile.sqlite.connections import Connection
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.vocabulary.errors import FileError

SETTING = "pushed_code"


def read_code(database: Database) -> PushedCode:
    """Return the code that a file has, ``EMPTY`` if nothing was ever pushed to it.

    Raises:
        FileError: a module is missing, which only another program can have removed.
    """
    manifest = database.read_setting(SETTING)
    if manifest is None:
        return EMPTY
    hashes = module_hashes(manifest)
    sources = database.read_modules(hashes)
    if missing := hashes - sources.keys():
        raise FileError(
            f"{database.path}: {len(missing)} modules of the pushed code are missing; push it again"
        )
    return load(manifest, sources)


def write_code(committer: Committer, code: PushedCode) -> None:
    """Keep ``code`` in place of what the file has, as a part of the open group."""
    committer.work(lambda connection, _: _write_modules(connection, code))
    committer.write_setting(SETTING, code.dump())


def _write_modules(connection: Connection, code: PushedCode) -> None:
    found = code.modules
    for module_hash, module in found.items():
        modules.put_module(connection, module_hash, module.source, module.source_map)
    modules.keep_modules(connection, found.keys())

"""Who else on this machine can read a deployment's files, and who can put others in their place.

Everything is in them: documents, files, secrets. New ones are made for their owner only, and a
folder in which everybody may write is refused, because there everybody can replace the file.

Not here: the state folder of ``livefile dev``, which is private by itself (``project.py``).
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from livefile_server.settings.errors import ConfigError

_UMASK = 0o077


def keep_files_private(database: Path) -> None:
    """Let every file that this process makes from now on be readable for its owner only.

    A database that is there already is closed to others than its owner and group.

    Raises:
        ConfigError: everybody may write into the folder of ``database``.
    """
    folder = database.absolute().parent
    with suppress(FileNotFoundError):  # Opening the database says so more clearly.
        mode = folder.stat().st_mode
        # In a folder such as /tmp, which is sticky, nobody can replace the files of others.
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise ConfigError(
                f"everybody may write into the folder {folder} (mode {stat.S_IMODE(mode):o}), and "
                f"so replace {database.name}; take that away with `chmod o-w {folder}`"
            )
    os.umask(_UMASK)
    with suppress(FileNotFoundError, PermissionError):
        mode = stat.S_IMODE(database.stat().st_mode)
        if mode & stat.S_IRWXO:
            database.chmod(mode & ~stat.S_IRWXO)

"""Generated files on disk: writing only what changed.

An unchanged file keeps its time, so a bundler or an editor that watches the folder stays calm;
a changed one appears whole or not at all.

Not here: what the files say (``codegen/typescript.py``), where they belong
(``settings/project.py``).
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_files(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write ``texts`` by file name into ``folder``, which is made, and return what changed.

    Raises:
        OSError: the folder or a file cannot be written; files before it may be new already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [folder / name for name, text in texts.items() if _write(folder / name, text.encode())]


def changed_files(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Return the files of ``folder`` that ``write_files`` would write."""
    return [folder / name for name, text in texts.items() if _read(folder / name) != text.encode()]


def _write(path: Path, content: bytes) -> bool:
    if _read(path) == content:
        return False
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp makes it private; source files are not.
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None

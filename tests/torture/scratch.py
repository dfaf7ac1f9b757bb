"""Folders that are gone afterwards: in memory where the machine has one, or on a disk.

Images and databases of most tortures are written by the thousand; what becomes of them on a real
disk is not asked.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Lend an empty folder, in memory if there is one."""
    has_memory = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    with tempfile.TemporaryDirectory(
        prefix="livefile-torture-", dir=_MEMORY if has_memory else None
    ) as folder:
        yield Path(folder)


@contextmanager
def disk_folder() -> Iterator[Path]:
    """Lend an empty folder where a sync takes its time."""
    with tempfile.TemporaryDirectory(prefix="livefile-torture-") as folder:
        yield Path(folder)

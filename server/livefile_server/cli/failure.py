"""What a process does when its deployment cannot go on: it ends, and says why.

After an I/O error at a commit nobody knows what the disk holds, so nothing more is promised; the
next start reads what is there.

Not here: finding out (the engine).
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from livefile import Livefile, errors


@contextmanager
def stop_if_it_fails(livefile: Livefile) -> Iterator[None]:
    """End the server that runs inside as SIGTERM does when the deployment fails.

    Raises:
        StorageFailedError: it failed; raised once the server has ended.
    """
    failures: list[Exception] = []

    def stop(error: Exception) -> None:
        failures.append(error)
        os.kill(os.getpid(), signal.SIGTERM)

    livefile.failed = stop
    yield
    if failures:
        raise failure_of(livefile, failures[0]) from failures[0]


def failure_of(livefile: Livefile, error: Exception) -> errors.StorageFailedError:
    """Return the error that tells the user of it."""
    return errors.StorageFailedError(f"the deployment {livefile.path} failed: {error}")

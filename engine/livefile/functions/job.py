"""Jobs: small pieces of work for the committer that are no calls of functions.

A deploy and a migration are rows of jobs: each is part of an ordinary commit group, so that calls
go on between them. The same rows run at once while a deployment is being opened.

Not here: the queue that jobs wait in beside calls (``functions/mutations.py``).
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from livefile.functions.mutations import Mutations
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.vocabulary.errors import DiskFullError, LivefileError, StorageFailedError

T = TypeVar("T")


def nothing() -> None:
    """Undo nothing."""


class RunJob(Protocol):
    """Runs a job as part of a group, and returns its result once the group is durable.

    What the job or the group raises is raised; ``undo`` is called first, before any other job.
    """

    def __call__(self, job: Callable[[Committer], T], undo: Callable[[], None] = nothing) -> T:
        """Run ``job`` and wait for it."""
        ...


def runs_in_groups(
    mutations: Mutations, wait_for: Callable[[Callable[[Callable[[Any], None]], None]], Any]
) -> RunJob:
    """Return what runs jobs between calls. ``wait_for`` blocks until ``done`` was called."""

    def run(job: Callable[[Committer], T], undo: Callable[[], None] = nothing) -> T:
        def submit(done: Callable[[Any], None]) -> None:
            def heard(result: Any) -> None:
                if isinstance(result, LivefileError):
                    undo()
                done(result)

            mutations.submit_job(job, heard)

        result = wait_for(submit)
        if isinstance(result, LivefileError):
            raise result
        return cast(T, result)

    return run


def runs_at_once(database: Database) -> RunJob:
    """Return what runs jobs in the caller's thread, each a group. Nobody else may write then."""

    def run(job: Callable[[Committer], T], undo: Callable[[], None] = nothing) -> T:
        committer = database.committer
        try:
            try:
                return job(committer)
            except (DiskFullError, StorageFailedError):
                raise
            except LivefileError:
                undo()
                raise
            finally:
                committer.flush()
                database.publish()
        except (DiskFullError, StorageFailedError):
            committer.roll_back()
            undo()
            raise

    return run

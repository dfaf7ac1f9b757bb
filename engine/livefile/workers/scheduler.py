"""The scheduler: runs scheduled functions and cron jobs, and forgets those that are long over.

Not here: the running (``workers/job_runner.py``).
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import cast

from livefile.functions.app import App
from livefile.functions.system_transactions import SystemTransactions
from livefile.model.value_packed import unpack
from livefile.system import cron_jobs, scheduled_functions, scheduled_job
from livefile.transaction.database import Database
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import ClosedError, LivefileError, OverloadedError
from livefile.vocabulary.limits import FINISHED_JOB_AGE_MS_MAX, JOB_RETRY_MS_MAX
from livefile.workers.job_runner import JobRunner, Submit

_log = logging.getLogger("livefile")

_AGE_NS_MAX = FINISHED_JOB_AGE_MS_MAX * 1_000_000


class Scheduler:
    """Runs what is due, once it was started."""

    def __init__(
        self,
        database: Database,
        app: Callable[[], App],
        submit: Submit,
        system: SystemTransactions,
        wake: Callable[[], None],
        random: Random,
    ) -> None:
        """Take the database, the code that runs now, and how to call functions."""
        self._database = database
        self._app = app
        self._system = system
        self._wake = wake
        self._is_started = False
        runner = partial(
            JobRunner,
            database=database,
            app=app,
            submit=submit,
            system=system,
            wake=wake,
            random=random,
        )
        self._runners = (
            runner(scheduled_functions.TABLE),
            runner(cron_jobs.TABLE, starts=_warn_if_late),
        )
        self._next_removal_ns = 0

    def start(self) -> None:
        """Begin to run what is due. Safe for threads."""
        self._is_started = True
        self._wake()

    def step(self, now_ns: int) -> int | None:
        """Run what is due; nothing if there is no code that could."""
        if not self._is_started or not self._app().functions:
            return None
        if now_ns >= self._next_removal_ns:
            self._look_for_finished(now_ns)
        dues = [runner.step(now_ns) for runner in self._runners]
        return min((due_ns for due_ns in dues if due_ns is not None), default=None)

    def _look_for_finished(self, now_ns: int) -> None:
        """Remove what is long over. The engine is not woken for it: some later step will do."""
        with self._database.newest_snapshot() as snapshot:
            if snapshot is None:
                return
            table = snapshot.catalog.tables[scheduled_functions.TABLE]
            index = table.indexes[scheduled_functions.BY_COMPLETED]
            interval = scheduled_functions.FINISHED
            rows = snapshot.scan(table, index, interval, 1, is_descending=False)
        self._next_removal_ns = now_ns + _AGE_NS_MAX  # Nothing that ends later is due sooner.
        if rows:
            oldest = cast(Document, unpack(rows[0][1]))
            due_ns = int(scheduled_functions.completed_ms(oldest) * 1e6) + _AGE_NS_MAX
            self._next_removal_ns = due_ns
            if due_ns <= now_ns:
                self._next_removal_ns = now_ns + JOB_RETRY_MS_MAX * 1_000_000
                self._remove(now_ns)

    def _remove(self, now_ns: int) -> None:
        before_ms = (now_ns - _AGE_NS_MAX) / 1e6
        remove = partial(scheduled_functions.remove_finished, before_ms=before_ms)
        with suppress(ClosedError, OverloadedError):
            self._system.submit("remove_finished", remove, self._removed)

    def _removed(self, answer: int | LivefileError) -> None:
        if isinstance(answer, LivefileError):
            _log.warning("finished scheduled functions are removed later: %s", answer)
        else:
            self._next_removal_ns = 0  # There may be more.
            self._wake()


def _warn_if_late(job: Document, now_ms: float) -> None:
    if cron_jobs.is_late(job, now_ms):
        _log.warning(
            "cron job %r runs %.0f s late; what it missed meanwhile is skipped",
            job["identifier"],
            (now_ms - scheduled_job.due_ms(job)) / 1000,
        )

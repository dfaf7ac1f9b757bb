"""Deploys and migrations of an open deployment, one at a time.

Not here: their steps (``functions/deploy.py``, ``functions/migration_run.py``).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from livefile.functions.app import App
from livefile.functions.code_history import CodeHistory
from livefile.functions.cron_install import cron_documents, install_crons
from livefile.functions.deploy import Deploy
from livefile.functions.deploy_progress import OnProgress
from livefile.functions.job import RunJob
from livefile.functions.migration_run import MigrationProgress, MigrationRun, OnMigrationProgress
from livefile.functions.runner import Runner, deploy_record
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import OverloadedError


class Deployer:
    """Changes the code and the schema of an open deployment. Its methods block their thread."""

    def __init__(
        self,
        database: Database,
        code: CodeHistory,
        clock: Clock,
        random: Random,
        run_job: RunJob,
        run_queries_again: Callable[[], None],
    ) -> None:
        """Take what the deployment consists of, and how to have live queries run again."""
        self._database = database
        self._code = code
        self._clock = clock
        self._random = random
        self._run_job = run_job
        self._run_queries_again = run_queries_again
        self._is_busy = threading.Lock()

    def deploy(self, runner: Runner, on_progress: OnProgress) -> None:
        """Switch to other code, given as its runner; see ``Livefile.deploy``."""
        call = deploy_record(runner.app)
        crons = cron_documents(runner.app, self._database.catalog.table_name)

        def switch(committer: Committer) -> None:
            self._code.add(committer.head_ts, runner)
            install_crons(crons, call, committer)

        with self._one_at_a_time():
            Deploy(
                self._database, self._clock, runner.app.schema, call, self._run_job, on_progress
            ).run(
                switch=switch,
                undo_switch=lambda: self._code.take_back(runner),
                switched=self._run_queries_again,
            )

    def migrate(
        self,
        app: App,
        path: str,
        on_progress: OnMigrationProgress,
        *,
        is_dry_run: bool,
        is_again: bool,
    ) -> MigrationProgress:
        """Run a migration; see ``Livefile.migrate``."""
        serving = self._code.runner_at(self._database.published_ts).app.schema
        with self._one_at_a_time():
            return MigrationRun(
                self._database,
                self._clock,
                self._random,
                app,
                path,
                serving,
                self._run_job,
                is_dry_run=is_dry_run,
            ).run(on_progress, is_again=is_again)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._is_busy.acquire(blocking=False):
            raise OverloadedError(
                "DeployInProgress", "another deploy or migration is under way; try again later"
            )
        try:
            yield
        finally:
            self._is_busy.release()

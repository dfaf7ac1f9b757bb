"""Deploys and migrations of an open deployment, one at a time.

A deploy may also wait, prepared, until it is told to switch: a push does. Whatever else begins
meanwhile does not wait for it; the prepared one is given up.

Not here: their steps (``functions/deploy.py``, ``functions/migration_run.py``).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from livefile.functions.app import App
from livefile.functions.code_history import CodeHistory
from livefile.functions.deploy_progress import OnProgress
from livefile.functions.job import RunJob
from livefile.functions.migration_run import MigrationProgress, MigrationRun, OnMigrationProgress
from livefile.functions.runner import Runner
from livefile.functions.staged_deploy import StagedDeploy
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import OverloadedError, PushConflictError
from livefile.vocabulary.limits import DEPLOY_GIVING_WAY_MS_MAX

_GIVING_WAY_S_MAX = DEPLOY_GIVING_WAY_MS_MAX / 1000

SubmitJob = Callable[[Callable[[Committer], None], Callable[[object], None]], None]
"""Has a job run by the engine; the second callable hears of its end."""


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
        self._staged: StagedDeploy | None = None

    def deploy(self, make_runner: Callable[[], Runner], on_progress: OnProgress) -> None:
        """Switch to other code; see ``Livefile.deploy``.

        The runner is made once no other deploy is under way: it may keep a part of what serves.
        """
        with self._one_at_a_time():
            deploy = self.stage(make_runner(), on_progress)
            deploy.steps.prepare()
            deploy.switch()

    def stage(self, runner: Runner, on_progress: OnProgress) -> StagedDeploy:
        """Return a deploy for ``prepare`` and ``switch``. Nothing is done yet.

        Raises:
            AppError: a cron job's function does not accept its arguments.
        """
        return StagedDeploy(
            self._database,
            self._code,
            self._clock,
            runner,
            self._run_job,
            self._run_queries_again,
            on_progress,
        )

    def prepare(self, make_deploy: Callable[[], StagedDeploy]) -> None:
        """Do everything but the switch. Another deploy that was prepared is given up.

        The deploy is made once no other is under way.

        Raises:
            AppError: a stored document does not match.
            PushConflictError: another deploy or migration came in between.
            OverloadedError: another deploy or migration is under way.
        """
        with self._one_at_a_time():
            self._staged = deploy = make_deploy()
            try:
                deploy.steps.prepare()
            except BaseException:
                self._staged = None
                raise

    def switch(
        self,
        deploy: StagedDeploy,
        check: Callable[[Committer], None],
        write: Callable[[Committer], None],
    ) -> None:
        """Switch to what was prepared; see ``StagedDeploy.switch``.

        Raises:
            PushConflictError: another deploy or migration came in between.
            OverloadedError: another deploy or migration is under way.
            LivefileError: the switch failed, or ``check`` refused it.
        """
        self._require_staged(deploy)  # Before the newer one would have to give way.
        with self._one_at_a_time(deploy):
            self._require_staged(deploy)
            try:
                deploy.switch(check, write)
            finally:
                self._staged = None

    def give_up(self, deploy: StagedDeploy, submit_job: SubmitJob) -> None:
        """Have what was prepared given up soon. For any thread; never blocks."""
        deploy.steps.interrupt()
        if self._staged is not deploy or not self._is_busy.acquire(blocking=False):
            return  # Given up already, or whoever prepares or switches it now sees to it.
        self._staged = None
        submit_job(deploy.steps.withdraw_job, lambda _: self._is_busy.release())

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

    def _require_staged(self, deploy: StagedDeploy) -> None:
        if self._staged is not deploy:
            raise PushConflictError(
                "RaceDetected", "another push or deploy has come in between; push again"
            )

    @contextmanager
    def _one_at_a_time(self, own: StagedDeploy | None = None) -> Iterator[None]:
        """Have the turn. A deploy that is prepared, or is being prepared, gives way at once."""
        other = self._staged if self._staged is not own else None
        if other is not None:
            other.steps.interrupt()
        if not self._is_busy.acquire(timeout=0 if other is None else _GIVING_WAY_S_MAX):
            raise OverloadedError(
                "DeployInProgress", "another deploy or migration is under way; try again later"
            )
        try:
            if other is not None and self._staged is other:
                self._staged = None
                other.steps.withdraw()
            yield
        finally:
            self._is_busy.release()

"""A deploy in two calls: prepared now, switched to later, when somebody says so.

Between the calls the deployment goes on, and another deploy may begin. That one comes first: what
was prepared here is given up, and this deploy learns of it at its next call.

Not here: the steps (``functions/deploy.py``); whose turn it is (``functions/deployer.py``).
"""

from collections.abc import Callable
from functools import partial

from livefile.functions.code_history import CodeHistory
from livefile.functions.cron_install import cron_documents, install_crons
from livefile.functions.deploy import Deploy, no_switch
from livefile.functions.deploy_progress import OnProgress
from livefile.functions.job import RunJob
from livefile.functions.runner import Runner, deploy_record
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.vocabulary.clock import Clock


class StagedDeploy:
    """The deploy of one runner's code. Its methods block; the deployer calls them in turn."""

    def __init__(
        self,
        database: Database,
        code: CodeHistory,
        clock: Clock,
        runner: Runner,
        run_job: RunJob,
        run_queries_again: Callable[[], None],
        on_progress: OnProgress,
    ) -> None:
        """Take what the deployment consists of, and the code to come.

        Raises:
            AppError: a cron job's function does not accept its arguments.
        """
        self._code = code
        self._runner = runner
        self._run_queries_again = run_queries_again
        self.schema = runner.app.schema
        self._call = deploy_record(runner.app)
        self._crons = cron_documents(runner.app, database.catalog.table_name)
        self.steps = Deploy(database, clock, self.schema, self._call, run_job, on_progress)
        """What it does to the file; ``prepare``, ``interrupt`` and ``withdraw`` are its own."""

    def switch(
        self,
        check: Callable[[Committer], None] = no_switch,
        write: Callable[[Committer], None] = no_switch,
    ) -> None:
        """Switch to the code. ``check`` may refuse; ``write`` adds to the switching commit."""
        self.steps.switch(
            switch=partial(self._switch, write),
            undo_switch=lambda: self._code.take_back(self._runner),
            switched=self._run_queries_again,
            check=check,
        )

    def _switch(self, write: Callable[[Committer], None], committer: Committer) -> None:
        write(committer)
        self._code.add(committer.head_ts, self._runner)
        install_crons(self._crons, self._call, committer)

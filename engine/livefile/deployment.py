"""One open deployment: everything below wired together, and what a server asks of it.

Its methods are safe for threads; the ones named ``submit...`` never block.

Not here: the face for callers in Python (``engine.py``); threads (``driver.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from random import Random

from livefile.accounts.account_service import AccountService
from livefile.driver import Driver
from livefile.figures import Figures, size_on_disk
from livefile.functions.actions import Actions
from livefile.functions.app import App
from livefile.functions.call import Call, FunctionKind, Outcome
from livefile.functions.call_record import CallProgress, CallRecord
from livefile.functions.code_history import CodeHistory
from livefile.functions.deploy_progress import OnProgress, unheard
from livefile.functions.deployer import Deployer
from livefile.functions.failure import failure_of
from livefile.functions.files import Files
from livefile.functions.http_actions import HttpActions, HttpCall, HttpChannel, HttpDone
from livefile.functions.job import runs_in_groups
from livefile.functions.lane import Lane
from livefile.functions.migration_run import MigrationProgress, OnMigrationProgress
from livefile.functions.mutation_attempt import Attempts
from livefile.functions.mutations import Mutations
from livefile.functions.observers import Observers
from livefile.functions.runner import Runner
from livefile.functions.services import Origins
from livefile.functions.slow_lane import SlowLane
from livefile.functions.staged_deploy import StagedDeploy
from livefile.functions.stepped_lane import SteppedLane
from livefile.functions.system_transactions import SystemTransactions
from livefile.javascript.inline_queries import InlineQueries
from livefile.javascript.push import Pushes
from livefile.javascript.push_plan import PushSurroundings
from livefile.javascript.pushed_app import pushed_part
from livefile.javascript.pushed_code import PushedCode
from livefile.javascript.runtime import JavaScript
from livefile.javascript.signed_tokens import public_keys
from livefile.reactive.live_query import Watcher
from livefile.reactive.live_query_set import LiveQuerySet
from livefile.reactive.query_run import QueryRuns
from livefile.reactive.query_set import Update
from livefile.reactive.requests import Requests
from livefile.reactive.subscriptions import Subscriptions
from livefile.system.environment import change_variables, read_variables
from livefile.system_functions.registry import SYSTEM_FUNCTIONS
from livefile.transaction.database import Database
from livefile.transfers import Transfers
from livefile.upkeep import Upkeep
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import FunctionNotFoundError, LivefileError
from livefile.workers.blob_removal import BlobRemoval
from livefile.workers.quiet_log import QuietLog
from livefile.workers.scheduler import Scheduler
from livefile.workers.worker import Worker

Done = Callable[[Outcome | LivefileError], None]


class Deployment:
    """An open deployment: a file, and the app that runs on it."""

    def __init__(
        self,
        database: Database,
        app: App,
        clock: Clock,
        random: Random,
        javascript: JavaScript,
        *,
        has_threads: bool,
    ) -> None:
        """Wire an open database, an app, and what runs the code that is pushed."""
        self._database = database
        self._javascript = javascript
        self._random = random
        self._observers = Observers()
        self.origins = Origins()
        """Where the deployment is reached; set by the server."""
        self._code = CodeHistory(self._runner_of(app))
        self.failed: Callable[[Exception], None] = lambda error: None
        """Called when the deployment cannot go on, after an I/O error at a commit for one."""
        self._driver = Driver(lambda error: self.failed(error), clock, has_threads=has_threads)
        wake, wait_for = self._driver.wake, self._driver.wait_for
        self._lane: Lane = SlowLane(self._driver.fail_soon) if has_threads else SteppedLane(wake)
        attempts = Attempts(database, self._code, random)
        self._mutations = Mutations(database, attempts, wake, self._lane)
        self._requests = Requests(wake)
        runs = QueryRuns(self._code, clock, random)
        self._subscriptions = Subscriptions(
            database, self._requests, runs, clock, random, self._lane
        )
        self._system = SystemTransactions(
            database, self._mutations.submit_job, wait_for, clock, random
        )
        self._actions = Actions(
            lambda: self._runner, lambda: database.catalog, self.submit, self._system, clock
        )
        self._http_actions = HttpActions(lambda: self._runner, self._actions, clock)
        self.files = Files(self._system)
        """The bytes of stored files."""
        self.accounts = AccountService(self._system, lambda: self.app, self.submit)
        """Signing users in, if the app has ``Accounts``."""
        self.scheduler = Scheduler(
            database, lambda: self.app, self.submit, self._system, wake, random
        )
        """Runs scheduled functions and cron jobs, once it was started."""
        self._run_job = runs_in_groups(self._mutations, wait_for)
        run_again = partial(wait_for, self._requests.run_again)
        self._deployer = Deployer(database, self._code, clock, random, self._run_job, run_again)
        self.pushes = self._make_pushes(clock)
        """What Convex's command line pushes."""
        self.inline_queries = self._make_inline_queries(clock)
        """Queries that administrators write and nobody pushes."""
        self._begin()
        self.upkeep = Upkeep(
            database, self._mutations, wait_for, self._run_job, lambda: self.app, random
        )
        """Backups, checks, export and import."""
        self.transfers = Transfers(self._system, self.upkeep, database.path)
        """Exports and imports in the background."""
        self._is_closed = False

    @property
    def app(self) -> App:
        """The code that runs now."""
        return self._runner.app

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    @property
    def latest_ts(self) -> int:
        """The timestamp of the newest commit: nanoseconds since 1970, never going back."""
        return self._database.published_ts

    def deploy(self, app: App, on_progress: OnProgress = unheard) -> None:
        """Switch to other code in Python: tables and indexes first, then live queries run again.

        What was pushed stays.

        Blocks while documents are looked at; calls go on. ``on_progress`` is called in this thread.

        Raises:
            AppError: a stored document does not match, or the pushed code has something of the
                same name; the code before keeps serving.
            OverloadedError: another deploy or migration is under way.
        """
        self._deployer.deploy(
            lambda: self._runner_of(self._javascript.joined(app, pushed_part(self.app))),
            on_progress,
        )

    def migrate(
        self,
        app: App,
        path: str,
        on_progress: OnMigrationProgress = unheard,
        *,
        is_dry_run: bool = False,
        is_again: bool = False,
    ) -> MigrationProgress:
        """Run a migration of ``app`` over the stored documents of its table, in batches.

        Goes on where an earlier run stopped, with ``is_again`` from the beginning. Blocks, like
        ``deploy``. ``FunctionError`` names the document where it failed; those before are done.
        """
        return self._deployer.migrate(
            app, path, on_progress, is_dry_run=is_dry_run, is_again=is_again
        )

    def observe_calls(
        self,
        observer: Callable[[CallRecord], None],
        on_progress: Callable[[CallProgress], None] | None = None,
    ) -> Callable[[], None]:
        """Let ``observer`` hear of every finished call of the app, on the thread that ran it.

        A mutation is told of when it is committed, a moment before it is durable. What tools ask
        of the system's own functions is left out. ``on_progress`` hears what an action has
        logged while it runs, if it runs for longer than a moment.

        Returns:
            What ends that.
        """
        return self._observers.add(observer, on_progress)

    def read_setting(self, name: str) -> bytes | None:
        """Return a small fact kept in the file, None if it was never written."""
        return self._database.read_setting(name)

    def write_setting(self, name: str, value: bytes) -> None:
        """Keep a small fact in the file. Blocks until it is durable."""
        self._run_job(lambda committer: committer.write_setting(name, value))

    def environment(self) -> dict[str, str]:
        """Return the environment variables of functions, without those that the server sets."""
        return self._system.read(read_variables)

    def change_environment(self, changes: Mapping[str, str | None]) -> None:
        """Set environment variables to texts, and remove those with None; all or none. Blocks.

        Raises:
            EnvironmentVariableError: a name or a text that cannot be, or too many variables.
        """
        self._system.run("environment", partial(change_variables, changes=changes))

    def submit_environment(
        self, changes: Mapping[str, str | None], done: Callable[[LivefileError | None], None]
    ) -> None:
        """Do the same without blocking; ``done`` hears None once it is durable, or the error."""
        self._system.submit("environment", partial(change_variables, changes=changes), done)

    def token_keys(self) -> list[dict[str, str]]:
        """Return the public keys of tokens that pushed functions sign, as JWKs. Blocks."""
        return [] if pushed_part(self.app).is_empty else self._system.read(public_keys)

    def figures(self) -> Figures:
        """Return how much there is of everything, and how much there was; for metrics."""
        cache_hits, live_queries, cached_queries = self._subscriptions.figures
        return Figures(
            commits=self._database.committer.commits_count,
            conflicts=self._database.committer.conflicts_count,
            cache_hits=cache_hits,
            slow_lane_runs=self._lane.runs_count,
            live_queries=live_queries,
            cached_queries=cached_queries,
            mutations_waiting=self._mutations.waiting_count,
            requests_waiting=len(self._requests),
            actions_running=self._actions.running_count,
            file_bytes=size_on_disk(self.path),
            wal_bytes=size_on_disk(self.path.with_name(f"{self.path.name}-wal")),
        )

    def close(self) -> None:
        """Finish what was accepted, and close the file: one file is left."""
        if self._is_closed:
            return
        self._is_closed = True
        self.pushes.close()
        self.transfers.close()  # While what it still writes can be written.
        self.accounts.close()
        self._actions.close()
        self._mutations.close()
        self._requests.close()
        self._driver.finish()
        self._lane.close()
        self._javascript.close()
        self._database.close()

    # --- Calls and live queries -------------------------------------------------------------

    def submit(
        self,
        call: Call,
        kind: FunctionKind | None,
        done: Done,
        query_set: LiveQuerySet | None = None,
    ) -> None:
        """Run a call; ``done`` hears the outcome on the engine's thread, exactly once.

        Mutations run in the order of submission and are durable when ``done`` hears of them.
        ``kind`` None runs a function of any kind. With ``query_set``, an update that shows a
        mutation's effects follows its outcome, even if it changes none of the set's queries.

        Raises:
            OverloadedError: too many calls are waiting.
        """
        if kind is None:
            function = self.app.functions.get(call.path) or SYSTEM_FUNCTIONS.get(call.path)
            if function is None:
                done(self._unknown(call))
                return
            kind = function.kind
        match kind:
            case FunctionKind.QUERY:
                # One that is in the cache need not wait for a step.
                is_here = self._driver.is_between_steps_here
                if not (is_here and self._subscriptions.answer_now(call, done)):
                    self._requests.query([call], lambda outcomes: done(_only(outcomes)))
            case FunctionKind.MUTATION:
                self._mutations.submit(call, _followed(done, query_set))
            case FunctionKind.ACTION:
                self._actions.submit(call, done)

    def submit_http(self, call: HttpCall, channel: HttpChannel, done: HttpDone) -> None:
        """Run the HTTP action that answers a request; ``done`` hears how it ended, on any thread.

        ``channel`` is the request's connection, for bodies that are streamed.

        Raises:
            OverloadedError: too many actions are running.
        """
        self._http_actions.submit(call, channel, done)

    def submit_at(self, call: Call, ts: int, done: Done) -> None:
        """Run a query as it would have run at ``ts``; ``LogTrimmedError`` if that is not kept."""
        self._requests.query_past(call, ts, done)

    def submit_batch(
        self, calls: Sequence[Call], done: Callable[[list[Outcome] | LivefileError], None]
    ) -> None:
        """Run queries at one timestamp; ``done`` hears their outcomes in order."""
        self._requests.query(calls, done)

    def open_query_set(self, deliver: Callable[[Update], None]) -> LiveQuerySet:
        """Return an empty query set; ``deliver`` hears its updates on the engine's thread."""
        return LiveQuerySet(self._requests, Watcher(deliver))

    def driven_by(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Let this thread run the engine, an event loop's for one, instead of one of its own.

        ``wake`` is called from any thread when there is work; then this thread is to call ``step``.
        """
        return self._driver.driven_by(wake)

    def step(self) -> None:
        """Do the work that waits, in this thread; see ``driven_by``."""
        self._driver.step()

    # --- Inside ----------------------------------------------------------------------------

    def _unknown(self, call: Call) -> Outcome:
        error = FunctionNotFoundError(
            f"Could not find function for '{call.path.removesuffix(':default')}'. Did you forget "
            "to run `npx convex dev`?"
        )
        return failure_of(error, call.request_id, (), self.app.path, self.latest_ts)

    def _begin(self) -> None:
        """Let the engine take steps, and have JavaScript ready if there is any."""
        quiet_log = QuietLog(self._database, lambda: self._mutations.is_idle)
        blob_removal = BlobRemoval(self._database, self._system)
        workers: list[Worker] = [quiet_log, blob_removal, self.scheduler, self.pushes]
        self._driver.begin(self._mutations, self._subscriptions, self._lane, workers)
        self._javascript.expect(pushed_part(self.app))

    def _make_pushes(self, clock: Clock) -> Pushes:
        return Pushes(
            PushSurroundings(
                database=self._database,
                deployer=self._deployer,
                clock=clock,
                random=self._random,
                submit_job=self._mutations.submit_job,
                current=lambda: pushed_part(self.app),
                environment=self.environment,
                addresses=lambda: self.origins.variables,
                analyze=self._javascript.analyze,
                stage=self._stage_code,
            )
        )

    def _make_inline_queries(self, clock: Clock) -> InlineQueries:
        make, run = self._javascript.make_function, self._lane.run
        database, random, code = self._database, self._random, self._code
        return InlineQueries(database, clock, random, make, code, self._runner_of, run)

    def _stage_code(self, code: PushedCode, on_progress: OnProgress) -> StagedDeploy:
        """Return a deploy of pushed code; what is in Python stays."""
        self._javascript.expect(code)
        app = self._javascript.joined(self.app, code)
        return self._deployer.stage(self._runner_of(app), on_progress)

    @property
    def _runner(self) -> Runner:
        return self._code.runner_at(self._database.published_ts)

    def _runner_of(self, app: App) -> Runner:
        return Runner(app.with_system_functions(SYSTEM_FUNCTIONS), self._observers, self.origins)


def _only(outcomes: list[Outcome] | LivefileError) -> Outcome | LivefileError:
    return outcomes if isinstance(outcomes, LivefileError) else outcomes[0]


def _followed(done: Done, query_set: LiveQuerySet | None) -> Done:
    """Return ``done`` and then, for the query set, the demand for an update that shows it."""
    if query_set is None:
        return done

    def answered(outcome: Outcome | LivefileError) -> None:
        done(outcome)
        if not isinstance(outcome, LivefileError):
            query_set.require(outcome.ts)

    return answered

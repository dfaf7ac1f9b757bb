"""``Livefile``: one open deployment, the facade over everything below.

It wires the layers together. Its methods are safe for threads; the ones named ``submit...`` never
block, the plain ones wait for their answer.

Not here: the threads (``driver.py``); sockets and HTTP (the server, which uses only what
``livefile/__init__.py`` names).
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ParamSpec, TypeVar, overload

from livefile.driver import Driver
from livefile.functions.actions import Actions, result_value
from livefile.functions.app import App
from livefile.functions.call import Call, FunctionKind, Outcome
from livefile.functions.code_history import CodeHistory
from livefile.functions.definition import (
    ActionFunction,
    Function,
    MutationFunction,
    QueryFunction,
)
from livefile.functions.deploy import Deploy
from livefile.functions.deploy_progress import OnProgress, unheard
from livefile.functions.deployer import Deployer
from livefile.functions.failure import failure_of
from livefile.functions.job import runs_at_once, runs_in_groups
from livefile.functions.lane import Lane
from livefile.functions.migration_run import MigrationProgress, OnMigrationProgress
from livefile.functions.mutation_attempt import Attempts
from livefile.functions.mutations import Mutations
from livefile.functions.path import parse_function_path
from livefile.functions.runner import CallRecord, Runner, deploy_record
from livefile.functions.running import current_call, sealed_call
from livefile.functions.slow_lane import SlowLane
from livefile.functions.stepped_lane import SteppedLane
from livefile.model.identity import ADMIN
from livefile.reactive.live_query import Watcher
from livefile.reactive.live_query_set import LiveQuerySet
from livefile.reactive.query_run import QueryRuns
from livefile.reactive.query_set import QuerySetChange, Update, WatchQuery
from livefile.reactive.requests import Requests
from livefile.reactive.subscriptions import Subscriptions
from livefile.transaction.database import Database
from livefile.vocabulary.clock import Clock, SystemClock
from livefile.vocabulary.errors import (
    FunctionNotFoundError,
    LivefileError,
    SealedError,
)
from livefile.watch import Watch

P = ParamSpec("P")
R = TypeVar("R")

Done = Callable[[Outcome | LivefileError], None]


class Livefile:
    """An open deployment: a file, and the app that runs on it."""

    def __init__(
        self, database: Database, app: App, clock: Clock, random: Random, *, has_threads: bool
    ) -> None:
        """Wire an open database and an app together; use ``open`` instead."""
        self._database = database
        self._random = random
        self._observers: list[Callable[[CallRecord], None]] = []
        self._code = CodeHistory(Runner(app, self._observers))
        self.failed: Callable[[Exception], None] = lambda error: None
        """Called when the deployment cannot go on, after an I/O error at a commit for one."""
        self._driver = Driver(lambda error: self.failed(error), has_threads=has_threads)
        wake = self._driver.wake
        self._lane: Lane = SlowLane(self._driver.fail_soon) if has_threads else SteppedLane(wake)
        attempts = Attempts(database, self._code, clock, random)
        self._mutations = Mutations(database, attempts, wake, self._lane)
        self._requests = Requests(wake)
        runs = QueryRuns(self._code, clock, random)
        self._subscriptions = Subscriptions(
            database, self._requests, runs, clock, random, self._lane
        )
        self._driver.begin(self._mutations, self._subscriptions, self._lane)
        self._actions = Actions(lambda: self._runner, lambda: database.catalog, self.submit, clock)
        self._run_job = runs_in_groups(self._mutations, self._driver.wait_for)
        run_again = partial(self._driver.wait_for, self._requests.run_again)
        self._deployer = Deployer(database, self._code, clock, random, self._run_job, run_again)
        self._watches: set[Watch[Any]] = set()
        self._is_closed = False

    @classmethod
    def open(
        cls,
        path: str | Path,
        app: App | str | Path | None = None,
        *,
        clock: Clock | None = None,
        seed: int | None = None,
        has_threads: bool = True,
    ) -> "Livefile":
        """Open a file, and make it if there is none; bring its tables to the app's schema.

        Args:
            path: the file, or ``":memory:"`` for one that is gone when closed.
            app: a loaded app, the import name of its package, or its folder. Without one the
                file keeps its tables, and only untyped access is left.
            clock: where the time comes from; the machine's if not given.
            seed: makes every random choice repeatable; only for tests.
            has_threads: without threads the work is done in the caller's, or by ``step``.

        Raises:
            AppError: the app cannot be loaded, or a stored document does not match its schema.
            FileError: the file cannot be opened.
        """
        loaded = App.empty() if app is None else App.load(app)
        clock = clock or SystemClock()
        database = Database(path, clock)
        random = Random(secrets.randbits(256) if seed is None else seed)
        try:
            # Without an app the tables stay as they are; a new file still gets its first commit.
            if app is not None or not database.published_ts:
                call, run_job = deploy_record(loaded), runs_at_once(database)
                Deploy(database, clock, loaded.schema, call, run_job).run()
        except BaseException:
            database.committer.roll_back()
            database.close()
            raise
        return cls(database, loaded, clock, random, has_threads=has_threads)

    # --- For Python callers ----------------------------------------------------------------

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

    @overload
    def query(self, function: QueryFunction[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def query(self, function: str, **kwargs: Any) -> Any: ...
    def query(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a query and return its result. Blocks."""
        return self._call_and_wait(FunctionKind.QUERY, function, args, kwargs)

    @overload
    def mutation(
        self, function: MutationFunction[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R: ...
    @overload
    def mutation(self, function: str, **kwargs: Any) -> Any: ...
    def mutation(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a mutation and return its result once it is durable. Blocks."""
        return self._call_and_wait(FunctionKind.MUTATION, function, args, kwargs)

    @overload
    def action(self, function: ActionFunction[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def action(self, function: str, **kwargs: Any) -> Any: ...
    def action(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Run an action and return its result. Blocks."""
        return self._call_and_wait(FunctionKind.ACTION, function, args, kwargs)

    @overload
    def watch(
        self, function: QueryFunction[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> Watch[R]: ...
    @overload
    def watch(self, function: str, **kwargs: Any) -> Watch[Any]: ...
    def watch(self, function: Any, *args: Any, **kwargs: Any) -> Watch[Any]:
        """Return the live results of a query: iterate over it, plainly or with ``async for``."""
        found, call = self._call_of(function, args, kwargs)
        watch: Watch[Any] = Watch(found.load_result, lambda: self._close_watch(watch, query_set))
        query_set = self.open_query_set(watch.deliver)
        self._watches.add(watch)
        query_set.change(
            QuerySetChange(
                query_set_version=1,
                identity_version=0,
                identity=ADMIN,
                added=(WatchQuery(query_id=0, path=call.path, args=call.args),),
            )
        )
        return watch

    def mutation_on_snapshot(self, function: str, **kwargs: Any) -> Any:
        """Run a mutation in this thread on a snapshot, and commit it if nothing came in between.

        For mutations that take long: others do not wait for them. After some conflicts it runs
        like every other one.
        """
        found, call = self._call_of(function, (), kwargs)
        return self._result(found, self._mutations.run_on_snapshot(call, self._driver.wait_for))

    def deploy(self, app: App, on_progress: OnProgress = unheard) -> None:
        """Switch to other code: tables and indexes first, then every live query runs again.

        Blocks while documents are looked at; calls go on. ``on_progress`` is called in this thread.

        Raises:
            AppError: a stored document does not match; the code before keeps serving.
            OverloadedError: another deploy or migration is under way.
        """
        self._deployer.deploy(Runner(app, self._observers), on_progress)

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

    def observe_calls(self, observer: Callable[[CallRecord], None]) -> None:
        """Let ``observer`` hear of every finished call, on the thread that ran it."""
        self._observers.append(observer)

    def read_setting(self, name: str) -> bytes | None:
        """Return a small fact kept in the file, None if it was never written."""
        return self._database.read_setting(name)

    def write_setting(self, name: str, value: bytes) -> None:
        """Keep a small fact in the file. Blocks until it is durable."""
        self._run_job(lambda committer: committer.write_setting(name, value))

    def close(self) -> None:
        """Finish what was accepted, and close the file: one file is left."""
        if self._is_closed:
            return
        self._is_closed = True
        for watch in list(self._watches):
            watch.close()
        self._actions.close()
        self._mutations.close()
        self._requests.close()
        self._driver.finish()
        self._lane.close()
        self._database.close()

    def __enter__(self) -> "Livefile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- For servers -----------------------------------------------------------------------

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
            function = self.app.functions.get(call.path)
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

    def _call_and_wait(
        self, kind: FunctionKind, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        found, call = self._call_of(function, args, kwargs)
        return self._result(
            found, self._driver.wait_for(lambda done: self.submit(call, kind, done))
        )

    def _call_of(
        self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Function[..., Any], Call]:
        """Return the called function, and the call as it would come from a client."""
        is_own_thread = self._driver.is_stepping_here or self._actions.is_on_its_thread
        if sealed_call() is not None or is_own_thread:
            running = current_call.get()
            raise SealedError(
                f"{'a thread of the engine' if running is None else running.path} calls into the "
                "deployment that runs it; use ctx.run_query, ctx.run_mutation or ctx.run_action"
            )
        app = self.app
        is_path = isinstance(function, str)
        path = parse_function_path(function) if is_path else app.path_of(function)
        found = app.find(path, is_internal_allowed=True)
        values = found.dump_args(args, kwargs, self._database.catalog.table_name)
        return found, Call(
            path=path,
            args=values,
            identity=ADMIN,
            request_id=f"{self._random.getrandbits(64):016x}",
            is_internal=True,
        )

    def _result(self, function: Function[..., Any], outcome: Outcome | LivefileError) -> Any:
        if isinstance(outcome, LivefileError):
            raise outcome
        return function.load_result(result_value(outcome))

    def _unknown(self, call: Call) -> Outcome:
        error = FunctionNotFoundError(
            f"Could not find function for '{call.path.removesuffix(':default')}'. Did you forget "
            "to run `npx convex dev`?"
        )
        return failure_of(error, call.request_id, (), self.app.path, self.latest_ts)

    @property
    def _runner(self) -> Runner:
        return self._code.runner_at(self._database.published_ts)

    def _close_watch(self, watch: Watch[Any], query_set: LiveQuerySet) -> None:
        self._watches.discard(watch)
        query_set.close()


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

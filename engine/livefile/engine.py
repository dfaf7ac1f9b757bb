"""``Livefile``: one open deployment, the facade over everything below.

It wires the layers together. Its methods are safe for threads; the ones named ``submit...`` never
block, the plain ones wait for their answer.

Not here: the threads (``driver.py``); sockets and HTTP (the server, which uses only what
``livefile/__init__.py`` names).
"""

import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ParamSpec, Self, TypeVar, overload

from livefile.deployment import Deployment
from livefile.functions.actions import result_value
from livefile.functions.app import App
from livefile.functions.call import Call, FunctionKind, Outcome
from livefile.functions.cron_install import cron_documents, install_crons
from livefile.functions.definition import (
    ActionFunction,
    Function,
    MutationFunction,
    QueryFunction,
)
from livefile.functions.deploy import Deploy
from livefile.functions.job import runs_at_once
from livefile.functions.path import parse_function_path
from livefile.functions.runner import deploy_record
from livefile.functions.running import current_call, sealed_call
from livefile.javascript.runtime import JavaScript
from livefile.javascript.stored_code import read_code
from livefile.model.identity import ADMIN
from livefile.reactive.live_query_set import LiveQuerySet
from livefile.reactive.query_set import QuerySetChange, WatchQuery
from livefile.transaction.database import Database
from livefile.vocabulary.clock import Clock, SystemClock
from livefile.vocabulary.errors import (
    LivefileError,
    SealedError,
)
from livefile.watch import Watch

P = ParamSpec("P")
R = TypeVar("R")


class Livefile(Deployment):
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
        """Wire an open database and an app together; use ``open`` instead."""
        super().__init__(database, app, clock, random, javascript, has_threads=has_threads)
        self._watches: set[Watch[Any]] = set()
        self._identity = ADMIN

    @classmethod
    def open(
        cls,
        path: str | Path,
        app: App | str | Path | None = None,
        *,
        clock: Clock | None = None,
        seed: int | None = None,
        has_threads: bool = True,
        has_scheduler: bool = True,
    ) -> Self:
        """Open a file, and make it if there is none; bring its tables to the app's schema.

        Args:
            path: the file, or ``":memory:"`` for one that is gone when closed.
            app: a loaded app, the import name of its package, or its folder. It is served together
                with the code that was pushed to the file. Without one the file keeps its tables.
            clock: where the time comes from; the machine's if not given.
            seed: makes every random choice repeatable; only for tests.
            has_threads: without threads the work is done in the caller's, or by ``step``.
            has_scheduler: without it nothing that is scheduled runs before ``scheduler.start``.

        Raises:
            AppError: the app cannot be loaded, or a stored document does not match its schema.
            FileError: the file cannot be opened.
        """
        python = App.empty() if app is None else App.load(app)
        javascript = JavaScript()
        clock = clock or SystemClock()
        database = Database(path, clock)
        random = Random(secrets.randbits(256) if seed is None else seed)
        try:
            loaded = javascript.joined(python, read_code(database))
            # Without an app the tables stay as they are; a new file still gets its first commit.
            if app is not None or not database.published_ts:
                call, run_job = deploy_record(loaded), runs_at_once(database)
                crons = cron_documents(loaded, database.catalog.table_name)
                Deploy(database, clock, loaded.schema, call, run_job).run(
                    partial(install_crons, crons, call)
                )
            livefile = cls(database, loaded, clock, random, javascript, has_threads=has_threads)
        except BaseException:
            database.committer.roll_back()
            database.close()
            raise
        if has_scheduler:
            livefile.scheduler.start()
        return livefile

    # --- For Python callers ----------------------------------------------------------------

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
        watch: Watch[Any] = Watch(
            found.load_result,
            lambda: self._close_watch(watch, query_set),
            self._driver.catch_up,
        )
        query_set = self.open_query_set(watch.deliver)
        self._watches.add(watch)
        query_set.change(
            QuerySetChange(
                query_set_version=1,
                identity_version=0,
                identity=self._identity,
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

    def close(self) -> None:
        """Finish what was accepted, and close the file: one file is left."""
        for watch in list(self._watches):
            watch.close()
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        """Return the called function, and the call, under this caller's identity."""
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
            identity=self._identity,
            request_id=f"{self._random.getrandbits(64):016x}",
            is_internal=True,
        )

    def _result(self, function: Function[..., Any], outcome: Outcome | LivefileError) -> Any:
        if isinstance(outcome, LivefileError):
            raise outcome
        return function.load_result(result_value(outcome))

    def _close_watch(self, watch: Watch[Any], query_set: LiveQuerySet) -> None:
        self._watches.discard(watch)
        query_set.close()

"""Actions: async functions that may reach outside and call queries and mutations.

They share one event loop on a thread of its own, started by the first action, so that an action
that blocks harms other actions only. An action holds no snapshot and no lock while it waits.

Not here: queries and mutations (``functions/runner.py``).
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from livefile.functions.awaited_answer import answer_of
from livefile.functions.awaited_system import AwaitedSystem
from livefile.functions.call import Call, Failure, FunctionKind, Outcome, Success
from livefile.functions.context import ActionCtx
from livefile.functions.definition import Function
from livefile.functions.failure import failure_of
from livefile.functions.runner import Runner, check_args, result_json
from livefile.functions.running import RunningCall, current_call
from livefile.functions.system_transactions import SystemTransactions
from livefile.model.identity import Identity
from livefile.model.validator import TableName
from livefile.model.value import Value
from livefile.model.value_json import from_json
from livefile.sqlite.catalog import Catalog
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import (
    ClosedError,
    ConvexError,
    FunctionError,
    LivefileError,
    OverloadedError,
)
from livefile.vocabulary.limits import ACTIONS_END_MS_MAX, ACTIONS_RUNNING_MAX

_log = logging.getLogger("livefile")

Ctx = TypeVar("Ctx", bound=ActionCtx)

Submit = Callable[[Call, FunctionKind, Callable[[Outcome | LivefileError], None]], None]


class Actions:
    """Runs actions. ``submit`` runs their queries and mutations, the engine's own entrance."""

    def __init__(
        self,
        runner: Callable[[], Runner],
        catalog: Callable[[], Catalog],
        submit: Submit,
        system: SystemTransactions,
        clock: Clock,
    ) -> None:
        """Take the runner of the current app, the current catalog, and how to call others."""
        self._system = AwaitedSystem(system)
        self._runner = runner
        self._catalog = catalog
        self._submit = submit
        self._clock = clock
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._accepted_count = 0
        self._is_closed = False
        self.ended: Callable[[], None] = lambda: None
        """Called after each action, on the actions' thread."""

    def submit(self, call: Call, done: Callable[[Outcome | LivefileError], None]) -> None:
        """Run an action; ``done`` hears its outcome.

        Raises:
            OverloadedError: too many actions are running.
        """
        self.start(partial(self._run, call, done))

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run ``work`` as one more action, on the actions' thread.

        Raises:
            OverloadedError: too many actions are running.
        """
        with self._lock:
            if self._is_closed:
                raise ClosedError("the deployment is closed")
            if self._accepted_count >= ACTIONS_RUNNING_MAX:
                raise OverloadedError(
                    "TooManyConcurrentRequests", f"{ACTIONS_RUNNING_MAX} actions are running"
                )
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="livefile-actions", daemon=True
                )
                self._thread.start()
            self._accepted_count += 1
            self._loop.call_soon_threadsafe(self._start, work)

    @property
    def running_count(self) -> int:
        """How many actions run or are about to."""
        return self._accepted_count

    @property
    def is_closed(self) -> bool:
        """Whether actions are cancelled because the deployment closes."""
        return self._is_closed

    @property
    def is_on_its_thread(self) -> bool:
        """Whether this thread is the one of the actions' event loop."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Cancel what runs; its callers hear ``ClosedError``.

        An action that blocks its thread, or that goes on after it was cancelled, is left behind
        after a moment; the process may end without it.
        """
        with self._lock:
            self._is_closed = True
            loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        cancelled = asyncio.run_coroutine_threadsafe(self._cancel_all(), loop)
        try:
            cancelled.result(ACTIONS_END_MS_MAX / 1000)
        except TimeoutError:
            _log.warning("%d actions go on after they were cancelled", len(self._running))
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.get_running_loop().create_task(work())
        self._running.add(task)
        task.add_done_callback(self._note_end)

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        with self._lock:
            self._accepted_count -= 1
        self.ended()

    async def _cancel_all(self) -> None:
        # Those that an action left behind as well.
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, call: Call, done: Callable[[Outcome | LivefileError], None]) -> None:
        runner = self._runner()
        started = time.perf_counter()
        log = runner.action_log(call, self._clock.now_ns)
        running = RunningCall(
            path=call.path,
            log=log,
            is_sealed=False,
            now_ns=self._clock.now_ns(),
            seed=0,
            request_id=call.request_id,
            parent_job=call.parent_job,
            caller=call.caller,
        )
        current_call.set(running)
        outcome: Outcome
        try:
            function = runner.find(call, (FunctionKind.ACTION,))
            check_args(call)
            value = await self.invoke(function, call, call.args)
            outcome = Success(json=result_json(call, value), log_lines=log.lines)
        except BaseException as error:  # The edge to user code.
            if isinstance(error, asyncio.CancelledError) and self._is_closed:
                done(ClosedError("the deployment was closed while the action ran"))
                raise
            outcome = failure_of(error, call.request_id, log.lines, runner.app.path, 0)
        log.end()
        runner.observe_action(call, outcome, started)
        done(outcome)

    async def invoke(
        self, function: Function[..., Any], call: Call, args: Mapping[str, Value]
    ) -> Value:
        """Run one action, of a client or of another action, from values to a value."""
        keywords = function.load_args(args, self._catalog().table_name)
        result = await function.body(self.context(call, ActionCtx), **keywords)
        return function.dump_result(result, self._catalog().table_name)

    def context(self, call: Call, make: type[Ctx]) -> Ctx:
        """Return what an action is given, or something more that is called on its behalf."""
        nested = NestedActionCalls(self, call)
        return make(call.identity, nested, self._runner().services, self._system)

    async def run_transaction(self, call: Call, kind: FunctionKind) -> Value:
        """Run a query or a mutation of an action and return its result.

        Raises:
            LivefileError: what ``result_value`` raises, or why it was not run.
        """
        outcome: Outcome = await answer_of(partial(self._submit, call, kind))
        return result_value(outcome)

    def path_of(self, function: Function[..., Any]) -> str:
        """Return the canonical path of a function of the current app."""
        return self._runner().app.path_of(function)

    @property
    def table_name(self) -> TableName:
        """Says which table an id is of, now."""
        return self._catalog().table_name


class NestedActionCalls:
    """How one action calls other functions, each in a transaction or an action of its own."""

    def __init__(self, actions: Actions, call: Call) -> None:
        """Take what runs them, and the call on whose behalf they are called."""
        self._actions = actions
        self._call = call

    async def __call__(
        self, nested: Function[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:  # Any: as in ``functions/context.py``.
        """Run a function for an action and return its result."""
        values = nested.dump_args(args, kwargs, self._actions.table_name)
        return nested.load_result(await self.with_values(nested, values))

    async def with_values(
        self,
        nested: Function[..., Any],
        values: Mapping[str, Value],
        identity: Identity | None = None,
    ) -> Value:
        """Do the same with arguments and a result that are values; as somebody else, if asked."""
        call = self._call if identity is None else replace(self._call, identity=identity)
        if nested.kind is FunctionKind.ACTION:
            return await self._actions.invoke(nested, call, values)
        path = self._actions.path_of(nested)
        call = replace(call, path=path, args=values, request_key=None, is_internal=True)
        return await self._actions.run_transaction(call, nested.kind)


def result_value(outcome: Outcome) -> Value:
    """Return the value of a success; raise what a failure was, for callers in Python.

    Raises:
        ConvexError: the function raised one.
        LivefileError: the call was refused, for example with an ArgumentValidationError.
        FunctionError: the function raised anything else, which is its cause.
    """
    if isinstance(outcome, Failure):
        error = outcome.error
        if isinstance(error, ConvexError):
            raise ConvexError(error.data) from error
        if isinstance(error, LivefileError):
            raise error
        raise FunctionError(outcome.message) from error
    return from_json(outcome.json)

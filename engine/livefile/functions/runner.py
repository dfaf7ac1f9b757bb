"""Running one query or mutation on one transaction: check, run, check.

The same steps run for every way to call: a client's call, a live query, a call from another
function, from the library or from an action.

Not here: which thread runs what and when it is durable (``functions/mutations.py``,
``reactive/``); actions (``functions/actions.py``).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgpack

from livefile.functions.action_log import ActionLog
from livefile.functions.app import App
from livefile.functions.call import Call, Caller, FunctionKind, Outcome, Success
from livefile.functions.call_log import CallLog
from livefile.functions.call_record import CallProgress, CallRecord, record_of
from livefile.functions.context import MutationCtx, QueryCtx
from livefile.functions.database import DatabaseReader, DatabaseWriter
from livefile.functions.definition import Function
from livefile.functions.failure import failure_of, function_error
from livefile.functions.observers import Observers
from livefile.functions.running import RunningCall, current_call
from livefile.functions.services import Origins, Services
from livefile.functions.watchdog import Preempted
from livefile.model.identity import Identity
from livefile.model.value import Value, check_value, is_surely_small, size_bytes, size_text
from livefile.model.value_json import to_json
from livefile.system import scheduled_job
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import (
    ConflictError,
    DiskFullError,
    InvalidValueError,
    JavaScriptError,
    LivefileError,
    StorageFailedError,
    TransactionLimitError,
    WrongFunctionKindError,
)
from livefile.vocabulary.limits import (
    ARGUMENTS_SIZE_BYTES_MAX,
    CALL_DEPTH_MAX,
    RESULT_SIZE_BYTES_MAX,
)

# What a function cannot be blamed for: the caller of the runner retries or gives up.
INFRASTRUCTURE_ERRORS = (ConflictError, DiskFullError, Preempted, StorageFailedError)


# Not frozen, because making one would take twice the time, and every call makes one.
@dataclass(slots=True)
class Run:
    """One finished attempt.

    ``record`` is the call as the commit log keeps it, ``observed`` as observers will hear of it:
    of a mutation only once it is committed. It is None if there are none, or if they have heard.
    """

    outcome: Outcome
    record: bytes
    has_read_identity: bool
    has_read_time: bool
    observed: CallRecord | None = None


_NOT_DUE = Run(
    outcome=Success(json=b"null"), record=b"", has_read_identity=False, has_read_time=False
)
"""Stands for a run of a scheduled job that was cancelled or moved meanwhile: nothing ran."""


class Runner:
    """Runs queries and mutations of one app. Safe for threads: it keeps no state of a call."""

    def __init__(self, app: App, observers: Observers, origins: Origins) -> None:
        """Take the app, who hears of finished calls, and the deployment's addresses."""
        self.app = app
        self.services = Services(app, origins)
        self._observers = observers

    def find(self, call: Call, kinds: tuple[FunctionKind, ...]) -> Function[..., Any]:
        """Return the called function.

        Raises:
            FunctionNotFoundError: there is none that this caller may see.
            WrongFunctionKindError: it is of a kind that cannot be called this way.
        """
        is_internal_allowed = call.is_internal or call.identity.is_admin
        function = self.app.find(call.path, is_internal_allowed=is_internal_allowed)
        if function.kind not in kinds:
            raise wrong_kind(call.path, kinds[0].value, function)
        return function

    def run(self, call: Call, kind: FunctionKind, transaction: Transaction, seed: int) -> Run:
        """Run a query or mutation. What it raises becomes a ``Failure``; nothing is committed.

        ``seed`` is the seed of its dice: 64 bits.

        Raises:
            ConflictError: the attempt must be repeated elsewhere.
            Preempted: the attempt took too long for the engine's thread.
        """
        started = time.perf_counter()
        if call.job is not None and not scheduled_job.begin(transaction, call.job, call.request_id):
            return _NOT_DUE
        running = _running_call(call, transaction, seed)
        log = running.log
        token = current_call.set(running)
        outcome: Outcome
        try:
            function = self.find(call, (kind,))
            check_args(call)
            transaction.journal = call.journal
            value = self.invoke(function, call, transaction, call.args, 1)
            if call.job is not None:
                scheduled_job.end(transaction, call.job, None)
            outcome = Success(
                json=result_json(call, value),
                log_lines=log.lines,
                ts=transaction.snapshot.ts,
                journal=transaction.journal if transaction.has_paginated else None,
            )
        except (*INFRASTRUCTURE_ERRORS, KeyboardInterrupt):
            raise
        except BaseException as error:  # The edge to user code.
            outcome = failure_of(
                error,
                call.request_id,
                log.lines,
                self.app.path,
                transaction.snapshot.ts,
                call.journal,
            )
        finally:
            current_call.reset(token)
        observed = None
        if self._observers:
            observed = record_of(call, kind, outcome, running, started, transaction)
            if kind is FunctionKind.QUERY:
                self.tell(observed)
                observed = None
        is_mutation = kind is FunctionKind.MUTATION
        return Run(
            outcome=outcome,
            record=self._record(call, running, transaction) if is_mutation else b"",
            has_read_identity=running.has_read_identity,
            has_read_time=running.has_read_time,
            observed=observed,
        )

    def observe_action(
        self, call: Call, outcome: Outcome, started: float, http_status: int | None = None
    ) -> None:
        """Tell of an action that ends here; ``started`` is a reading of ``time.perf_counter``."""
        running = current_call.get()
        if self._observers and running is not None:
            record = record_of(call, FunctionKind.ACTION, outcome, running, started)
            record.http_status = http_status
            self.tell(record)

    def action_log(self, call: Call, now_ns: Callable[[], int]) -> ActionLog:
        """Return the log of an action that begins here, on the actions' event loop."""
        if not self._observers.hear_progress:
            return ActionLog(None)

        def tell(lines: Sequence[str]) -> None:
            self._observers.tell_progress(CallProgress(call.path, call.request_id, now_ns(), lines))

        return ActionLog(tell)

    @property
    def is_observed(self) -> bool:
        """Whether anybody hears of finished calls."""
        return bool(self._observers)

    def tell(self, record: CallRecord) -> None:
        """Tell observers of a finished call."""
        self._observers.tell(record)

    def invoke(
        self,
        function: Function[..., Any],
        call: Call,
        transaction: Transaction,
        args: Mapping[str, Value],
        depth: int,
    ) -> Value:
        """Run one function, of a client or of another function, from values to a value."""
        keywords = function.load_args(args, transaction.catalog.table_name)
        call_nested = NestedCalls(self, function, call, transaction, depth)
        schema, services = self.app.schema, self.services
        ctx: QueryCtx
        if function.kind is FunctionKind.MUTATION:
            writer = DatabaseWriter(transaction, schema)
            ctx = MutationCtx(writer, call.identity, call_nested, services)
        else:
            reader = DatabaseReader(transaction, schema)
            ctx = QueryCtx(reader, call.identity, call_nested, services)
        result = function.body(ctx, **keywords)
        return function.dump_result(result, transaction.catalog.table_name)

    def context_of(
        self, function: Function[..., Any], call: Call, transaction: Transaction
    ) -> MutationCtx:
        """Return what a mutation is given, for code that is no function of the app: a test's."""
        return MutationCtx(
            DatabaseWriter(transaction, self.app.schema),
            call.identity,
            NestedCalls(self, function, call, transaction, 1),
            self.services,
        )

    def _record(self, call: Call, running: RunningCall, transaction: Transaction) -> bytes:
        """Return the call as the commit log keeps it: all that a replay needs but tokens."""
        key, attributes = call.request_key, call.identity.attributes
        record: bytes = msgpack.packb(
            {
                "path": call.path,
                "code": self.app.code_hash,
                "args": dict(call.args),
                "identity": None if attributes is None else dict(attributes),
                "is_admin": call.identity.is_admin,
                "is_internal": call.is_internal,
                "seed": running.seed,
                "time_ns": transaction.now_ns,
                "snapshot_ts": transaction.snapshot.ts,
                "request_id": call.request_id,
                "session": None if key is None else [key.session_id, key.request_number],
                **({} if call.parent_job is None else _job_record(call)),
                **(_caller_record(call.caller) if running.has_read_caller else {}),
            }
        )
        return record


class NestedCalls:
    """How one function calls others within its transaction."""

    __slots__ = ("_call", "_caller", "_depth", "_runner", "_transaction")

    def __init__(
        self,
        runner: Runner,
        caller: Function[..., Any],
        call: Call,
        transaction: Transaction,
        depth: int,
    ) -> None:
        """Take who calls, on whose behalf, and how deep it is called itself."""
        self._runner = runner
        self._caller = caller
        self._call = call
        self._transaction = transaction
        self._depth = depth

    def __call__(
        self, nested: Function[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:  # Any: as in ``functions/context.py``.
        """Run a function for another one, as a sub-transaction."""
        self._check(nested)
        values = nested.dump_args(args, kwargs, self._transaction.catalog.table_name)
        return nested.load_result(self.with_values(nested, values))

    def with_values(
        self,
        nested: Function[..., Any],
        values: Mapping[str, Value],
        identity: Identity | None = None,
        *,
        is_stale: bool = False,
    ) -> Value:
        """Do the same with arguments and a result that are values; as somebody else, if asked.

        A query with ``is_stale`` sees the documents as they were before this transaction, and what
        it reads never makes that conflict with another one.
        """
        self._check(nested)
        call = self._call if identity is None else replace(self._call, identity=identity)
        transaction = self._transaction
        if is_stale:
            transaction = Transaction(transaction.snapshot, transaction.now_ns, seed=0)
        mark = transaction.writes.mark()
        try:
            return self._runner.invoke(nested, call, transaction, values, self._depth + 1)
        except BaseException:
            transaction.writes.roll_back(mark)
            raise

    def for_pushed(
        self,
        nested: Function[..., Any],
        values: Mapping[str, Value],
        identity: Identity | None = None,
        *,
        is_stale: bool = False,
    ) -> Value:
        """Do the same for code in TypeScript, which can catch what a function in Python raises.

        Raises:
            JavaScriptError: it is no ``LivefileError``; the text says what, and where in the app.
        """
        try:
            return self.with_values(nested, values, identity, is_stale=is_stale)
        except LivefileError:
            raise
        except Exception as error:  # The edge to user code.
            raise JavaScriptError(function_error(error, self._runner.app.path)) from error

    def _check(self, nested: Function[..., Any]) -> None:
        if self._depth >= CALL_DEPTH_MAX:
            raise TransactionLimitError(
                "CallDepthExceeded", f"functions call each other more than {CALL_DEPTH_MAX} deep"
            )
        caller = self._caller
        is_allowed = nested.kind is FunctionKind.QUERY or (
            nested.kind is FunctionKind.MUTATION and caller.kind is FunctionKind.MUTATION
        )
        if not is_allowed:
            raise WrongFunctionKindError(
                f"{caller.name} is a {caller.kind.value.lower()} and cannot run {nested.name}, "
                f"which is defined as {nested.kind.value}."
            )


def _running_call(call: Call, transaction: Transaction, seed: int) -> RunningCall:
    return RunningCall(
        path=call.path,
        log=CallLog(),
        is_sealed=True,
        now_ns=transaction.now_ns,
        seed=seed,
        request_id=call.request_id,
        parent_job=call.parent_job,
        caller=call.caller,
    )


def _caller_record(caller: Caller | None) -> dict[str, object]:
    return {"caller": [None, None] if caller is None else [caller.address, caller.user_agent]}


def _job_record(call: Call) -> dict[str, object]:
    return {"job": call.job, "parent_job": call.parent_job}


def deploy_record(app: App) -> bytes:
    """Return what the commit log keeps of a change of the schema."""
    record: bytes = msgpack.packb({"path": "_system:deploy", "code": app.code_hash})
    return record


def wrong_kind(path: str, wanted: str, function: Function[..., Any]) -> WrongFunctionKindError:
    """Return the error that says that the function at ``path`` is not of the ``wanted`` kind."""
    module, _, name = path.partition(":")
    return WrongFunctionKindError(
        f"Trying to execute {module}.js:{name} as {wanted}, but it is defined as "
        f"{function.kind.value}."
    )


def check_args(call: Call) -> None:
    """Refuse arguments that are no values or too large. Names are left to the signature."""
    if is_surely_small(call.args):
        return
    size = check_value(call.args)
    if size > ARGUMENTS_SIZE_BYTES_MAX:
        module, _, name = call.path.partition(":")
        raise InvalidValueError(
            f"Arguments for {module}.js:{name} are too large (actual: {size_text(size)}, limit: "
            f"{size_text(ARGUMENTS_SIZE_BYTES_MAX)})"
        )


def result_json(call: Call, value: Value) -> bytes:
    """Return a result as the protocol's JSON, unless it is too large."""
    json = to_json(value)
    # The size is only measured when the JSON, which is mostly larger, could be over the limit.
    if len(json) > RESULT_SIZE_BYTES_MAX // 4 and size_bytes(value) > RESULT_SIZE_BYTES_MAX:
        module, _, name = call.path.partition(":")
        raise InvalidValueError(
            f"Function {module}.js:{name} return value is too large (actual: "
            f"{size_text(size_bytes(value))}, limit: {size_text(RESULT_SIZE_BYTES_MAX)})"
        )
    return json

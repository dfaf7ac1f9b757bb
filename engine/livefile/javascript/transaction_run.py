"""Running a pushed query or mutation: its host asks, the transaction answers.

One call of the host is a batch: what the function asks for before it waits. All of it is answered
before the host goes on, so the thread's time is either JavaScript's or the database's.

Not here: what each question means (``transaction_calls.py``); which host it is (``host_pool.py``).
"""

import logging
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

import orjson

from livefile.functions.call import FunctionKind
from livefile.functions.context import QueryCtx
from livefile.functions.runner import INFRASTRUCTURE_ERRORS
from livefile.functions.running import RunningCall, current_call
from livefile.functions.watchdog import Guard, TimedOut, guard_here
from livefile.javascript.host_pool import HostPool
from livefile.javascript.host_process import Frame, HostProcess
from livefile.javascript.pushed_code import ROOT, Definition, PushedCode, function_path
from livefile.javascript.transaction_calls import TransactionCalls
from livefile.model.annotation import mark_integers
from livefile.model.value import Value, normalize
from livefile.model.value_json import from_json, to_json, to_wire
from livefile.vocabulary.errors import (
    ConvexError,
    HostError,
    InvalidValueError,
    JavaScriptConvexError,
    JavaScriptError,
    LivefileError,
)
from livefile.vocabulary.limits import FUNCTION_DURATION_MS_MAX, PUSHED_FUNCTION_WAIT_MS_MAX

_log = logging.getLogger("livefile")
_ids = count(1)

# Any: a frame is JSON.


class TransactionRun:
    """One run of one function. The thread that runs it drives its host."""

    def __init__(
        self,
        ctx: QueryCtx,
        code: PushedCode,
        component: str,
        definition: Definition,
        running: RunningCall,
    ) -> None:
        self._code = code
        self._definition = definition
        self._running = running
        self._calls = TransactionCalls(ctx, code, component)
        self._now_ms = ctx.db._transaction.now_ns / 1e6  # Apps see the database only.
        self._id = next(_ids)

    def run(
        self,
        pool: HostPool,
        module_path: str,
        name: str,
        kind: FunctionKind,
        arguments: Mapping[str, Value],
    ) -> Value:
        """Return the result.

        Raises:
            JavaScriptError: the function raised, or its process has ended.
            JavaScriptConvexError: the function raised a ``ConvexError``.
            BaseException: the one of the thread's guard: it took too long.
        """
        definition = self._definition
        self._calls.function_name = function_path(ROOT, module_path, name)
        args = to_json(dict(arguments)).decode()
        # A stop out of the blue would lose the host, or leave it in the middle of a frame.
        was_shielded = _shield(True)
        try:
            with pool.lease() as host:
                if definition.code_id not in host.loaded:
                    host.load(definition.code_id, definition.sources("isolate"))
                spec = self._spec(module_path, name, kind, args)
                return self._drive(host, ["run", self._id, spec])
        finally:
            _shield(was_shielded)

    def _drive(self, host: HostProcess, frame: Frame) -> Value:
        try:
            while (answer := self._ask(host, frame))[0] != "done":
                frame = ["reply", self._id, self._replies(answer)]
        except HostError:
            raise
        except BaseException:
            if host.is_waiting:
                host.send(["cancel", self._id])
            raise
        return self._result(host, answer)

    def _spec(self, module_path: str, name: str, kind: FunctionKind, args: str) -> dict[str, Any]:
        running = self._running
        running.pushed_count += 1
        return {
            "code": self._definition.code_id,
            "module": module_path,
            "function": name,
            "kind": kind.value.lower(),
            "args": f"[{args}]",
            "now": self._now_ms,
            # Each function of one call has dice of its own.
            "seed": f"{running.seed & (1 << 64) - 1:016x}{running.pushed_count:016x}",
            "requestId": "",
            "importSeed": self._code.import_seed,
            "importTime": self._code.import_time_ms,
            "env": None,
        }

    def _ask(self, host: HostProcess, frame: Frame) -> Frame:
        guard = guard_here()
        if guard is not None and guard.is_due:
            raise guard.stop
        limit_s = FUNCTION_DURATION_MS_MAX / 1000 if guard is None else guard.duration_s_max
        is_alone = guard is None or guard.is_alone
        try:
            answer, work_s, passed_s = host.ask(
                frame, max(0.0, limit_s - self._running.pushed_s), is_measured=is_alone
            )
        except TimeoutError:
            raise (TimedOut if guard is None else guard.stop) from None
        self._running.pushed_s += work_s
        if guard is not None and guard.is_alone:
            self._excuse(guard, passed_s)  # The work is counted here.
        elif guard is not None and passed_s > work_s:
            guard.excuse(passed_s - work_s)
        return answer

    def _excuse(self, guard: Guard, duration_s: float) -> None:
        left_s = PUSHED_FUNCTION_WAIT_MS_MAX / 1000 - self._running.excused_s
        guard.excuse(max(0.0, min(duration_s, left_s)))
        self._running.excused_s += duration_s

    def _replies(self, frame: Frame) -> list[list[Any]]:
        _, _, calls, lines = frame
        self._log(lines)
        guard = guard_here()
        _shield(False)
        try:
            if guard is None or not guard.is_alone:
                return [[call_id, *self._reply(op, args)] for call_id, op, args in calls]
            return [[call_id, *self._excused_reply(guard, op, args)] for call_id, op, args in calls]
        finally:
            _shield(True)

    def _excused_reply(self, guard: Guard, op: str, args: Any) -> tuple[bool, str]:
        started, excused_s = time.perf_counter(), self._running.excused_s
        reply = self._reply(op, args)
        # Without what a function that was called has been excused already.
        waited_s = time.perf_counter() - started - (self._running.excused_s - excused_s)
        self._excuse(guard, waited_s)
        return reply

    def _reply(self, op: str, args: Any) -> tuple[bool, str]:
        try:
            return True, self._calls.answer(op, args)
        except INFRASTRUCTURE_ERRORS:
            raise
        except LivefileError as error:
            return False, refusal_json(error)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # The library never asks like this, but code can have a library of its own.
            _log.debug("%s was asked with %r", op, args, exc_info=True)
            refusal = JavaScriptError(f"{op!s:.100} does not take {args!r:.200} ({error!r:.200})")
            return False, refusal_json(refusal)

    def _result(self, host: HostProcess, frame: Frame) -> Value:
        _, _, is_ok, text, lines, observed = frame
        host.is_spoilt |= observed["spoilt"]
        self._log(lines)
        self._running.has_read_time |= observed["time"]
        if not is_ok:
            raise error_of(text)
        return from_json(text)

    def _log(self, lines: list[list[str]]) -> None:
        for level, text in lines:
            self._running.log.add(level, text)


def run_in_transaction(
    pool: HostPool,
    ctx: QueryCtx,
    code: PushedCode,
    component: str,
    definition: Definition,
    function: tuple[str, str, FunctionKind],
    arguments: Mapping[str, Value],
) -> Value:
    """Run a query or mutation, given as its module's path, name and kind, within a transaction."""
    running = current_call.get()
    assert running is not None  # Whatever runs in a transaction is a call.
    run = TransactionRun(ctx, code, component, definition, running)
    return run.run(pool, *function, arguments)


def _shield(is_shielded: bool) -> bool:
    guard = guard_here()
    return guard is not None and guard.shield(is_shielded)


def refusal_json(error: LivefileError) -> str:
    """Return how a host is told that a call has failed: the message, and a ConvexError's data."""
    refusal: dict[str, Any] = {"message": str(error)}
    if isinstance(error, ConvexError):
        try:
            refusal["data"] = to_wire(normalize(error.data))
        except InvalidValueError as invalid:
            refusal["message"] = f"the data of a ConvexError is no value: {invalid}"
    return orjson.dumps(refusal).decode()


def error_of(text: str) -> JavaScriptError | JavaScriptConvexError:
    """Return the error that a host told of."""
    told = orjson.loads(text)
    if told["data"] is None:
        return JavaScriptError(told["message"])
    return JavaScriptConvexError(mark_integers(from_json(told["data"])), told["message"])

"""``ctx.scheduler``: calling functions later.

From a mutation it is part of the transaction: if that fails, nothing was scheduled. From an action
each call is a transaction of its own.

Not here: running what is due (``workers/scheduler.py``); cron jobs
(``functions/cron_definitions.py``).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ParamSpec, overload

from livefile.functions.app import App
from livefile.functions.awaited_system import AwaitedSystem
from livefile.functions.definition import ActionFunction, Function, MutationFunction
from livefile.functions.job_call import JobCall, job_call, job_call_of_values
from livefile.functions.running import RunningCall, current_call
from livefile.model.validator import TableName
from livefile.model.value import Value
from livefile.system import scheduled_functions
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import SchedulingError, TransactionLimitError
from livefile.vocabulary.limits import (
    FUNCTIONS_SCHEDULED_MAX,
    SCHEDULE_DISTANCE_DAYS_MAX,
    SCHEDULED_ARGUMENTS_SIZE_BYTES_MAX,
)

P = ParamSpec("P")

Delay = float | timedelta
Moment = float | datetime

_DISTANCE_MS_MAX = SCHEDULE_DISTANCE_DAYS_MAX * 24 * 60 * 60 * 1000


class Scheduler:
    """``ctx.scheduler`` of a mutation. Times are in seconds, as everywhere in Python."""

    def __init__(self, transaction: Transaction, app: App) -> None:
        """Take the transaction that it is a part of, and the functions that there are."""
        self._transaction = transaction
        self._app = app

    @overload
    def run_after(
        self,
        delay: Delay,
        function: MutationFunction[P, Any] | ActionFunction[P, Any],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> str: ...
    @overload
    def run_after(self, delay: Delay, function: str, /, **kwargs: Any) -> str: ...
    def run_after(self, delay: Delay, function: Any, /, *args: Any, **kwargs: Any) -> str:
        """Have a mutation or an action called after ``delay``; return the scheduled function's id.

        ``delay`` is a number of seconds or a ``timedelta``; 0 is as soon as this has committed.
        A function in TypeScript is given by its path, and its arguments by keywords.

        Raises:
            SchedulingError: the delay is negative, no number, or more than five years.
            WrongFunctionKindError: it is no mutation and no action.
            ArgumentValidationError: its signature does not accept the arguments.
        """
        return self._schedule(_after(delay), function, args, kwargs)

    @overload
    def run_at(
        self,
        moment: Moment,
        function: MutationFunction[P, Any] | ActionFunction[P, Any],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> str: ...
    @overload
    def run_at(self, moment: Moment, function: str, /, **kwargs: Any) -> str: ...
    def run_at(self, moment: Moment, function: Any, /, *args: Any, **kwargs: Any) -> str:
        """Have a mutation or an action called at ``moment``, at once if that is in the past.

        ``moment`` is a ``datetime`` with a time zone, or seconds since 1970 as ``time.time()`` has
        them. It returns and raises what ``run_after`` does.
        """
        return self._schedule(_at(moment), function, args, kwargs)

    def cancel(self, id: str) -> None:
        """Cancel a scheduled function: if it has not begun, it never will.

        An action that has begun goes on, but what it schedules from then on never runs. On one
        that is over this has no effect.

        Raises:
            InvalidDocumentIdError: the text is no id of a scheduled function.
        """
        scheduled_functions.cancel(self._transaction, id)

    def _schedule(
        self, due: "_Due", function: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        table_name = self._transaction.catalog.table_name
        return self._write(due, job_call(self._app, function, args, kwargs, table_name))

    def run_values_at(
        self, moment: float, function: Function[..., Any], values: dict[str, Value]
    ) -> str:
        """Do what ``run_at`` does for arguments that are values already."""
        table_name = self._transaction.catalog.table_name
        return self._write(_at(moment), job_call_of_values(self._app, function, values, table_name))

    def _write(self, due: "_Due", call: JobCall) -> str:
        running = current_call.get()
        if running is not None:
            _count(running, call.size_bytes)
        return _Order(call, due, _parent_id()).write(self._transaction)


class AwaitedScheduler:
    """``ctx.scheduler`` of an action: the same, each call a transaction of its own."""

    def __init__(self, system: AwaitedSystem, app: App) -> None:
        """Take how to run transactions, and the functions that there are."""
        self._system = system
        self._app = app

    @overload
    async def run_after(
        self,
        delay: Delay,
        function: MutationFunction[P, Any] | ActionFunction[P, Any],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> str: ...
    @overload
    async def run_after(self, delay: Delay, function: str, /, **kwargs: Any) -> str: ...
    async def run_after(self, delay: Delay, function: Any, /, *args: Any, **kwargs: Any) -> str:
        """Have a mutation or an action called after ``delay``; see ``Scheduler.run_after``."""
        return await self._schedule(_after(delay), function, args, kwargs)

    @overload
    async def run_at(
        self,
        moment: Moment,
        function: MutationFunction[P, Any] | ActionFunction[P, Any],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> str: ...
    @overload
    async def run_at(self, moment: Moment, function: str, /, **kwargs: Any) -> str: ...
    async def run_at(self, moment: Moment, function: Any, /, *args: Any, **kwargs: Any) -> str:
        """Have a mutation or an action called at ``moment``; see ``Scheduler.run_at``."""
        return await self._schedule(_at(moment), function, args, kwargs)

    async def cancel(self, id: str) -> None:
        """Cancel a scheduled function; see ``Scheduler.cancel``."""
        await self._system.run("cancel", partial(scheduled_functions.cancel, id=id))

    async def _schedule(
        self, due: "_Due", function: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        # Arguments are looked at here: what an app has in its types may take a while.
        table_name = self._system.read_at_once(_table_name)
        return await self._write(due, job_call(self._app, function, args, kwargs, table_name))

    async def run_values_at(
        self, moment: float, function: Function[..., Any], values: dict[str, Value]
    ) -> str:
        """Do what ``run_at`` does for arguments that are values already."""
        table_name = self._system.read_at_once(_table_name)
        call = job_call_of_values(self._app, function, values, table_name)
        return await self._write(_at(moment), call)

    async def _write(self, due: "_Due", call: JobCall) -> str:
        return await self._system.run("schedule", _Order(call, due, _parent_id()).write)


_Due = Callable[[float], float]
"""Says for a moment when something is due; both in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class _Order:
    """One function that is to be scheduled."""

    call: JobCall
    due: _Due
    parent_id: str | None

    def write(self, transaction: Transaction) -> str:
        """Write it and return the scheduled function's id."""
        now_ms = transaction.now_ns / 1e6
        due_ms = self.due(now_ms)
        if abs(due_ms - now_ms) > _DISTANCE_MS_MAX:
            raise SchedulingError(
                f"{self.call.name} cannot be scheduled for {due_ms / 1000} s after 1970, "
                f"{(due_ms - now_ms) / 1000:.0f} s from now; at most five years are allowed, and "
                "times are in seconds"
            )
        return scheduled_functions.schedule(
            transaction, self.call.name, self.call.args, due_ms, self.parent_id
        )


def _after(delay: Delay) -> _Due:
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    delay_ms = _milliseconds(seconds, "the delay", "a number of seconds or a timedelta")
    if delay_ms < 0:
        raise SchedulingError(f"the delay is {seconds} s; it must not be negative")
    return lambda now_ms: now_ms + delay_ms


def _at(moment: Moment) -> _Due:
    wanted = "a datetime with a time zone, or seconds since 1970"
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise SchedulingError(
                f"the moment is {moment!r}, which has no time zone; want {wanted}"
            )
        moment = moment.timestamp()
    moment_ms = _milliseconds(moment, "the moment", wanted)
    return lambda now_ms: moment_ms


def _milliseconds(seconds: object, what: str, wanted: str) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise SchedulingError(f"{what} is {type(seconds).__name__} {seconds!r}; want {wanted}")
    try:
        milliseconds = float(seconds) * 1000
    except OverflowError:
        milliseconds = math.inf
    if not math.isfinite(milliseconds):
        raise SchedulingError(f"{what} is {seconds!r} s; it must be finite")
    return milliseconds


def _parent_id() -> str | None:
    running = current_call.get()
    return None if running is None else running.parent_job


def _table_name(transaction: Transaction) -> TableName:
    return transaction.catalog.table_name


def _count(running: RunningCall, size_bytes: int) -> None:
    """Add to what a mutation has scheduled.

    Raises:
        TransactionLimitError: it is too much.
    """
    running.scheduled_count += 1
    running.scheduled_size_bytes += size_bytes
    if running.scheduled_count > FUNCTIONS_SCHEDULED_MAX:
        raise TransactionLimitError(
            "TooManyFunctionsScheduled",
            f"Too many functions scheduled by this mutation (limit: {FUNCTIONS_SCHEDULED_MAX})",
        )
    if running.scheduled_size_bytes > SCHEDULED_ARGUMENTS_SIZE_BYTES_MAX:
        raise TransactionLimitError(
            "ScheduledFunctionsArgumentsTooLarge",
            "Too large total size of the arguments of scheduled functions from this mutation "
            f"({running.scheduled_size_bytes} bytes, limit: {SCHEDULED_ARGUMENTS_SIZE_BYTES_MAX} "
            "bytes)",
        )

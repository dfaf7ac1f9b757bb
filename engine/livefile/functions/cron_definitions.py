"""``Crons``: functions that an app has called again and again, at times of the calendar.

Not here: the calendar (``system/cron_schedule.py``); the stored jobs (``system/cron_jobs.py``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from livefile.functions.definition import ActionFunction, Function, MutationFunction
from livefile.functions.schedulable import checked_schedulable
from livefile.system.cron_schedule import DAYS_OF_WEEK, check_expression
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import DefinitionError, WrongFunctionKindError

DayOfWeek = Literal["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
CronFunction = MutationFunction[..., Any] | ActionFunction[..., Any]
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CronDefinition:
    """One cron job as the code declares it. ``schedule`` is the protocol's object."""

    identifier: str
    function: Function[..., Any]
    args: Arguments
    schedule: Document


class Crons:
    """Cron jobs of an app, found in its modules like functions. All times are in UTC.

    Every method declares one job. ``name`` is unique in the app; ``args`` are the function's
    arguments by name. They raise DefinitionError for what cannot be.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.definitions: dict[str, CronDefinition] = {}
        """The jobs by name."""

    def interval(
        self,
        name: str,
        function: CronFunction,
        *,
        seconds: int | None = None,
        minutes: int | None = None,
        hours: int | None = None,
        args: Arguments | None = None,
    ) -> None:
        """Call a function when the code is deployed, and then after each interval.

        Exactly one unit is given, a whole number above zero.
        """
        units = {"seconds": seconds, "minutes": minutes, "hours": hours}
        given = {unit: count for unit, count in units.items() if count is not None}
        if len(given) != 1:
            raise DefinitionError(
                f"cron job {name!r}: want one of seconds, minutes and hours, got "
                f"{' and '.join(given) or 'none'}"
            )
        ((unit, count),) = given.items()
        self._add(name, function, args, "interval", {unit: _whole(name, unit, count, 1, None)})

    def hourly(
        self,
        name: str,
        function: CronFunction,
        *,
        minute_utc: int = 0,
        args: Arguments | None = None,
    ) -> None:
        """Call a function every hour, at this minute."""
        self._add(name, function, args, "hourly", _time(name, minute_utc))

    def daily(
        self,
        name: str,
        function: CronFunction,
        *,
        hour_utc: int,
        minute_utc: int = 0,
        args: Arguments | None = None,
    ) -> None:
        """Call a function every day, at this time."""
        self._add(name, function, args, "daily", _time(name, minute_utc, hour_utc))

    def weekly(
        self,
        name: str,
        function: CronFunction,
        *,
        day_of_week: DayOfWeek,
        hour_utc: int,
        minute_utc: int = 0,
        args: Arguments | None = None,
    ) -> None:
        """Call a function every week, on this day and at this time."""
        if day_of_week not in DAYS_OF_WEEK:
            raise DefinitionError(
                f"cron job {name!r}: day_of_week is {day_of_week!r}, want one of "
                f"{', '.join(DAYS_OF_WEEK)}"
            )
        schedule = {"dayOfWeek": day_of_week, **_time(name, minute_utc, hour_utc)}
        self._add(name, function, args, "weekly", schedule)

    def monthly(
        self,
        name: str,
        function: CronFunction,
        *,
        day: int,
        hour_utc: int,
        minute_utc: int = 0,
        args: Arguments | None = None,
    ) -> None:
        """Call a function every month that has this day, on it and at this time."""
        schedule = {"day": _whole(name, "day", day, 1, 31), **_time(name, minute_utc, hour_utc)}
        self._add(name, function, args, "monthly", schedule)

    def cron(
        self,
        name: str,
        expression: str,
        function: CronFunction,
        *,
        args: Arguments | None = None,
    ) -> None:
        """Call a function at the times of a cron expression: minute, hour, day, month, weekday."""
        try:
            check_expression(expression)
        except DefinitionError as error:
            raise DefinitionError(f"cron job {name!r}: {error}") from error
        self._add(name, function, args, "cron", {"cron": expression})

    def _add(
        self,
        name: str,
        function: object,
        args: Arguments | None,
        kind: str,
        schedule: Document,
    ) -> None:
        if not isinstance(name, str) or not (name and name.isascii() and name.isprintable()):
            raise DefinitionError(f"cron job {name!r}: a name is printable ASCII text")
        if name in self.definitions:
            raise _registered_twice(name)
        try:
            schedulable = checked_schedulable(function)
        except WrongFunctionKindError as error:
            raise DefinitionError(f"cron job {name!r}: {error}") from error
        self.definitions[name] = CronDefinition(
            identifier=name,
            function=schedulable,
            args=dict(args or {}),
            schedule={"type": kind, **schedule},
        )


def find_crons(modules: Iterable[ModuleType]) -> dict[str, CronDefinition]:
    """Return the cron jobs of an app by name.

    Raises:
        DefinitionError: two have one name.
    """
    found = {
        id(thing): thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, Crons)
    }
    definitions: dict[str, CronDefinition] = {}
    for crons in found.values():
        for name, definition in crons.definitions.items():
            if name in definitions:
                raise _registered_twice(name)
            definitions[name] = definition
    return definitions


def _registered_twice(name: str) -> DefinitionError:
    return DefinitionError(f"Cron identifier registered twice: {name}")


def _time(name: str, minute: object, hour: object = None) -> Document:
    schedule: Document = {"minuteUTC": _whole(name, "minute_utc", minute, 0, 59)}
    if hour is not None:
        schedule["hourUTC"] = _whole(name, "hour_utc", hour, 0, 23)
    return schedule


def _whole(name: str, what: str, number: object, least: int, most: int | None) -> float:
    if type(number) is int and least <= number and (most is None or number <= most):
        return float(number)
    wanted = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise DefinitionError(f"cron job {name!r}: {what} is {number!r}, want a whole number {wanted}")

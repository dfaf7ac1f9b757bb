"""When a cron job is due: schedules as the protocol has them, and the calendar.

A schedule is an object such as ``{"type": "daily", "hourUTC": 3.0, "minuteUTC": 0.0}``. All times
are in UTC, which knows no daylight saving; every job runs exactly at its minute, none is spread.

Not here: what runs (``system/cron_jobs.py``); how apps write schedules down
(``functions/cron_definitions.py``).
"""

import math
import re
from typing import cast

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import DefinitionError

DAYS_OF_WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

_MS_PER_UNIT = {"seconds": 1_000, "minutes": 60_000, "hours": 3_600_000}
# The library knows more: random times, times by the hash of a name, and "@daily".
_FIELD = re.compile(r"([0-9*,/?#-]|[a-z]{3}(?![a-z])|l(?![a-z]))+", re.IGNORECASE)


def check_expression(expression: str) -> None:
    """Check that a cron expression has five fields and is due at some time.

    Raises:
        DefinitionError: it is not; the message says why.
    """
    fields = expression.split()
    if len(fields) != 5:
        raise DefinitionError(
            f"cron expression {expression!r} has {len(fields)} fields, want 5: minute, hour, day "
            "of the month, month, day of the week"
        )
    for field in fields:
        if not _FIELD.fullmatch(field):
            raise DefinitionError(f"cron expression {expression!r}: {field!r} is no field")
    try:
        croniter(expression, 0.0).get_next(float)
    except CroniterBadDateError as error:
        raise DefinitionError(f"cron expression {expression!r} is never due") from error
    except CroniterBadCronError as error:
        raise DefinitionError(f"cron expression {expression!r}: {error}") from error


def first_ms(schedule: Document, now_ms: float) -> float:
    """Return when a job is due first that is declared now: at once if it has an interval."""
    return now_ms if schedule["type"] == "interval" else _next_tick_ms(schedule, now_ms)


def next_ms(schedule: Document, due_ms: float, now_ms: float) -> float:
    """Return when a job is due next that was due at ``due_ms`` and has run.

    It is after both ``due_ms`` and now: what was missed is not made up for, and a clock that went
    back lets nothing run twice.
    """
    if schedule["type"] == "interval":
        period_ms = _period_ms(schedule)
        missed_count = math.floor(max(0.0, now_ms - due_ms) / period_ms)
        return due_ms + (missed_count + 1) * period_ms
    return _next_tick_ms(schedule, max(due_ms, now_ms))


def _next_tick_ms(schedule: Document, after_ms: float) -> float:
    expression = _expression(schedule)
    return float(croniter(expression, after_ms // 1000).get_next(float)) * 1000


def _period_ms(schedule: Document) -> int:
    (unit,) = schedule.keys() - {"type"}
    return int(cast(float, schedule[unit])) * _MS_PER_UNIT[unit]


def _expression(schedule: Document) -> str:
    """Return the cron expression that says the same as a schedule by the clock."""
    if schedule["type"] == "cron":
        return cast(str, schedule["cron"])
    minute = int(cast(float, schedule["minuteUTC"]))
    hour = int(cast(float, schedule["hourUTC"])) if "hourUTC" in schedule else "*"
    day = int(cast(float, schedule["day"])) if "day" in schedule else "*"
    weekday: int | str = "*"
    if "dayOfWeek" in schedule:
        weekday = DAYS_OF_WEEK.index(cast(str, schedule["dayOfWeek"]))
    return f"{minute} {hour} {day} * {weekday}"

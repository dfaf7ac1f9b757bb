"""When cron jobs are due, in UTC."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile.system.cron_schedule import check_expression, first_ms, next_ms
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import DefinitionError

DAILY: Document = {"type": "daily", "hourUTC": 3.0, "minuteUTC": 30.0}
WEEKLY: Document = {"type": "weekly", "dayOfWeek": "monday", "hourUTC": 0.0, "minuteUTC": 0.0}
MONTHLY: Document = {"type": "monthly", "day": 31.0, "hourUTC": 12.0, "minuteUTC": 0.0}
HOURLY: Document = {"type": "hourly", "minuteUTC": 59.0}


def ms(*parts: int) -> float:
    year, month, day, hour, minute, second = [*parts, 0, 0, 0][:6]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() * 1000


def cron(expression: str) -> Document:
    return {"type": "cron", "cron": expression}


@pytest.mark.parametrize(
    ("schedule", "now", "due"),
    [
        (HOURLY, (2026, 1, 1, 10, 58), (2026, 1, 1, 10, 59)),
        (HOURLY, (2026, 1, 1, 10, 59), (2026, 1, 1, 11, 59)),
        (DAILY, (2026, 1, 1, 3, 29, 59), (2026, 1, 1, 3, 30)),
        (DAILY, (2026, 1, 1, 3, 30), (2026, 1, 2, 3, 30)),
        # The night in which New York's clocks go forward has 02:30 all the same.
        (cron("30 2 * * *"), (2026, 3, 8, 0, 0), (2026, 3, 8, 2, 30)),
        (WEEKLY, (2026, 1, 1), (2026, 1, 5)),
        (WEEKLY, (2026, 1, 5), (2026, 1, 12)),
        (MONTHLY, (2026, 1, 31, 12), (2026, 3, 31, 12)),
        (MONTHLY, (2026, 12, 1), (2026, 12, 31, 12)),
        (cron("0 0 29 2 *"), (2026, 1, 1), (2028, 2, 29)),
        (cron("*/15 9-17 * * mon-fri"), (2026, 1, 2, 17, 45), (2026, 1, 5, 9, 0)),
        (cron("0 0 * * 0"), (2026, 1, 1), (2026, 1, 4)),
        (cron("0 0 L * *"), (2026, 2, 1), (2026, 2, 28)),
    ],
)
def test_the_next_time_is_that_of_the_calendar(
    schedule: Document, now: tuple[int, ...], due: tuple[int, ...]
) -> None:
    assert first_ms(schedule, ms(*now)) == ms(*due)
    assert next_ms(schedule, ms(*now), ms(*now)) == ms(*due)


def test_an_interval_is_due_at_once_and_then_keeps_its_beat() -> None:
    schedule: Document = {"type": "interval", "minutes": 5.0}
    start = ms(2026, 1, 1)

    assert first_ms(schedule, start) == start
    assert next_ms(schedule, start, start + 10) == start + 300_000
    assert next_ms(schedule, start, start + 299_999) == start + 300_000
    assert next_ms(schedule, start, start + 300_000) == start + 600_000
    assert next_ms(schedule, start, start + 1_000_000) == start + 1_200_000


@given(
    st.sampled_from([HOURLY, DAILY, WEEKLY, MONTHLY, cron("7 */3 * * *")]),
    st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(days=-40), timedelta(days=40)),
)
def test_nothing_is_due_twice_and_nothing_in_the_past(
    schedule: Document, due: datetime, late: timedelta
) -> None:
    due_ms = due.timestamp() * 1000
    now_ms = due_ms + late.total_seconds() * 1000
    found = next_ms(schedule, due_ms, now_ms)

    assert found > max(due_ms, now_ms)
    assert next_ms(schedule, found, found) > found
    # Nothing lies in between: a millisecond before it, it is the next one as well.
    assert next_ms(schedule, due_ms, max(due_ms, found - 1)) == found


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("", "has 0 fields, want 5"),
        ("* * * *", "has 4 fields, want 5"),
        ("* * * * * *", "has 6 fields, want 5"),
        ("@daily", "has 1 fields, want 5"),
        ("60 * * * *", "60 * * * *"),
        ("x * * * *", "'x' is no field"),
        ("R * * * *", "'R' is no field"),
        ("H * * * *", "'H' is no field"),
        ("0 0 30 2 *", "is never due"),
        ("*/0 * * * *", "*/0"),
        ("0 0 * foo *", "foo"),
        ("; * * * *", "';' is no field"),
    ],
)
def test_an_expression_that_cannot_be_is_refused(expression: str, text: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        check_expression(expression)

    assert text in str(refused.value)
    assert repr(expression) in str(refused.value)

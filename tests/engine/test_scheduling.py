"""``ctx.scheduler``: what is written when a function is scheduled, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile.vocabulary.limits import FUNCTIONS_SCHEDULED_MAX
from tests.scheduled_app import ScheduledApp
from tests.stepped_app import message_of

ATTEMPTS = """
    import math
    from datetime import UTC, timedelta
    import time

    class Envelope(Table, name="envelopes"):
        body: str

    @query
    def look(ctx: QueryCtx) -> None: ...

    @mutation
    def try_delay(ctx: MutationCtx, case: str) -> str:
        delays: dict[str, Any] = {
            "negative": -0.001,
            "timedelta": -timedelta(seconds=1),
            "nan": math.nan,
            "infinite": math.inf,
            "text": "soon",
            "bool": True,
            "far": 6 * 366 * 24 * 3600,
            "huge": 10**400,
        }
        return ctx.scheduler.run_after(delays[case], note, text="x")

    @mutation
    def try_moment(ctx: MutationCtx, case: str) -> str:
        moments: dict[str, Any] = {
            "naive": datetime.datetime(2024, 1, 1),
            "milliseconds": time.time() * 1000,
            "long ago": 0,
            "text": "noon",
        }
        return ctx.scheduler.run_at(moments[case], note, text="x")

    @mutation
    def try_function(ctx: MutationCtx, case: str) -> str:
        functions: dict[str, Any] = {"query": look, "number": 7, "lambda": lambda: 0}
        return ctx.scheduler.run_after(0, functions[case])

    @mutation
    def try_args(ctx: MutationCtx, case: str) -> str:
        kwargs: dict[str, Any] = {
            "missing": {},
            "surplus": {"text": "x", "more": 1},
            "wrong": {"text": 3},
            "large": {"text": "x" * (1 << 20)},
        }[case]
        return ctx.scheduler.run_after(0, note, **kwargs)

    @mutation
    def try_deep(ctx: MutationCtx) -> str:
        deep: Any = []
        for _ in range(20):
            deep = [deep]
        return ctx.scheduler.run_after(0, note_anything, anything=deep)

    @mutation
    def note_anything(ctx: MutationCtx, anything: Any) -> None: ...

    @mutation
    def at_moments(ctx: MutationCtx) -> list[str]:
        noon = datetime.datetime(2023, 11, 14, 22, 14, 0, tzinfo=UTC)
        return [
            ctx.scheduler.run_at(noon, note, text="noon"),
            ctx.scheduler.run_at(noon.timestamp() + 1.5, note, "a second and a half later"),
            ctx.scheduler.run_after(timedelta(minutes=2), note, "two minutes from now"),
            ctx.scheduler.run_at(time.time() - 60, note, "a minute ago"),
        ]

    @mutation
    def schedule_and_fail(ctx: MutationCtx) -> None:
        ctx.scheduler.run_after(0, note, text="never")
        raise ConvexError("changed my mind")

    @internal.mutation
    def part(ctx: MutationCtx) -> None:
        ctx.scheduler.run_after(0, note, text="of the part")
        raise ConvexError("no")

    @mutation
    def schedule_in_a_part_that_fails(ctx: MutationCtx) -> None:
        ctx.scheduler.run_after(0, note, text="of the whole")
        try:
            ctx.run_mutation(part)
        except ConvexError:
            pass

    @mutation
    def schedule_many(ctx: MutationCtx, count: int, size: int = 1) -> None:
        for _ in range(count):
            ctx.scheduler.run_after(60, note, text="x" * size)

    @mutation
    def add_envelope(ctx: MutationCtx) -> Id[Envelope]:
        return ctx.db.insert(Envelope(body=""))

    @mutation
    def delete_job(ctx: MutationCtx, id: str) -> None:
        ctx.db.delete(Id(id))
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[ScheduledApp]:
    with ScheduledApp(tmp_path, ATTEMPTS) as opened:
        yield opened


def test_what_is_scheduled_is_a_document_with_the_fields_of_the_protocol(
    app: ScheduledApp,
) -> None:
    now_ms = app.clock.now_ns() / 1e6
    id = app.do("note_later", text="milk", delay=90)

    (job,) = app.ask("jobs")
    assert job.pop("_id") == id
    assert job.pop("_creationTime") >= now_ms
    assert job == {
        "name": "diary.js:note",
        "args": [{"text": "milk"}],
        "scheduledTime": pytest.approx(now_ms + 90_000, abs=1),
        "state": {"kind": "pending"},
    }


def test_moments_are_seconds_or_datetimes_and_keep_their_time_when_they_are_past(
    app: ScheduledApp,
) -> None:
    now_ms = app.clock.now_ns() / 1e6  # 2023-11-14 22:13:20 UTC
    app.do("at_moments")

    due = [job["scheduledTime"] - now_ms for job in app.ask("jobs")]
    assert due == pytest.approx([40_000, 41_500, 120_000, -60_000], abs=1)


def test_a_mutation_that_fails_schedules_nothing(app: ScheduledApp) -> None:
    app.attempt("schedule_and_fail")
    app.settle()

    assert app.ask("jobs") == []


def test_a_part_that_fails_takes_only_its_own_back(app: ScheduledApp) -> None:
    app.do("schedule_in_a_part_that_fails")
    app.settle()

    assert app.entries == ["of the whole"]


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("negative", "the delay is -0.001 s; it must not be negative"),
        ("timedelta", "the delay is -1.0 s; it must not be negative"),
        ("nan", "the delay is nan s; it must be finite"),
        ("infinite", "the delay is inf s; it must be finite"),
        ("text", "the delay is str 'soon'; want a number of seconds or a timedelta"),
        ("bool", "the delay is bool True; want a number of seconds or a timedelta"),
        ("far", "189734400 s from now; at most five years are allowed, and times are in seconds"),
        ("huge", "it must be finite"),
    ],
)
def test_a_delay_that_cannot_be_is_refused(app: ScheduledApp, case: str, text: str) -> None:
    outcome = app.attempt("try_delay", case=case)

    assert "SchedulingError" in message_of(outcome)
    assert text in message_of(outcome)
    assert app.ask("jobs") == []


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("naive", "is datetime.datetime(2024, 1, 1, 0, 0), which has no time zone; want"),
        ("milliseconds", "at most five years are allowed, and times are in seconds"),
        ("long ago", "-1700000000 s from now; at most five years"),
        ("text", "the moment is str 'noon'; want a datetime with a time zone, or seconds"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(app: ScheduledApp, case: str, text: str) -> None:
    assert text in message_of(app.attempt("try_moment", case=case))


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("query", "got look, which is defined as Query."),
        ("number", "got int 7."),
        ("lambda", "got function <function"),
    ],
)
def test_only_mutations_and_actions_can_be_scheduled(
    app: ScheduledApp, case: str, text: str
) -> None:
    message = message_of(app.attempt("try_function", case=case))

    assert "only a mutation or an action of the app can be scheduled" in message
    assert text in message


def test_a_function_of_another_app_cannot_be_scheduled(app: ScheduledApp, tmp_path: Path) -> None:
    with ScheduledApp(tmp_path, "\n    def stray(ctx: MutationCtx) -> None: ...\n") as other:
        app.module["note"] = type(other.module["note"])(
            other.module["stray"], None, is_internal=False
        )
        message = message_of(app.attempt("note_later", text="x"))

    assert f"diary.stray is no function of app {app.app.name}" in message


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("missing", "Object is missing the required field `text`"),
        ("surplus", "note has no argument 'more'; it has text"),
        ("wrong", "note, argument text"),
        (
            "large",
            "the arguments of note are too large to be scheduled: 1.00 MiB, want 960 KiB at most",
        ),
    ],
)
def test_arguments_are_checked_when_they_are_scheduled(
    app: ScheduledApp, case: str, text: str
) -> None:
    assert text in message_of(app.attempt("try_args", case=case))


def test_arguments_too_deep_for_a_document_are_refused(app: ScheduledApp) -> None:
    assert "the arguments of note_anything: Document is too nested" in message_of(
        app.attempt("try_deep")
    )


def test_a_mutation_schedules_so_many_functions_and_no_more(app: ScheduledApp) -> None:
    over = app.attempt("schedule_many", count=FUNCTIONS_SCHEDULED_MAX + 1)
    assert "Too many functions scheduled by this mutation (limit: 1000)" in message_of(over)
    assert app.ask("jobs") == []

    app.do("schedule_many", count=FUNCTIONS_SCHEDULED_MAX)
    assert len(app.ask("jobs")) == FUNCTIONS_SCHEDULED_MAX


def test_the_arguments_of_a_mutation_have_a_size_together(app: ScheduledApp) -> None:
    outcome = app.attempt("schedule_many", count=30, size=900_000)

    assert "Too large total size of the arguments of scheduled functions" in message_of(outcome)


@pytest.mark.parametrize("id", ["", "nonsense", "another table's"])
def test_an_id_of_something_else_cannot_be_cancelled(app: ScheduledApp, id: str) -> None:
    if id == "another table's":
        id = app.do("add_envelope")

    assert "Invalid scheduled function ID. The ID must be an ID on the" in message_of(
        app.attempt("cancel", id=id)
    )


def test_apps_cannot_write_what_is_scheduled(app: ScheduledApp) -> None:
    id = app.do("note_later", text="x", delay=60)

    assert "which only Livefile itself writes" in message_of(app.attempt("delete_job", id=id))

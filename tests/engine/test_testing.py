"""The test kit: what an app's authors write their tests with."""

import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from livefile import Livefile, MutationCtx, MutationFunction
from livefile.testing import AppTester, open_app
from tests.app_folder import write_app

SOURCE = """
    import time
    from livefile import *

    class Note(Table, name="notes"):
        body: str
        author: str | None = None

    @mutation
    def add(ctx: MutationCtx, body: str) -> Id[Note]:
        user = ctx.auth.get_user_identity()
        return ctx.db.insert(Note(body=body, author=user and user["name"]))

    @internal.mutation
    def stamp(ctx: MutationCtx) -> None:
        ctx.db.insert(Note(body=f"{time.time():.0f}"))

    @mutation
    def stamp_later(ctx: MutationCtx, delays: list[float]) -> None:
        for delay in delays:
            ctx.scheduler.run_after(delay, stamp)

    @action
    async def slowly(ctx: ActionCtx, body: str) -> None:
        await ctx.run_mutation(add, body=body)

    @mutation
    def act_later(ctx: MutationCtx, delay: float) -> None:
        ctx.scheduler.run_after(delay, slowly, body="acted")

    @query
    def bodies(ctx: QueryCtx) -> list[str]:
        return [note.body for note in ctx.db.query(Note)]

    @query
    def authors(ctx: QueryCtx) -> list[str | None]:
        return [note.author for note in ctx.db.query(Note)]
"""
CRONS = """
    from livefile import Crons
    from . import notes

    crons = Crons()
    crons.hourly("stamp", notes.stamp, minute_utc=0)
"""
NOON_MS = 1_700_049_600_000.0  # 2023-11-15 12:00 UTC.


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_app(tmp_path_factory.mktemp("kit") / "diary", {"notes": SOURCE})


@pytest.fixture
def app(folder: Path) -> Iterator[AppTester]:
    with open_app(folder, now_ms=NOON_MS) as opened:
        yield opened


def test_calls_have_no_identity_but_inside_of_as_identity(app: AppTester) -> None:
    app.mutation("notes:add", body="nobody's")
    with app.as_identity("ada", name="Ada"):
        app.mutation("notes:add", body="Ada's")
        with app.as_identity("bob", name="Bob"):
            app.mutation("notes:add", body="Bob's")
        app.mutation("notes:add", body="Ada's again")

    assert app.query("notes:authors") == [None, "Ada", "Bob", "Ada"]


def test_what_is_scheduled_runs_at_its_time_when_the_clock_gets_there(app: AppTester) -> None:
    app.mutation("notes:stamp_later", delays=[90.0, 30.0, 3600.0])
    assert app.query("notes:bodies") == []

    app.advance_time(minutes=2)

    noon = NOON_MS / 1000
    assert app.query("notes:bodies") == [f"{noon + 30:.0f}", f"{noon + 90:.0f}"]
    app.advance_time(timedelta(hours=1))
    assert len(app.query("notes:bodies")) == 3
    assert app.clock.now_ns() == (NOON_MS + 2 * 60_000 + 3_600_000) * 1e6


def test_actions_that_are_due_have_ended_when_the_time_has_passed(app: AppTester) -> None:
    app.mutation("notes:act_later", delay=5.0)

    app.advance_time(seconds=5)

    assert app.query("notes:bodies") == ["acted"]
    app.action("notes:slowly", body="now")
    assert app.query("notes:bodies") == ["acted", "now"]


def test_crons_run_on_the_way(tmp_path: Path) -> None:
    folder = write_app(tmp_path / "hourly", {"notes": SOURCE, "crons": CRONS})
    with open_app(folder, now_ms=NOON_MS + 60_000) as app:
        app.advance_time(hours=3)

        assert len(app.query("notes:bodies")) == 3


def test_a_piece_of_a_test_reads_and_writes_and_calls(app: AppTester) -> None:
    add = app.app.functions["notes:add"]
    assert isinstance(add, MutationFunction)

    def piece(ctx: MutationCtx) -> str:
        id: str = ctx.run_mutation(add, body="inline")
        return id

    id = app.run(piece)

    document = app.run(lambda ctx: ctx.db.table("notes").get(id))
    assert document is not None
    assert document["body"] == "inline"


def test_two_runs_have_the_same_ids(folder: Path) -> None:
    ids = []
    for _ in range(2):
        with open_app(folder, now_ms=NOON_MS) as app:
            ids.append(app.mutation("notes:add", body="x"))

    assert ids[0] == ids[1]


def test_watching_is_as_in_a_served_app(app: AppTester) -> None:
    assert isinstance(app, Livefile)
    watch = app.watch("notes:bodies")
    seen = [next(iter(watch))]
    app.mutation("notes:add", body="one")
    seen.append(next(iter(watch)))

    assert seen == [[], ["one"]]


TESTS = """
    def test_a_note(livefile):
        livefile.mutation("notes:add", body="kept")
        assert livefile.query("notes:bodies") == ["kept"]

    def test_a_new_one_for_every_test(livefile):
        assert livefile.query("notes:bodies") == []
"""


PLUGIN = 'pytest_plugins = ["livefile.testing_fixture"]'


def test_the_fixture_lends_the_app_in_memory(pytester: pytest.Pytester) -> None:
    write_app(pytester.path / "journal", {"notes": SOURCE})
    pytester.makeini("[pytest]\nlivefile_app = journal\n")
    pytester.makeconftest(PLUGIN)
    pytester.makepyfile(textwrap.dedent(TESTS))

    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_the_fixture_says_what_it_lacks(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(PLUGIN)
    pytester.makepyfile("def test_a(livefile): pass")

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*set livefile_app in pytest's configuration*"])

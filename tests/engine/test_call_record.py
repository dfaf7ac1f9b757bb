from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import ADMIN, CallRecord, FunctionKind, Identity, IdentityKind
from tests.slow_app import rest
from tests.stepped_app import SteppedApp, value_of

APP = """
    from livefile import *

    class Note(Table, name="notes"):
        text: str

    @query
    def all(ctx: QueryCtx) -> list[str]:
        return [note.text for note in ctx.db.query(Note)]

    @mutation
    def add(ctx: MutationCtx, text: str) -> int:
        print("adding")
        ctx.db.insert(Note(text=text))
        return len(list(ctx.db.query(Note)))

    @mutation
    def add_slowly(ctx: MutationCtx, text: str) -> int:
        count = len(list(ctx.db.query(Note)))
        ctx.db.insert(Note(text=text))
        return count

    @mutation
    def fail(ctx: MutationCtx) -> None:
        ctx.db.insert(Note(text="lost"))
        raise ValueError("no")

    @mutation
    def add_twice(ctx: MutationCtx, text: str) -> None:
        ctx.run_mutation(add, text=text)
        ctx.run_mutation(add, text=text)
"""
USER = Identity(attributes={"tokenIdentifier": "i|s", "subject": "s", "issuer": "i"})


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"demo": APP}) as opened:
        yield opened


@pytest.fixture
def records(app: SteppedApp) -> list[CallRecord]:
    """All that is told of calls, those from the cache included."""
    found: list[CallRecord] = []
    app.livefile.observe_calls(found.append)
    return found


def test_a_record_says_what_a_call_read_and_wrote(
    app: SteppedApp, records: list[CallRecord]
) -> None:
    app.mutate("demo:add", text="a" * 1000)
    app.mutate("demo:add", text="b")
    app.query("demo:all")
    first, second, query = records

    assert (first.path, first.kind) == ("demo:add", FunctionKind.MUTATION)
    assert first.log_lines == ("[LOG] adding",)
    assert (first.documents_written, second.documents_written) == (1, 1)
    assert first.bytes_written > 1000 > second.bytes_written > 0
    assert (second.documents_read, query.documents_read) == (1, 2)
    assert second.bytes_read > 1000
    assert query.bytes_read > second.bytes_read
    assert (query.documents_written, query.bytes_written) == (0, 0)
    assert query.result_bytes > 1000
    assert first.result_bytes == len(b"1.0")
    assert all(record.duration_ms > 0 for record in records)


def test_what_is_called_inside_belongs_to_the_caller(
    app: SteppedApp, records: list[CallRecord]
) -> None:
    app.mutate("demo:add_twice", text="a")
    (record,) = records

    assert (record.path, record.documents_written) == ("demo:add_twice", 2)
    assert record.log_lines == ("[LOG] adding", "[LOG] adding")


def test_a_failure_has_its_whole_text(app: SteppedApp, records: list[CallRecord]) -> None:
    app.mutate("demo:fail")
    (record,) = records

    assert record.error is not None
    assert "Uncaught ValueError: no" in record.error
    assert record.result_bytes == 0


def test_a_query_from_the_cache_is_told_without_figures(
    app: SteppedApp, records: list[CallRecord]
) -> None:
    app.mutate("demo:add", text="a")
    app.query("demo:all")
    app.query("demo:all")
    _, run, cached = records

    assert (run.is_cached, cached.is_cached) == (False, True)
    assert (cached.path, cached.kind) == ("demo:all", FunctionKind.QUERY)
    assert (cached.duration_ms, cached.documents_read) == (0.0, 0)
    assert cached.result_bytes == run.result_bytes
    assert cached.started_ns == app.clock.now_ns()


def test_a_moment_is_the_one_that_the_function_saw(
    app: SteppedApp, records: list[CallRecord]
) -> None:
    app.clock.advance_ms(5_000)
    app.mutate("demo:add", text="a")

    assert records[0].started_ns == app.clock.now_ns()


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (Identity(), IdentityKind.NOBODY),
        (USER, IdentityKind.USER),
        (ADMIN, IdentityKind.ADMIN),
        (Identity(attributes=USER.attributes, is_admin=True), IdentityKind.ADMIN_AS_USER),
    ],
)
def test_who_called_is_told_by_kind(
    app: SteppedApp, records: list[CallRecord], identity: Identity, kind: IdentityKind
) -> None:
    app.query("demo:all", identity=identity)

    assert records[0].identity_kind is kind


def test_a_mutation_that_met_conflicts_is_told_of_once(
    app: SteppedApp, records: list[CallRecord]
) -> None:
    app.livefile._lane.note_slow("demo:add_slowly")
    answers = app.submit(None, "demo:add_slowly", {"text": "slow"})
    app.step()  # It waits in the lane now. Each step runs it, then the one that overtakes it.
    for _ in range(2):
        app.submit(None, "demo:add", {"text": "quick"})
        app.step()
    rest(app)
    told = [record for record in records if record.path == "demo:add_slowly"]

    assert value_of(answers[0]) == 2
    assert [record.retries for record in told] == [2]
    assert app.livefile.figures().conflicts == 2


def test_an_observer_can_be_dismissed(app: SteppedApp) -> None:
    found: list[CallRecord] = []
    dismiss = app.livefile.observe_calls(found.append)
    app.query("demo:all")
    dismiss()
    app.query("demo:all")

    assert len(found) == 1

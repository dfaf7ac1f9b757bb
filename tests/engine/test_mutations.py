from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from livefile import (
    App,
    Call,
    DiskFullError,
    Failure,
    FunctionKind,
    Livefile,
    LivefileError,
    ManualClock,
    Outcome,
    OverloadedError,
    RequestKey,
    Success,
)
from livefile.vocabulary.limits import CONFLICT_RETRIES_MAX
from tests.app_folder import write_app
from tests.integrity import check_integrity
from tests.stepped_app import SteppedApp, message_of, outcome_of, success_of, value_of, values

BANK = """
    import random
    import threading
    from livefile import *

    class Account(Table, name="accounts"):
        owner: str
        balance: int = 0
        by_owner = index("owner")

    is_reading = threading.Event()
    may_write = threading.Event()
    attempts = []

    def account_of(ctx: QueryCtx, owner: str) -> Account | None:
        return ctx.db.query(Account.by_owner.eq(owner=owner)).unique()

    @mutation
    def add(ctx: MutationCtx, owner: str, amount: int) -> int:
        account = account_of(ctx, owner)
        print("adding", amount)
        if account is None:
            ctx.db.insert(Account(owner=owner, balance=amount))
            return amount
        ctx.db.patch(account.id, balance=account.balance + amount)
        return account.balance + amount

    @mutation
    def add_and_fail(ctx: MutationCtx, owner: str) -> None:
        ctx.run_mutation(add, owner=owner, amount=1000)
        raise ConvexError("changed my mind")

    @mutation
    def add_slowly(ctx: MutationCtx, owner: str, amount: int) -> int:
        account = account_of(ctx, owner)
        before = 0 if account is None else account.balance
        attempts.append(before)
        is_reading.set()
        may_write.wait()
        return ctx.run_mutation(add, owner=owner, amount=amount)

    reached = threading.Semaphore(0)
    may_go_on = threading.Semaphore(0)

    @mutation
    def add_contended(ctx: MutationCtx, owner: str, amount: int) -> int:
        account_of(ctx, owner)
        thread = threading.current_thread().name
        attempts.append(thread)
        if thread != "livefile-engine":
            reached.release()
            may_go_on.acquire()
        return ctx.run_mutation(add, owner=owner, amount=amount)

    @mutation
    def note(ctx: MutationCtx, table: str) -> str:
        return ctx.db.table(table).insert({"a": 1})

    @mutation
    def throw(ctx: MutationCtx) -> float:
        return random.random()

    @mutation
    def fill(ctx: MutationCtx, size: int) -> None:
        ctx.db.table("blobs").insert({"data": bytes(size)})

    @query
    def balance(ctx: QueryCtx, owner: str) -> int:
        account = account_of(ctx, owner)
        return 0 if account is None else account.balance
"""


def key_of(number: int, session: str = "session") -> RequestKey:
    return RequestKey(session_id=session, request_number=number)


# --- Exactly once -----------------------------------------------------------------------------


def test_a_repeated_request_gets_the_same_answer_and_changes_nothing(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as app:
        first = app.mutate("bank:add", request_key=key_of(1), owner="a", amount=5)
        app.mutate("bank:add", request_key=key_of(2), owner="a", amount=1)
        again = app.mutate("bank:add", request_key=key_of(1), owner="a", amount=5)

        assert again == first
        assert success_of(again).ts == success_of(first).ts
        assert again.log_lines == ("[LOG] adding 5",)
        assert value_of(app.query("bank:balance", owner="a")) == 6


def test_a_request_repeated_after_a_restart_is_known(tmp_path: Path) -> None:
    file = tmp_path / "bank.db"
    with SteppedApp(tmp_path, {"bank": BANK}, path=file) as app:
        first = app.mutate("bank:add", request_key=key_of(1), owner="a", amount=5)
    with SteppedApp(tmp_path, {"bank": BANK}, path=file) as app:
        again = app.mutate("bank:add", request_key=key_of(1), owner="a", amount=5)

        assert again == first
        assert success_of(again).ts == success_of(first).ts
        assert value_of(app.query("bank:balance", owner="a")) == 5


def test_a_request_repeated_in_the_same_group_is_run_once(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as app:
        answers = [
            app.submit(
                FunctionKind.MUTATION,
                "bank:add",
                {"owner": "a", "amount": 5},
                request_key=key_of(1),
            )
            for _ in range(3)
        ]
        app.step()

        assert {success_of(outcome_of(answer)).ts for answer in answers} == {app.livefile.latest_ts}
        assert value_of(app.query("bank:balance", owner="a")) == 5


def test_equal_numbers_of_two_sessions_are_two_requests(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as app:
        for session in ("one", "two"):
            app.mutate("bank:add", request_key=key_of(1, session), owner="a", amount=5)

        assert value_of(app.query("bank:balance", owner="a")) == 10


def test_a_failed_request_is_not_recorded_and_may_be_tried_again(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as app:
        assert isinstance(
            app.mutate("bank:add_and_fail", request_key=key_of(1), owner="a"), Failure
        )
        again = app.mutate("bank:add", request_key=key_of(1), owner="a", amount=5)

        assert value_of(again) == 5


def test_a_call_without_a_request_key_is_run_each_time(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as app:
        for _ in range(3):
            app.mutate("bank:add", owner="a", amount=5)

        assert value_of(app.query("bank:balance", owner="a")) == 15


# --- Groups -----------------------------------------------------------------------------------


def submit_all(
    app: SteppedApp, *calls: tuple[str, dict[str, Any]]
) -> list[list[Outcome | LivefileError]]:
    return [app.submit(FunctionKind.MUTATION, path, args) for path, args in calls]


def test_mutations_run_in_order_and_each_sees_the_ones_before(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as app:
        answers = submit_all(
            app, *(("bank:add", {"owner": "a", "amount": amount}) for amount in range(1, 6))
        )
        app.step()
        outcomes = [outcome_of(answer) for answer in answers]

        assert [value_of(outcome) for outcome in outcomes] == [1, 3, 6, 10, 15]
        timestamps = [success_of(outcome).ts for outcome in outcomes]
        assert timestamps == sorted(set(timestamps))


def test_a_failure_in_a_group_takes_nothing_from_the_others(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as app:
        answers = submit_all(
            app,
            ("bank:add", {"owner": "a", "amount": 1}),
            ("bank:add_and_fail", {"owner": "a"}),
            ("bank:unknown", {}),
            ("bank:add", {"owner": "a", "amount": "many"}),
            ("bank:add", {"owner": "a", "amount": 2}),
        )
        app.step()
        outcomes = [outcome_of(answer) for answer in answers]

        assert [isinstance(outcome, Success) for outcome in outcomes] == [
            True,
            False,
            False,
            False,
            True,
        ]
        assert value_of(outcomes[-1]) == 3
        assert message_of(outcomes[1]).startswith("Uncaught ConvexError: changed my mind")


def test_an_answer_comes_when_its_group_is_durable_and_before_it_is_published(
    tmp_path: Path,
) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}, path=tmp_path / "bank.db") as app:
        heard: list[tuple[int, int]] = []

        def done(outcome: Outcome | LivefileError) -> None:
            with app.livefile._database._connections.read() as connection:
                durable_ts = connection.execute("SELECT max(ts) FROM commits").get
            heard.append((durable_ts, app.livefile.latest_ts))

        before = app.livefile.latest_ts
        for _ in range(3):
            args = values({"owner": "a", "amount": 1})
            app.livefile.submit(Call(path="bank:add", args=args), FunctionKind.MUTATION, done)
        app.step()

        assert heard == [(app.livefile.latest_ts, before)] * 3


def test_a_full_disk_fails_the_whole_group_and_later_ones_work(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}, path=tmp_path / "bank.db") as app:
        app.mutate("bank:add", owner="a", amount=1)
        writer = app.livefile._database._connections.writer
        pages = writer.execute("PRAGMA page_count").get
        writer.execute(f"PRAGMA max_page_count = {pages}")
        answers = submit_all(
            app,
            ("bank:add", {"owner": "a", "amount": 1}),
            ("bank:fill", {"size": 900_000}),
            ("bank:add", {"owner": "a", "amount": 1}),
        )
        app.step()
        assert [type(answer) for (answer,) in answers] == [DiskFullError] * 3
        assert value_of(app.query("bank:balance", owner="a")) == 1
        writer.execute("PRAGMA max_page_count = 1000000")

        assert value_of(app.mutate("bank:add", owner="a", amount=2)) == 3
        check_integrity(app.livefile._database)


def test_too_many_waiting_mutations_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefile.functions.mutations.MUTATIONS_QUEUED_MAX", 3)
    with SteppedApp(tmp_path, {"bank": BANK}) as app:
        calls = [("bank:add", {"owner": "a", "amount": 1})] * 3
        answers = submit_all(app, *calls)
        with pytest.raises(OverloadedError) as raised:
            submit_all(app, calls[0])
        app.step()

        assert raised.value.code == "TooManyConcurrentMutations"
        assert all(len(answer) == 1 for answer in answers)


def test_a_mutation_without_writes_has_the_timestamp_that_it_saw(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as app:
        written = success_of(app.mutate("bank:add", owner="a", amount=1))
        thrown = success_of(app.mutate("bank:throw"))

        assert thrown.ts == written.ts == app.livefile.latest_ts


# --- On snapshots -----------------------------------------------------------------------------


class Bank:
    """A deployment with threads whose slow mutation stops in the middle."""

    def __init__(self, folder: Path) -> None:
        app = App.load(write_app(folder, {"bank": BANK}))
        names = app.functions["bank:add_slowly"].body.__globals__
        self.is_reading: Event = names["is_reading"]
        self.may_write: Event = names["may_write"]
        self.attempts: list[int] = names["attempts"]
        self.livefile = Livefile.open(":memory:", app, clock=ManualClock(), seed=1)

    def add_slowly(self, meanwhile: Callable[[], object]) -> object:
        """Run the slow mutation on a snapshot; ``meanwhile`` happens after its first read."""
        results: list[object] = []

        def run() -> None:
            path = "bank:add_slowly"
            results.append(self.livefile.mutation_on_snapshot(path, owner="a", amount=10))

        thread = Thread(target=run)
        thread.start()
        self.is_reading.wait()
        meanwhile()
        self.may_write.set()
        thread.join()
        (result,) = results
        return result


def test_a_mutation_on_a_snapshot_commits_if_nothing_it_read_has_changed(tmp_path: Path) -> None:
    bank = Bank(tmp_path)
    with bank.livefile as livefile:
        result = bank.add_slowly(lambda: livefile.mutation("bank:add", owner="b", amount=1))

        assert result == 10
        assert bank.attempts == [0]


def test_a_mutation_on_a_snapshot_is_run_again_if_what_it_read_has_changed(
    tmp_path: Path,
) -> None:
    bank = Bank(tmp_path)
    with bank.livefile as livefile:
        result = bank.add_slowly(lambda: livefile.mutation("bank:add", owner="a", amount=1))

        assert result == 11
        assert bank.attempts == [0, 1]
        assert livefile.query("bank:balance", owner="a") == 11


def test_others_do_not_wait_for_a_mutation_on_a_snapshot(tmp_path: Path) -> None:
    bank = Bank(tmp_path)
    balances: list[int] = []
    with bank.livefile as livefile:

        def meanwhile() -> None:
            livefile.mutation("bank:add", owner="b", amount=3)
            balances.append(livefile.query("bank:balance", owner="b"))

        bank.add_slowly(meanwhile)

    assert balances == [3]


def test_a_mutation_that_loses_again_and_again_runs_at_the_head(tmp_path: Path) -> None:
    app = App.load(write_app(tmp_path, {"bank": BANK}))
    names = app.functions["bank:add"].body.__globals__
    with Livefile.open(":memory:", app) as livefile:

        def overtake() -> None:
            for _ in range(CONFLICT_RETRIES_MAX):
                names["reached"].acquire()
                livefile.mutation("bank:add", owner="a", amount=1)
                names["may_go_on"].release()

        rival = Thread(target=overtake)
        rival.start()
        result = livefile.mutation_on_snapshot("bank:add_contended", owner="a", amount=10)
        rival.join()

    assert result == 10 + CONFLICT_RETRIES_MAX
    assert names["attempts"] == ["MainThread"] * CONFLICT_RETRIES_MAX + ["livefile-engine"]


def test_a_failure_on_a_snapshot_is_the_answer(tmp_path: Path) -> None:
    bank = Bank(tmp_path)
    with bank.livefile as livefile, pytest.raises(LivefileError, match="changed my mind"):
        livefile.mutation_on_snapshot("bank:add_and_fail", owner="a")


def test_a_table_is_made_at_the_head_even_if_the_call_begins_on_a_snapshot(
    tmp_path: Path,
) -> None:
    bank = Bank(tmp_path)
    with bank.livefile as livefile:
        assert livefile.mutation_on_snapshot("bank:note", table="new")

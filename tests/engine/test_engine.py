import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Semaphore, Thread
from typing import Any

import pytest

from livefile import (
    ANONYMOUS,
    App,
    Call,
    ConvexError,
    FileError,
    FunctionError,
    FunctionKind,
    FunctionNotFoundError,
    Livefile,
    LivefileError,
    LogTrimmedError,
    Outcome,
    SealedError,
)
from livefile.model.document_id import decode_document_id, encode_document_id
from tests.app_folder import write_app
from tests.stepped_app import SteppedApp, success_of, value_of, values

BANK = """
    import asyncio
    import threading
    from livefile import *

    class Account(Table, name="accounts"):
        owner: str
        balance: int
        by_owner = index("owner")

    deployments = []
    is_blocking, may_go_on = threading.Event(), threading.Event()

    @mutation
    def open_account(ctx: MutationCtx, owner: str, balance: int = 0) -> Id[Account]:
        return ctx.db.insert(Account(owner=owner, balance=balance))

    @mutation
    def move(ctx: MutationCtx, source: Id[Account], target: Id[Account], amount: int) -> None:
        for id, change in ((source, -amount), (target, amount)):
            account = ctx.db.get(id)
            if account is None:
                raise ConvexError({"missing": id})
            ctx.db.patch(id, balance=account.balance + change)

    @query
    def get(ctx: QueryCtx, id: Id[Account]) -> Account | None:
        return ctx.db.get(id)

    @query
    def total(ctx: QueryCtx) -> int:
        return sum(account.balance for account in ctx.db.query(Account))

    @query
    def balance(ctx: QueryCtx, owner: str) -> int | None:
        account = ctx.db.query(Account.by_owner.eq(owner=owner)).unique()
        return None if account is None else account.balance

    @query
    def fail(ctx: QueryCtx) -> None:
        raise ValueError("failed")

    @query
    def call_from_outside(ctx: QueryCtx) -> int:
        return deployments[0].query("bank:total")

    @mutation
    def watch_from_outside(ctx: MutationCtx) -> None:
        deployments[0].watch("bank:total")

    @action
    async def act_from_outside(ctx: ActionCtx) -> None:
        deployments[0].action("bank:act_in_a_thread")  # Would wait for itself.

    @action
    async def act_in_a_thread(ctx: ActionCtx) -> int:
        return await asyncio.to_thread(deployments[0].query, "bank:total")

    @mutation
    def block(ctx: MutationCtx) -> str:
        is_blocking.set()
        may_go_on.wait()
        return "done"
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App.load(write_app(tmp_path, {"bank": BANK}))


@pytest.fixture
def bank(app: App) -> Iterator[Livefile]:
    with Livefile.open(":memory:", app) as livefile:
        yield livefile


def names_of(app: App) -> dict[str, Any]:
    return app.functions["bank:block"].body.__globals__


def files_of(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.is_file())


# --- From Python ------------------------------------------------------------------------------


def test_a_deployment_keeps_what_was_written_when_it_is_opened_again(
    tmp_path: Path, app: App
) -> None:
    file = tmp_path / "bank.db"
    with Livefile.open(file, app) as livefile:
        id = livefile.mutation("bank:open_account", owner="ann", balance=5)
        latest_ts = livefile.latest_ts
        assert livefile.path == file
    with Livefile.open(file, app) as livefile:
        account = livefile.query("bank:get", id=id)

        assert (account.id, account.owner, account.balance) == (id, "ann", 5)
        assert livefile.latest_ts == latest_ts


def test_closing_leaves_one_file(tmp_path: Path, app: App) -> None:
    with Livefile.open(tmp_path / "bank.db", app) as livefile:
        livefile.mutation("bank:open_account", owner="ann")
        assert "bank.db-wal" in files_of(tmp_path)
        livefile.query("bank:total")

    assert files_of(tmp_path) == ["bank.db"]
    livefile.close()


def test_functions_are_called_by_name_or_by_themselves(bank: Livefile, app: App) -> None:
    open_account: Any = app.functions["bank:open_account"]
    get: Any = app.functions["bank:get"]
    first = bank.mutation(open_account, "ann", balance=3)
    second = bank.mutation("bank.js:open_account", owner="bob")

    assert bank.query(get, first).balance == 3
    assert bank.query("bank:get", id=second).balance == 0


def test_errors_of_functions_are_raised_with_their_cause(bank: Livefile) -> None:
    with pytest.raises(FunctionError, match="Uncaught ValueError: failed") as raised:
        bank.query("bank:fail")
    id = bank.mutation("bank:open_account", owner="ann")
    other = bank.mutation("bank:open_account", owner="bob")
    with pytest.raises(ConvexError) as raised_data:
        bank.mutation("bank:move", source=id, target=missing_id(other), amount=1)

    assert isinstance(raised.value.__cause__, ValueError)
    assert raised_data.value.data == {"missing": missing_id(other)}
    assert bank.query("bank:total") == 0


def missing_id(id: str) -> str:
    """Return an id of the right table under which nothing is stored."""
    table_number, internal_id = decode_document_id(id)
    return encode_document_id(table_number, internal_id[::-1])


def test_mistakes_in_a_call_are_raised_before_anything_runs(bank: Livefile) -> None:
    runs: list[object] = []
    bank.observe_calls(runs.append)
    with pytest.raises(FunctionNotFoundError, match="'bank:nothing'"):
        bank.query("bank:nothing")
    with pytest.raises(LivefileError, match="no function path"):
        bank.query("a b")
    with pytest.raises(LivefileError, match="open_account has no argument 'name'"):
        bank.mutation("bank:open_account", name="ann")

    assert runs == []


def test_a_file_without_an_app_can_be_opened_and_read(tmp_path: Path, app: App) -> None:
    with Livefile.open(tmp_path / "bank.db", app) as livefile:
        livefile.mutation("bank:open_account", owner="ann", balance=2)
    with Livefile.open(tmp_path / "bank.db") as livefile, pytest.raises(FunctionNotFoundError):
        livefile.query("bank:total")
    with Livefile.open(tmp_path / "bank.db", app) as livefile:
        assert livefile.query("bank:total") == 2
        assert livefile.query("bank:balance", owner="ann") == 2


def test_a_deployment_that_cannot_be_opened_leaves_nothing_behind(tmp_path: Path) -> None:
    threads = threading.active_count()
    with pytest.raises(FileError):
        Livefile.open(tmp_path / "no such folder" / "bank.db")
    with pytest.raises(LivefileError):
        Livefile.open(tmp_path / "bank.db", tmp_path / "no such app")

    assert files_of(tmp_path) == []
    assert threading.active_count() == threads


def test_the_deployment_is_used_from_asyncio_without_blocking_the_loop(app: App) -> None:
    async def run() -> list[Any]:
        with Livefile.open(":memory:", app) as livefile:
            seen = []
            watch = livefile.watch("bank:total")
            async for total in watch:
                seen.append(total)
                if total == 3:
                    break
                await asyncio.to_thread(
                    livefile.mutation, "bank:open_account", owner=f"o{total}", balance=1
                )
            return seen

    assert asyncio.run(run()) == [0, 1, 2, 3]


def test_many_threads_may_call_at_once(bank: Livefile) -> None:
    ids = [bank.mutation("bank:open_account", owner=str(n), balance=100) for n in range(4)]
    totals: list[int] = []

    def transfer(number: int) -> None:
        for step in range(20):
            source, target = ids[(number + step) % 4], ids[(number + step + 1) % 4]
            bank.mutation("bank:move", source=source, target=target, amount=number)
            totals.append(bank.query("bank:total"))

    threads = [Thread(target=transfer, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(totals) == {400}


def test_a_caller_reads_what_it_has_written(bank: Livefile) -> None:
    for number in range(50):
        bank.mutation("bank:open_account", owner=str(number), balance=1)

        assert bank.query("bank:total") == number + 1


# --- From inside a function -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda bank: bank.query("bank:call_from_outside"), "bank:call_from_outside"),
        (lambda bank: bank.mutation("bank:watch_from_outside"), "bank:watch_from_outside"),
        (lambda bank: bank.action("bank:act_from_outside"), "bank:act_from_outside"),
    ],
)
def test_a_function_that_calls_into_the_deployment_is_refused(
    bank: Livefile, call: Callable[[Livefile], object], path: str
) -> None:
    names_of(bank.app)["deployments"].append(bank)
    with pytest.raises(SealedError) as raised:
        call(bank)

    assert str(raised.value) == (
        f"{path} calls into the deployment that runs it; use ctx.run_query, ctx.run_mutation or "
        "ctx.run_action"
    )


def test_an_action_may_call_into_the_deployment_from_a_thread_of_its_own(bank: Livefile) -> None:
    names_of(bank.app)["deployments"].append(bank)

    assert bank.action("bank:act_in_a_thread") == 0


# --- For servers ------------------------------------------------------------------------------


def test_time_travel_shows_every_timestamp_as_it_was(app: App, tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as stepped:
        totals = {stepped.livefile.latest_ts: 0}
        for number in range(1, 8):
            stepped.clock.advance_ms(5)
            outcome = stepped.mutate("bank:open_account", owner=str(number), balance=number)
            totals[success_of(outcome).ts] = totals[max(totals)] + number

        for ts, total in totals.items():
            assert value_of(stepped.query_at(ts, "bank:total")) == total
            assert value_of(stepped.query_at(ts, "bank:balance", owner="3")) == (
                3 if total >= 6 else None
            )


def test_a_timestamp_between_two_commits_shows_the_earlier_one(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as stepped:
        first = success_of(stepped.mutate("bank:open_account", owner="a", balance=1))
        stepped.clock.advance_ms(5)
        stepped.mutate("bank:open_account", owner="b", balance=2)

        assert value_of(stepped.query_at(first.ts + 1, "bank:total")) == 1


def test_a_timestamp_that_is_not_kept_or_to_come_is_refused(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as stepped:
        for ts in (0, stepped.livefile.latest_ts + 1):
            assert isinstance(stepped.query_at(ts, "bank:total"), LogTrimmedError)


def test_a_batch_is_answered_in_order_at_one_timestamp(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"bank": BANK}) as stepped:
        answers: list[list[Outcome] | LivefileError] = []
        for owner in "ab":
            stepped.mutate("bank:open_account", owner=owner, balance=1)
        stepped.query("bank:total")
        calls = [
            Call(path="bank:balance", args=values({"owner": owner})) for owner in ("b", "x", "a")
        ]
        stepped.livefile.submit_batch([*calls, Call(path="bank:fail", args={})], answers.append)
        stepped.submit(FunctionKind.MUTATION, "bank:open_account", {"owner": "x"})
        stepped.step()

        (outcomes,) = answers
        assert isinstance(outcomes, list)
        # The mutation came in the same step, before the queries: they see it all together.
        assert [value_of(outcome) for outcome in outcomes[:3]] == [1, 0, 1]
        assert "Uncaught ValueError" in getattr(outcomes[3], "message", "")


def test_batches_never_see_half_of_a_transfer(bank: Livefile) -> None:
    first = bank.mutation("bank:open_account", owner="a", balance=50)
    second = bank.mutation("bank:open_account", owner="b", balance=50)
    sums: list[float] = []
    heard = Semaphore(0)

    def add_up(outcomes: list[Outcome] | LivefileError) -> None:
        assert isinstance(outcomes, list)
        sums.append(sum(value_of(outcome) for outcome in outcomes))
        heard.release()

    calls = [Call(path="bank:balance", args={"owner": owner}) for owner in "ab"]
    for number in range(60):
        bank.submit(
            Call(
                path="bank:move",
                args=values({"source": first, "target": second, "amount": number}),
                identity=ANONYMOUS,
            ),
            FunctionKind.MUTATION,
            lambda outcome: None,
        )
        bank.submit_batch(calls, add_up)
    for _ in range(60):
        heard.acquire()

    assert set(sums) == {100}


def test_settings_are_kept_with_the_file(tmp_path: Path) -> None:
    with Livefile.open(tmp_path / "bank.db") as livefile:
        assert livefile.read_setting("key") is None
        livefile.write_setting("key", b"\x00one")
        livefile.write_setting("key", b"two")
        livefile.write_setting("other", b"")
        assert livefile.read_setting("key") == b"two"
    with Livefile.open(tmp_path / "bank.db") as livefile:
        assert livefile.read_setting("key") == b"two"
        assert livefile.read_setting("other") == b""

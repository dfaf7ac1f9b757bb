"""Functions in the slow lane, step by step: what waits for them, and what does not."""

from pathlib import Path
from random import Random

import pytest

from livefile import Identity, OverloadedError, RequestKey
from livefile.functions import slow_mutations
from livefile.vocabulary.limits import CONFLICT_RETRIES_MAX
from tests.stepped_app import SteppedApp, SteppedClient, success_of, value_of

TILL = """
    from livefile import MutationCtx, QueryCtx, Table, index, mutation, query

    class Amount(Table, name="amounts"):
        owner: str
        amount: int
        by_owner = index("owner")

    def put_into(ctx, owner, amount):
        found = ctx.db.query(Amount.by_owner.eq(owner=owner)).unique()
        if found is None:
            ctx.db.insert(Amount(owner=owner, amount=amount))
        else:
            ctx.db.patch(found.id, amount=found.amount + amount)

    @mutation
    def put(ctx: MutationCtx, owner: str, amount: int) -> int:
        put_into(ctx, owner, amount)
        return amount

    @mutation
    def put_slowly(ctx: MutationCtx, owner: str, amount: int) -> int:
        put_into(ctx, owner, amount)
        return amount

    @mutation
    def note_slowly(ctx: MutationCtx) -> None:
        ctx.db.table("notes").insert({"text": "new"})

    @mutation
    def fail_slowly(ctx: MutationCtx, owner: str) -> None:
        put_into(ctx, owner, 1)
        raise ValueError("no")

    @query
    def total(ctx: QueryCtx) -> int:
        return sum(row.amount for row in ctx.db.query(Amount))

    @query
    def total_slowly(ctx: QueryCtx) -> int:
        return sum(row.amount for row in ctx.db.query(Amount))

    @query
    def amount_slowly(ctx: QueryCtx, owner: str) -> int:
        found = ctx.db.query(Amount.by_owner.eq(owner=owner)).unique()
        return 0 if found is None else found.amount

    @query
    def whose_slowly(ctx: QueryCtx) -> str:
        identity = ctx.auth.get_user_identity()
        return "nobody" if identity is None else identity["subject"]
"""

SEEDS_COUNT = 60

SLOW = (
    "till:put_slowly", "till:note_slowly", "till:fail_slowly", "till:total_slowly",
    "till:amount_slowly", "till:whose_slowly",
)  # fmt: skip


@pytest.fixture
def app(tmp_path: Path) -> SteppedApp:
    app = SteppedApp(tmp_path, {"till": TILL})
    for path in SLOW:
        app.livefile._lane.note_slow(path)
    return app


def rest(app: SteppedApp) -> None:
    """Take steps until nothing waits."""
    while not (app.livefile._mutations.is_idle and app.livefile._subscriptions.is_idle):
        app.step()
    app.step()


# --- Mutations ---------------------------------------------------------------------------------


def test_a_slow_mutation_is_committed_and_answered(app: SteppedApp) -> None:
    answers = app.submit(None, "till:put_slowly", {"owner": "a", "amount": 3})
    rest(app)

    assert value_of(answers[0]) == 3
    assert value_of(app.query("till:total")) == 3


def test_others_pass_a_slow_mutation(app: SteppedApp) -> None:
    slow = app.submit(None, "till:put_slowly", {"owner": "a", "amount": 1})
    fast = app.submit(None, "till:put", {"owner": "b", "amount": 1})
    app.step()

    assert len(fast) == 1
    assert not slow
    rest(app)
    assert len(slow) == 1


def test_a_slow_mutation_that_was_overtaken_runs_again(app: SteppedApp) -> None:
    slow = app.submit(None, "till:put_slowly", {"owner": "a", "amount": 10})
    app.step()  # It is in the lane now; the next step runs it, then the one that overtakes it.
    app.submit(None, "till:put", {"owner": "a", "amount": 1})
    rest(app)

    assert value_of(slow[0]) == 10
    assert value_of(app.query("till:total")) == 11
    assert app.count_runs("till:put_slowly") == 2


def test_a_slow_mutation_that_loses_again_and_again_runs_at_the_head(app: SteppedApp) -> None:
    slow = app.submit(None, "till:put_slowly", {"owner": "a", "amount": 10})
    for _ in range(CONFLICT_RETRIES_MAX + 1):
        app.step()
        app.submit(None, "till:put", {"owner": "a", "amount": 1})
        app.step()
    rest(app)

    assert value_of(slow[0]) == 10
    assert value_of(app.query("till:total")) == 10 + CONFLICT_RETRIES_MAX + 1


def test_mutations_of_one_session_keep_their_order(app: SteppedApp) -> None:
    paths = ["till:put", "till:put_slowly", "till:put", "till:put_slowly", "till:put"]
    answers = [
        app.submit(None, path, {"owner": "a", "amount": n}, request_key=RequestKey("session", n))
        for n, path in enumerate(paths)
    ]
    other = app.submit(
        None, "till:put", {"owner": "b", "amount": 1}, request_key=RequestKey("other", 0)
    )
    app.step()

    assert [len(answer) for answer in answers] == [1, 0, 0, 0, 0]
    assert len(other) == 1
    rest(app)
    timestamps = [success_of(answer).ts for (answer,) in answers]  # type: ignore[arg-type]
    assert timestamps == sorted(timestamps)


def test_a_slow_mutation_that_is_sent_again_runs_once(app: SteppedApp) -> None:
    key = RequestKey("session", 0)
    answers = [
        app.submit(None, "till:put_slowly", {"owner": "a", "amount": 1}, request_key=key)
        for _ in range(3)
    ]
    rest(app)

    assert [value_of(answer) for (answer,) in answers] == [1, 1, 1]
    assert len({success_of(answer).ts for (answer,) in answers}) == 1  # type: ignore[arg-type]
    assert value_of(app.query("till:total")) == 1


def test_a_slow_mutation_may_make_a_table(app: SteppedApp) -> None:
    answers = app.submit(None, "till:note_slowly", {})
    rest(app)

    assert value_of(answers[0]) is None


def test_a_slow_mutation_that_fails_writes_nothing(app: SteppedApp) -> None:
    answers = app.submit(None, "till:fail_slowly", {"owner": "a"})
    rest(app)

    assert "ValueError: no" in answers[0].message  # type: ignore[union-attr]
    assert value_of(app.query("till:total")) == 0


def test_too_many_slow_mutations_are_refused(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_mutations, "SLOW_FUNCTIONS_WAITING_MAX", 2)
    answers = [app.submit(None, "till:put_slowly", {"owner": "a", "amount": 1}) for _ in range(3)]
    rest(app)

    assert isinstance(answers[2][0], OverloadedError)
    assert value_of(app.query("till:total")) == 2


# --- Queries -----------------------------------------------------------------------------------


def test_a_slow_query_sees_every_mutation_that_was_answered_before(app: SteppedApp) -> None:
    app.mutate("till:put", owner="a", amount=1)
    early = app.submit(None, "till:total_slowly", {})
    app.step()
    app.mutate("till:put", owner="a", amount=1)
    late = app.submit(None, "till:total_slowly", {})
    rest(app)

    assert value_of(early[0]) in (1, 2)
    assert value_of(late[0]) == 2


def test_equal_slow_queries_run_once(app: SteppedApp) -> None:
    answers = [app.submit(None, "till:total_slowly", {}) for _ in range(5)]
    rest(app)

    assert [value_of(answer) for (answer,) in answers] == [0] * 5
    assert app.count_runs("till:total_slowly") == 1


def test_only_who_watches_a_slow_query_waits_for_it(app: SteppedApp) -> None:
    patient, other = app.client(), app.client()
    patient.watch(0, "till:total")
    patient.watch(1, "till:total_slowly")
    other.watch(0, "till:total")
    app.step()

    assert other.shown
    assert not patient.updates
    rest(app)
    assert patient.value(0) == patient.value(1) == 0


def test_a_slow_live_query_is_shared_but_never_with_another_identity(app: SteppedApp) -> None:
    ann, bob = (
        app.client(Identity({"tokenIdentifier": f"x|{n}", "subject": n, "issuer": "x"}))
        for n in ("ann", "bob")
    )
    for client in (ann, bob):
        client.watch(0, "till:whose_slowly")
        client.watch(1, "till:total_slowly")
    rest(app)

    assert (ann.value(0), bob.value(0)) == ("ann", "bob")


def test_every_update_with_slow_queries_is_of_one_state(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    app = SteppedApp(tmp_path, {"till": TILL}, seed=seed)
    for path in SLOW:
        app.livefile._lane.note_slow(path)
    clients = [app.client() for _ in range(3)]
    for client in clients:
        client.watch(0, "till:total")
    for number in range(120):
        client = random.choice(clients)
        match random.randrange(8):
            case 0 | 1 | 2:
                path = random.choice(["till:put", "till:put_slowly"])
                app.submit(None, path, {"owner": random.choice("abc"), "amount": number})
            case 3:
                toggle(client, random.choice([1, 2]))
            case _:
                app.step()
        for shown in clients:
            check(shown)
    rest(app)

    totals = {client.value(0) for client in clients}
    assert totals == {value_of(app.query("till:total"))}
    for client in clients:
        check(client)
        assert client.shown.keys() == client.watched.keys()


def toggle(client: SteppedClient, query_id: int) -> None:
    """Watch a slow query, or stop watching it."""
    if query_id in client.watched:
        client.unwatch(query_id)
    else:
        client.watch(query_id, "till:total_slowly")


def check(client: SteppedClient) -> None:
    """All totals that a client shows are of one state, and it goes forward only."""
    totals = {client.value(query_id) for query_id in client.shown}
    assert len(totals) <= 1
    timestamps = [update.ts for update in client.updates]
    assert timestamps == sorted(timestamps)

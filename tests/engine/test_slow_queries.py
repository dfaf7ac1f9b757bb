"""Slow queries, step by step: what waits for them, and what does not."""

from pathlib import Path
from random import Random

import pytest

from livefile import Call, LivefileError, Outcome
from tests.slow_app import open_till, rest, step_past_the_lane, user
from tests.stepped_app import SteppedApp, SteppedClient, value_of

SEEDS_COUNT = 60


@pytest.fixture
def app(tmp_path: Path) -> SteppedApp:
    return open_till(tmp_path)


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


def test_queries_that_are_asked_together_are_of_one_state_if_one_is_slow(app: SteppedApp) -> None:
    app.client().watch(0, "till:total")
    app.step()
    answers: list[list[Outcome] | LivefileError] = []
    calls = [Call(path=path, args={}) for path in ("till:total", "till:total_slowly")]
    app.livefile.submit_batch(calls, answers.append)
    app.step()
    app.submit(None, "till:put", {"owner": "a", "amount": 1})
    step_past_the_lane(app)
    rest(app)

    (outcomes,) = answers
    assert isinstance(outcomes, list)
    assert len({value_of(outcome) for outcome in outcomes}) == 1


def test_queries_that_are_asked_together_are_of_one_state_after_a_snapshot_expired(
    app: SteppedApp,
) -> None:
    app.client().watch(0, "till:total")
    app.step()
    answers: list[list[Outcome] | LivefileError] = []
    calls = [Call(path=path, args={}) for path in ("till:total", "till:total_slowly")]
    app.livefile.submit_batch(calls, answers.append)
    app.step()
    app.livefile._database._connections.readers.cut_off(0)
    app.submit(None, "till:put", {"owner": "a", "amount": 1})
    rest(app)

    (outcomes,) = answers
    assert isinstance(outcomes, list)
    assert [value_of(outcome) for outcome in outcomes] == [1, 1]


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
    ann, bob = app.client(user("ann")), app.client(user("bob"))
    for client in (ann, bob):
        client.watch(0, "till:whose_slowly")
        client.watch(1, "till:total_slowly")
    rest(app)

    assert (ann.value(0), bob.value(0)) == ("ann", "bob")


def test_a_slow_result_that_is_for_one_caller_now_is_not_missing_for_another(
    app: SteppedApp,
) -> None:
    clients = {name: app.client(user(name)) for name in ("ann", "bob")}
    for client in clients.values():
        client.watch(0, "till:total")
        client.watch(1, "till:open_slowly")
        rest(app)
    app.mutate("till:put", owner="a", amount=1)
    rest(app)

    for name, client in clients.items():
        told = next(update.outcomes for update in client.updates[1:] if 0 in update.outcomes)
        assert [outcome and value_of(outcome) for outcome in told.values()] == [1, name]


def test_a_slow_query_that_is_wanted_again_while_it_lands_lands_twice(app: SteppedApp) -> None:
    bob, ann = app.client(user("bob")), app.client(user("ann"))
    for client in (bob, ann):  # So the run for bob serves ann as well.
        client.watch(0, "till:total_of_mine_slowly")
        rest(app)
    app.submit(None, "till:put", {"owner": "bob", "amount": 1})
    late = app.client(user("ann"))
    late.watch(0, "till:total_of_mine_slowly")
    step_past_the_lane(app)
    app.submit(None, "till:put", {"owner": "ann", "amount": 1})
    rest(app)

    assert [client.value(0) for client in (ann, bob, late)] == [["ann", 1], ["bob", 1], ["ann", 1]]


def test_a_slow_outcome_as_it_was_replaces_one_that_was_never_sent(app: SteppedApp) -> None:
    client = app.client()
    client.watch(0, "till:amount_slowly", owner="a")
    client.watch(1, "till:amount_slowly", owner="b")
    client.watch(2, "till:total")
    rest(app)
    app.submit(None, "till:put", {"owner": "a", "amount": 5})
    step_past_the_lane(app)
    client.unwatch(2)  # So what is prepared is taken back.
    app.submit(None, "till:put", {"owner": "b", "amount": 1})
    step_past_the_lane(app)
    app.step()  # The 5 is there, but has to wait for what is in the lane.
    app.submit(None, "till:put", {"owner": "a", "amount": -5})
    rest(app)

    told = [outcome for update in client.updates if (outcome := update.outcomes.get(0))]
    assert [value_of(outcome) for outcome in told] == [0]


def test_every_update_with_slow_queries_is_of_one_state(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    app = open_till(tmp_path, seed)
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

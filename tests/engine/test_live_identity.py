"""A query that reads the identity is never shared across identities, whenever it begins to."""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from livefile import ADMIN, ANONYMOUS, Identity, Success
from tests.stepped_app import SteppedApp, SteppedClient, message_of, value_of

SECRETS = """
    from livefile import *

    class Switch(Table, name="switches"):
        is_private: bool

    class Secret(Table, name="secrets"):
        owner: str
        text: str
        by_owner = index("owner")

    def who(ctx: QueryCtx) -> str:
        identity = ctx.auth.get_user_identity()
        return "nobody" if identity is None else str(identity["subject"])

    @mutation
    def switch(ctx: MutationCtx, is_private: bool) -> None:
        for row in ctx.db.query(Switch):
            ctx.db.delete(row.id)
        ctx.db.insert(Switch(is_private=is_private))

    @mutation
    def keep(ctx: MutationCtx, text: str) -> None:
        ctx.db.insert(Secret(owner=who(ctx), text=text))

    @query
    def mine(ctx: QueryCtx) -> list[str]:
        return [secret.text for secret in ctx.db.query(Secret.by_owner.eq(owner=who(ctx)))]

    @query
    def greeting(ctx: QueryCtx) -> str:
        row = ctx.db.query(Switch).first()
        return f"hello {who(ctx)}" if row is not None and row.is_private else "hello all"

    @query
    def is_alice(ctx: QueryCtx) -> bool:
        row = ctx.db.query(Switch).first()
        return who(ctx) == "alice" if row is not None and row.is_private else True

    @query
    def kept_count(ctx: QueryCtx) -> int:
        row = ctx.db.query(Switch).first()
        if row is not None and row.is_private:
            who(ctx)
        return len(ctx.db.query(Secret).collect())

    @query
    def nested(ctx: QueryCtx) -> list[str]:
        return ctx.run_query(mine)

    @query
    def public(ctx: QueryCtx) -> str:
        return "for all"

    @internal.query
    def hidden(ctx: QueryCtx) -> str:
        return "hidden"
"""

ALICE = Identity(attributes={"subject": "alice"})
BOB = Identity(attributes={"subject": "bob"})
CAROL = Identity(attributes={"subject": "carol"})
ORDERS = list(permutations((ALICE, BOB, CAROL)))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"secrets": SECRETS}) as stepped:
        yield stepped


def clients_of(app: SteppedApp, path: str, *identities: Identity) -> list[SteppedClient]:
    clients = [app.client(identity) for identity in identities]
    for client in clients:
        client.watch(1, path)
        app.step()
    return clients


@pytest.mark.parametrize("path", ["secrets:mine", "secrets:nested"])
def test_everyone_sees_the_result_of_his_own_run(app: SteppedApp, path: str) -> None:
    alice, bob, nobody = clients_of(app, path, ALICE, BOB, ANONYMOUS)
    app.mutate("secrets:keep", ALICE, text="of alice")
    app.mutate("secrets:keep", BOB, text="of bob")

    assert [client.value(1) for client in (alice, bob, nobody)] == [["of alice"], ["of bob"], []]
    assert value_of(app.query(path, BOB)) == ["of bob"]
    assert value_of(app.query(path)) == []


def test_a_query_that_does_not_read_the_identity_is_shared_by_all(app: SteppedApp) -> None:
    clients_of(app, "secrets:public", ALICE, BOB, ANONYMOUS)
    app.query("secrets:public", CAROL)

    assert app.count_runs("secrets:public") == 1


@pytest.mark.parametrize("order", ORDERS)
def test_a_query_that_begins_to_read_the_identity_is_shared_no_longer(
    app: SteppedApp, order: tuple[Identity, ...]
) -> None:
    clients = clients_of(app, "secrets:greeting", *order)
    assert app.count_runs("secrets:greeting") == 1
    app.mutate("secrets:switch", is_private=True)

    shown = [client.value(1) for client in clients]
    assert shown == ["hello " + str((who.attributes or {})["subject"]) for who in order]


@pytest.mark.parametrize("order", ORDERS)
def test_it_is_shared_no_longer_even_if_the_outcome_of_the_first_run_stays_the_same(
    app: SteppedApp, order: tuple[Identity, ...]
) -> None:
    clients = clients_of(app, "secrets:is_alice", *order)
    app.mutate("secrets:switch", is_private=True)

    assert [client.value(1) for client in clients] == [who == ALICE for who in order]


def test_a_query_that_stops_reading_the_identity_is_shared_again(app: SteppedApp) -> None:
    app.mutate("secrets:switch", is_private=True)
    clients = clients_of(app, "secrets:greeting", ALICE, BOB, CAROL)
    app.mutate("secrets:switch", is_private=False)
    app.runs.clear()
    app.mutate("secrets:switch", is_private=False)

    assert {client.value(1) for client in clients} == {"hello all"}
    assert app.count_runs("secrets:greeting") == 1


def test_those_whose_results_became_one_hear_on_even_if_nothing_changed_then(
    app: SteppedApp,
) -> None:
    app.mutate("secrets:switch", is_private=True)
    clients = clients_of(app, "secrets:kept_count", ALICE, BOB, CAROL)
    app.mutate("secrets:switch", is_private=False)
    app.mutate("secrets:keep", ALICE, text="of alice")

    assert [client.value(1) for client in clients] == [1.0] * 3


def test_a_claim_of_another_type_makes_somebody_else(app: SteppedApp) -> None:
    one, other = (Identity(attributes={"subject": subject}) for subject in (1.0, True))
    client = app.client(one)
    client.watch(1, "secrets:mine")
    app.mutate("secrets:keep", one, text="of one")
    client.become(other)
    app.step()

    assert one != other
    assert client.value(1) == []


def test_sharing_may_come_and_go_any_number_of_times(app: SteppedApp) -> None:
    clients = clients_of(app, "secrets:greeting", ALICE, BOB, CAROL, BOB)
    for number in range(8):
        app.mutate("secrets:switch", is_private=number % 2 == 0)
        shown = [client.value(1) for client in clients]
        fresh = [value_of(app.query("secrets:greeting", client.identity)) for client in clients]

        assert shown == fresh
        assert len(set(shown)) == (3 if number % 2 == 0 else 1)


def test_the_one_who_ran_it_first_may_leave(app: SteppedApp) -> None:
    alice, bob = clients_of(app, "secrets:greeting", ALICE, BOB)
    alice.query_set.close()
    app.mutate("secrets:switch", is_private=True)

    assert bob.value(1) == "hello bob"
    assert value_of(app.query("secrets:greeting", CAROL)) == "hello carol"


def test_a_client_that_becomes_somebody_else_sees_what_that_one_sees(app: SteppedApp) -> None:
    app.mutate("secrets:keep", ALICE, text="of alice")
    (client,) = clients_of(app, "secrets:mine", ALICE)
    client.watch(2, "secrets:public")
    app.step()
    client.become(BOB)
    app.step()
    app.mutate("secrets:keep", ALICE, text="of alice again")
    app.mutate("secrets:keep", BOB, text="of bob")

    answer, news = client.updates[2:]
    assert answer.identity_version == 1
    assert answer.outcomes.keys() == {1}
    assert isinstance(answer.outcomes[1], Success)
    assert value_of(answer.outcomes[1]) == []
    assert client.value(1) == ["of bob"]
    assert news.outcomes.keys() == {1}


def test_an_admin_may_see_an_internal_function_and_others_may_not(app: SteppedApp) -> None:
    for _ in range(2):
        assert value_of(app.query("secrets:hidden", ADMIN)) == "hidden"
        assert message_of(app.query("secrets:hidden")) == (
            "Could not find public function for 'secrets:hidden'."
        )
        assert message_of(app.query("secrets:hidden", ALICE)) == (
            "Could not find public function for 'secrets:hidden'."
        )


def test_a_client_that_is_admin_no_longer_loses_internal_functions(app: SteppedApp) -> None:
    (client,) = clients_of(app, "secrets:hidden", ADMIN)
    assert client.value(1) == "hidden"
    client.become(ANONYMOUS)
    app.step()

    assert message_of(client.shown[1]).startswith("Could not find public function")


def test_an_admin_who_acts_as_a_user_is_not_that_user(app: SteppedApp) -> None:
    acting = Identity(attributes={"subject": "alice"}, is_admin=True)
    assert value_of(app.query("secrets:hidden", acting)) == "hidden"

    assert message_of(app.query("secrets:hidden", ALICE)).startswith("Could not find")

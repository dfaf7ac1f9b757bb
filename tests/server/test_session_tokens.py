"""Signing in by a token, its end, and what its user may see of the time before and after."""

from collections.abc import Callable

import pytest

from livefile import ANONYMOUS, Identity, LivefileError, QuerySetChange, Success, errors
from livefile_server.auth.signed_in import SignedIn
from livefile_server.sync.effects import ChangeQuerySet, CheckToken, Close, Effect, RunMutation
from livefile_server.sync.session import Session
from tests.server.sync_client import (
    LATEST_TS,
    NOW_NS,
    ROWS,
    SECOND_NS,
    action,
    add,
    connect,
    frame,
    frames,
    message,
    modify,
    mutation,
    new_session,
    update,
    version,
)

ADA = Identity(attributes={"subject": "ada"})
BOB = Identity(attributes={"subject": "bob"})
SECRET = Success(json=b'"of ada"', ts=LATEST_TS)
OPEN = Success(json=b'"of nobody"', ts=LATEST_TS)


def authenticate(base: int, token: str | None = "a.b.c") -> bytes:
    if token is None:
        return message("Authenticate", baseVersion=base, tokenType="None")
    return message("Authenticate", baseVersion=base, tokenType="User", value=token)


class Client:
    """A session with a wall clock that is turned by hand."""

    def __init__(self) -> None:
        self.wall_ns = NOW_NS
        self.session: Session = new_session(wall_ns=lambda: self.wall_ns)
        self.send(connect())
        self.send(modify(0, 1, add(1)))

    def send(self, text: bytes) -> list[Effect]:
        return self.session.receive_text(text, NOW_NS)

    def sign_in(self, identity: Identity, seconds: int | None = 60) -> list[Effect]:
        """Authenticate by a token that ends so many seconds from now."""
        base = self.session._state.identity_version
        assert self.send(authenticate(base)) == [CheckToken(token="a.b.c")]
        expires_ns = None if seconds is None else self.wall_ns + seconds * SECOND_NS
        return self.session.token_checked(SignedIn(identity, expires_ns), NOW_NS)

    def wait(self, seconds: float) -> None:
        self.wall_ns += int(seconds * SECOND_NS)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def ada(client: Client) -> Client:
    """A client that is signed in for a minute and sees its first result."""
    client.sign_in(ADA)
    client.session.updated(update(LATEST_TS, 1, 1, q1=SECRET), NOW_NS)
    return client


def assert_expired(effects: list[Effect], base_version: int = 1) -> None:
    assert frame(effects) == {
        "type": "AuthError",
        "error": "Convex token identity expired",
        "baseVersion": base_version,
        "authUpdateAttempted": False,
    }
    assert effects[-1] == Close(code=1000)


# --- Signing in -------------------------------------------------------------------------------


def test_a_good_token_changes_the_identity(client: Client) -> None:
    (change,) = client.sign_in(ADA)
    transition = frame(client.session.updated(update(LATEST_TS, 1, 1, q1=SECRET), NOW_NS))
    (run,) = client.send(mutation(1))

    assert change == ChangeQuerySet(
        QuerySetChange(query_set_version=1, identity_version=1, identity=ADA)
    )
    assert transition["endVersion"] == version(1, 1, LATEST_TS)
    assert isinstance(run, RunMutation)
    assert run.call.identity == ADA


@pytest.mark.parametrize("code", ["InvalidAuthHeader", "NoAuthProvider", "Unauthenticated"])
def test_a_refused_token_closes_the_socket(ada: Client, code: str) -> None:
    ada.send(authenticate(1))
    effects = ada.session.token_checked(errors.UnauthenticatedError(code, "No."), NOW_NS)

    assert frame(effects) == {
        "type": "AuthError",
        "error": "No.",
        "baseVersion": 1,
        "authUpdateAttempted": True,
    }
    assert effects[-1] == Close(code=1000)


@pytest.mark.parametrize(
    ("error", "close"),
    [
        (
            errors.OverloadedError("AuthProviderDiscoveryFailed", "Gone."),
            Close(code=1013, reason="AuthProviderDiscoveryFailed"),
        ),
        (LivefileError("A bug."), Close(code=1011, reason="InternalServerError")),
    ],
)
def test_an_issuer_that_cannot_be_asked_signs_nobody_out(
    client: Client, error: LivefileError, close: Close
) -> None:
    client.send(authenticate(0))

    assert client.session.token_checked(error, NOW_NS) == [close]


def test_a_token_whose_socket_has_gone_is_nobodys(client: Client) -> None:
    client.send(authenticate(0))
    client.session.end()

    assert client.session.token_checked(SignedIn(ADA), NOW_NS) == []


def test_a_wrong_count_of_identities_is_found_before_the_token_is_checked(client: Client) -> None:
    assert client.send(authenticate(1)) == [Close(code=1011, reason="InternalServerError")]


def test_a_token_is_not_shown_in_logs(client: Client) -> None:
    assert "a.b.c" not in repr(client.send(authenticate(0)))


# --- The end of a token -----------------------------------------------------------------------

Step = Callable[[Client], list[Effect]]
STEPS: dict[str, Step] = {
    "mutation": lambda client: client.send(mutation(5)),
    "action": lambda client: client.send(action(5)),
    "query": lambda client: client.send(modify(1, 2, add(2))),
    "update": lambda client: client.session.updated(update(LATEST_TS, 1, 1, q1=ROWS), NOW_NS),
    "answer of a mutation": lambda client: client.session.mutation_done(1, SECRET, NOW_NS),
    "answer of an action": lambda client: client.session.action_done(2, SECRET, NOW_NS),
    "catching up": lambda client: client.session.writable_changed(True, NOW_NS),
    "time": lambda client: client.session.tick(NOW_NS),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_nothing_is_done_or_shown_after_the_end_of_a_token(ada: Client, step: Step) -> None:
    ada.send(mutation(1))
    ada.send(action(2))
    ada.wait(60)

    assert_expired(step(ada))
    for other in STEPS.values():
        assert other is step or other(ada) == []


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_all_goes_on_until_then(ada: Client, step: Step) -> None:
    ada.send(mutation(1))
    ada.send(action(2))
    ada.wait(59.999)

    for effect in step(ada):
        assert not isinstance(effect, Close)


def test_what_a_slow_client_was_owed_is_not_sent_after_the_end(ada: Client) -> None:
    ada.session.writable_changed(False, NOW_NS)
    ada.session.updated(update(LATEST_TS + 1, 1, 1, q1=SECRET), NOW_NS)
    ada.wait(60)

    assert_expired(ada.session.writable_changed(True, NOW_NS))


def test_the_news_that_a_client_reads_slowly_closes_nothing_by_itself(ada: Client) -> None:
    ada.wait(60)

    assert ada.session.writable_changed(False, NOW_NS) == []
    assert_expired(ada.session.tick(NOW_NS))


def test_a_client_may_still_bring_a_new_token(ada: Client) -> None:
    ada.wait(60)
    ada.sign_in(ADA)
    transition = frame(ada.session.updated(update(LATEST_TS + 1, 1, 2, q1=SECRET), NOW_NS))

    assert transition["endVersion"] == version(1, 2, LATEST_TS + 1)
    ada.wait(60)
    assert_expired(ada.session.tick(NOW_NS), base_version=2)


def test_a_refreshed_token_counts_from_its_own_end(ada: Client) -> None:
    ada.wait(50)
    ada.sign_in(ADA)
    ada.wait(59)

    assert all(not isinstance(effect, Close) for effect in ada.session.tick(NOW_NS))


def test_who_signed_out_does_not_expire(ada: Client) -> None:
    ada.send(authenticate(1, None))
    ada.wait(3600)

    assert frames(ada.session.updated(update(LATEST_TS, 1, 2, q1=OPEN), NOW_NS))


def test_credentials_without_an_end_do_not_expire(client: Client) -> None:
    client.sign_in(ADA, seconds=None)
    client.wait(1e9)

    assert frames(client.session.updated(update(LATEST_TS, 1, 1, q1=SECRET), NOW_NS))


# --- From one identity to another -------------------------------------------------------------


@pytest.mark.parametrize("sign", ["in as somebody else", "out"])
def test_after_a_change_nothing_of_the_identity_before_is_sent(ada: Client, sign: str) -> None:
    if sign == "out":
        (change,) = ada.send(authenticate(1, None))
    else:
        (change,) = ada.sign_in(BOB)
    late = ada.session.updated(update(LATEST_TS + 1, 1, 1, q1=SECRET), NOW_NS)
    transition = frame(ada.session.updated(update(LATEST_TS + 1, 1, 2, q1=OPEN), NOW_NS))

    assert isinstance(change, ChangeQuerySet)
    assert change.change.identity == (ANONYMOUS if sign == "out" else BOB)
    assert late == []
    assert transition["startVersion"] == version(1, 1, LATEST_TS)
    assert transition["endVersion"] == version(1, 2, LATEST_TS + 1)
    assert [part["value"] for part in transition["modifications"]] == ["of nobody"]


def test_what_both_identities_may_see_comes_with_the_change(ada: Client) -> None:
    ada.send(modify(1, 2, add(2)))
    ada.send(authenticate(1, None))

    # Of the query that was just added: equal for both, so the engine does not say it again.
    assert ada.session.updated(update(LATEST_TS, 2, 1, q2=ROWS), NOW_NS) == []
    transition = frame(ada.session.updated(update(LATEST_TS, 2, 2, q1=OPEN), NOW_NS))
    after = frame(ada.session.updated(update(LATEST_TS + 1, 2, 2, q1=ROWS), NOW_NS))

    values = {part["queryId"]: part["value"] for part in transition["modifications"]}
    assert values == {1: "of nobody", 2: [1.0]}
    assert [part["queryId"] for part in after["modifications"]] == [1]


def test_a_slow_client_is_not_sent_the_identity_before_either(ada: Client) -> None:
    ada.session.writable_changed(False, NOW_NS)
    ada.session.updated(update(LATEST_TS + 1, 1, 1, q1=SECRET), NOW_NS)
    ada.send(authenticate(1, None))

    assert ada.session.writable_changed(True, NOW_NS) == []
    transition = frame(ada.session.updated(update(LATEST_TS + 2, 1, 2, q1=OPEN), NOW_NS))
    assert [part["value"] for part in transition["modifications"]] == ["of nobody"]


def test_answers_do_not_wait_for_the_change(ada: Client) -> None:
    ada.send(mutation(1))
    ada.send(authenticate(1, None))

    answer = frame(ada.session.mutation_done(1, SECRET, NOW_NS))

    assert answer["type"] == "MutationResponse"


def test_while_a_token_is_checked_the_identity_before_goes_on(ada: Client) -> None:
    ada.send(authenticate(1))

    late = frame(ada.session.updated(update(LATEST_TS + 1, 1, 1, q1=ROWS), NOW_NS))

    assert late["endVersion"] == version(1, 1, LATEST_TS + 1)

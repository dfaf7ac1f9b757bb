import pytest

from livefile import ADMIN, ANONYMOUS, Identity, QuerySetChange, Value
from livefile_server.sync.effects import ChangeQuerySet, Close, RunMutation
from tests.server.sync_client import (
    KEY,
    LATEST_TS,
    NOW_NS,
    connected_session,
    frame,
    message,
    mutation,
    update,
    version,
)


def authenticate(base: int, kind: str, value: str | None = None, **fields: object) -> bytes:
    token = {} if value is None else {"value": value}
    return message("Authenticate", baseVersion=base, tokenType=kind, **token, **fields)


def test_an_admin_key_changes_the_identity() -> None:
    session = connected_session()

    (change,) = session.receive_text(authenticate(0, "Admin", KEY), NOW_NS)
    transition = frame(session.updated(update(LATEST_TS, 0, 1), NOW_NS))
    (run,) = session.receive_text(mutation(1), NOW_NS)

    assert change == ChangeQuerySet(
        QuerySetChange(query_set_version=0, identity_version=1, identity=ADMIN)
    )
    assert transition["endVersion"] == version(0, 1, LATEST_TS)
    assert isinstance(run, RunMutation)
    assert run.call.identity == ADMIN
    assert run.call.is_internal


@pytest.mark.parametrize(
    "attributes",
    [{"tokenIdentifier": "me", "level": 3}, {"issuer": "i", "subject": "s", "level": 3}],
)
def test_an_admin_may_act_as_a_user(attributes: dict[str, Value]) -> None:
    session = connected_session()

    (change,) = session.receive_text(
        authenticate(0, "Admin", KEY, impersonating=attributes), NOW_NS
    )

    assert isinstance(change, ChangeQuerySet)
    expected: dict[str, Value] = {"tokenIdentifier": "i|s", **attributes, "level": 3.0}
    assert change.change.identity == Identity(attributes=expected, is_admin=True)


def test_signing_out_is_a_change_of_identity_too() -> None:
    session = connected_session()
    session.receive_text(authenticate(0, "Admin", KEY), NOW_NS)

    (change,) = session.receive_text(authenticate(1, "None"), NOW_NS)

    assert change == ChangeQuerySet(
        QuerySetChange(query_set_version=0, identity_version=2, identity=ANONYMOUS)
    )


def test_a_mutation_has_the_identity_in_force_when_it_came() -> None:
    session = connected_session()

    (before,) = session.receive_text(mutation(1), NOW_NS)
    session.receive_text(authenticate(0, "Admin", KEY), NOW_NS)
    (after,) = session.receive_text(mutation(2), NOW_NS)

    assert isinstance(before, RunMutation)
    assert isinstance(after, RunMutation)
    assert (before.call.identity, after.call.identity) == (ANONYMOUS, ADMIN)


@pytest.mark.parametrize(
    ("credentials", "text"),
    [
        (authenticate(1, "Admin", "wrong"), "That is not the key"),
        (
            authenticate(1, "Admin", KEY, impersonating={"name": "me"}),
            "A user identity needs tokenIdentifier, or both issuer and subject",
        ),
    ],
)
def test_refused_credentials_close_the_socket(credentials: bytes, text: str) -> None:
    session = connected_session()
    session.receive_text(authenticate(0, "None"), NOW_NS)
    session.updated(update(LATEST_TS, 0, 1), NOW_NS)

    effects = session.receive_text(credentials, NOW_NS)

    assert frame(effects) == {
        "type": "AuthError",
        "error": text,
        "baseVersion": 1,
        "authUpdateAttempted": True,
    }
    assert effects[-1] == Close(code=1000)


def test_a_wrong_count_of_identities_closes_the_socket() -> None:
    effects = connected_session().receive_text(authenticate(1, "None"), NOW_NS)

    assert effects == [Close(code=1011, reason="InternalServerError")]

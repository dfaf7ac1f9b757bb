"""Signing in and up by passwords and as nobody in particular: what must work, and what must not."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import (
    BadRequestError,
    Grant,
    Livefile,
    ManualClock,
    OverloadedError,
    UnauthenticatedError,
    Visitor,
    limits,
)
from tests.accounts_app import (
    ADA,
    NOBODY,
    OTHER_SECRET,
    SECRET,
    open_accounts,
    refusal,
    run,
    sign_in,
    sign_up,
    users,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def livefile(tmp_path: Path, clock: ManualClock) -> Iterator[Livefile]:
    """Passwords, anonymous users and codes."""
    with open_accounts(tmp_path, clock=clock) as opened:
        yield opened


@pytest.fixture
def plain(tmp_path: Path, clock: ManualClock) -> Iterator[Livefile]:
    """Passwords and anonymous users, and nobody who sends codes."""
    with open_accounts(tmp_path, "Password(), Anonymous()", clock=clock) as opened:
        yield opened


def test_who_signs_up_is_a_user_and_signs_in_again(plain: Livefile) -> None:
    first = sign_up(plain)
    second = sign_in(plain)

    assert second.user == first.user
    assert second.session_id != first.session_id
    assert users(plain) == [
        {
            "_id": first.user.id,
            "email": ADA,
            "emailVerified": False,
            "name": "Ada",
            "isAnonymous": False,
        }
    ]


def test_an_address_is_the_same_in_any_case(plain: Livefile) -> None:
    user = sign_up(plain, " Ada@Example.COM ").user

    assert sign_in(plain, email="ADA@example.com").user == user
    assert user.email == ADA


def test_a_wrong_password_and_an_unknown_address_have_one_answer(plain: Livefile) -> None:
    sign_up(plain)
    wrong = refusal(lambda: sign_in(plain, "wrong password"))
    unknown = refusal(lambda: sign_in(plain, email="nobody@example.com"))

    assert wrong == unknown
    assert wrong[0] == "InvalidCredentials"


def test_a_password_is_hashed_also_for_an_unknown_address(
    plain: Livefile, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    verify = plain.accounts._hashes._verify

    def noted(hash: str, password: bytes) -> bool:
        hashed.append(hash)
        return verify(hash, password)

    monkeypatch.setattr(plain.accounts._hashes, "_verify", noted)
    refusal(lambda: sign_in(plain, email="nobody@example.com"))
    sign_up(plain)
    sign_in(plain)

    # At the same costs: only the salt and the hash differ.
    assert len({each.rsplit("$", 2)[0] for each in hashed}) == 1
    assert len(hashed) == 3


def test_whoever_signs_up_a_second_time_is_signed_in_by_the_right_password(
    plain: Livefile,
) -> None:
    user = sign_up(plain).user

    assert sign_up(plain).user == user
    code, _ = refusal(lambda: run(plain.accounts.sign_up(NOBODY, ADA, OTHER_SECRET)))
    assert code == "InvalidCredentials"
    assert len(users(plain)) == 1


def test_two_sign_ups_at_one_time_make_one_user(plain: Livefile) -> None:
    async def both() -> list[object]:
        ups = [plain.accounts.sign_up(NOBODY, ADA, secret) for secret in (SECRET, OTHER_SECRET)]
        return await asyncio.gather(*ups, return_exceptions=True)

    first, second = run(both())

    assert sum(isinstance(each, Grant) for each in (first, second)) == 1
    assert sum(isinstance(each, UnauthenticatedError) for each in (first, second)) == 1
    assert len(users(plain)) == 1


@pytest.mark.parametrize("password", ["", "short", " " * 20, "x" * 7])
def test_a_weak_password_is_refused(plain: Livefile, password: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        run(plain.accounts.sign_up(NOBODY, ADA, password))

    assert refused.value.code == "WeakPassword"
    assert users(plain) == []


@pytest.mark.parametrize("password", [None, 5, [], "x" * (limits.PASSWORD_LENGTH_MAX + 1)])
def test_what_can_be_no_password_is_refused(plain: Livefile, password: object) -> None:
    with pytest.raises(BadRequestError) as refused:
        run(plain.accounts.sign_in(NOBODY, ADA, password))

    assert refused.value.code == "InvalidPassword"


@pytest.mark.parametrize(
    "email",
    [
        *(None, 5, "", "ada", "@x", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: c@d", "<a@b>", "a,b@c"),
        *("a@b,c@d", 'a"@b', "a\x00@b", "\u202ea@b", "x" * 251 + "@y.z", "a@b;c"),
    ],
)
def test_what_can_be_no_address_is_refused(livefile: Livefile, email: object) -> None:
    accounts = livefile.accounts
    works: list[Callable[[], Coroutine[Any, Any, object]]] = [
        lambda: accounts.sign_up(NOBODY, email, SECRET),
        lambda: accounts.sign_in(NOBODY, email, SECRET),
        lambda: accounts.request_code(NOBODY, email, "signIn"),
    ]
    for work in works:
        with pytest.raises(BadRequestError) as refused:
            run(work())
        assert refused.value.code == "InvalidEmail"


def test_a_changed_password_ends_all_other_sessions(plain: Livefile) -> None:
    first = sign_up(plain)
    visitor = Visitor(user_id=first.user.id)
    code, _ = refusal(lambda: run(plain.accounts.change_password(visitor, "wrong", OTHER_SECRET)))
    changed = run(plain.accounts.change_password(visitor, SECRET, OTHER_SECRET))

    assert code == "InvalidCredentials"
    refusal(lambda: run(plain.accounts.refresh(first.refresh_token)))
    refusal(lambda: sign_in(plain, SECRET))
    assert run(plain.accounts.refresh(changed.refresh_token)).user == first.user
    assert sign_in(plain, OTHER_SECRET).user == first.user


def test_a_password_is_not_changed_for_nobody(plain: Livefile) -> None:
    sign_up(plain)
    anonymous = run(plain.accounts.sign_in_anonymously(NOBODY))

    for visitor in (NOBODY, Visitor(user_id=anonymous.user.id), Visitor(user_id="x")):
        with pytest.raises(UnauthenticatedError):
            run(plain.accounts.change_password(visitor, SECRET, OTHER_SECRET))


def test_after_some_wrong_passwords_even_the_right_one_waits(
    plain: Livefile, clock: ManualClock
) -> None:
    sign_up(plain)
    for _ in range(limits.SIGN_INS_FAILED_MAX):
        refusal(lambda: sign_in(plain, "wrong password"))

    with pytest.raises(OverloadedError) as refused:
        sign_in(plain)
    assert refused.value.code == "TooManyAttempts"
    clock.advance_ms(limits.SIGN_INS_FAILED_INTERVAL_MS)
    assert sign_in(plain).user.email == ADA


def test_an_unknown_address_has_as_many_tries(plain: Livefile) -> None:
    for _ in range(limits.SIGN_INS_FAILED_MAX):
        refusal(lambda: sign_in(plain, email="nobody@example.com"))

    with pytest.raises(OverloadedError):
        sign_in(plain, email="nobody@example.com")


def test_right_passwords_cost_no_tries(plain: Livefile) -> None:
    sign_up(plain)
    for _ in range(limits.SIGN_INS_FAILED_MAX + 1):
        sign_in(plain)

    assert sign_in(plain).user.email == ADA


def test_an_address_of_clients_has_so_many_tries_for_all_accounts(
    plain: Livefile, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(address="192.0.2.1")
    monkeypatch.setattr(plain.accounts._failed_from, "_most", 3)
    for number in range(3):
        email = f"user{number}@example.com"
        with pytest.raises(UnauthenticatedError):
            run(plain.accounts.sign_in(visitor, email, SECRET))

    with pytest.raises(OverloadedError):
        run(plain.accounts.sign_in(visitor, ADA, SECRET))
    refusal(lambda: run(plain.accounts.sign_in(Visitor(address="192.0.2.2"), ADA, SECRET)))


def test_tries_at_one_time_are_all_counted(plain: Livefile) -> None:
    sign_up(plain)

    async def many() -> list[object]:
        tries = [plain.accounts.sign_in(NOBODY, ADA, "wrong password") for _ in range(15)]
        return await asyncio.gather(*tries, return_exceptions=True)

    answers = run(many())

    assert sum(isinstance(each, UnauthenticatedError) for each in answers) == 10
    assert sum(isinstance(each, OverloadedError) for each in answers) == 5


def test_an_anonymous_user_keeps_the_id_when_signing_up(plain: Livefile) -> None:
    anonymous = run(plain.accounts.sign_in_anonymously(NOBODY))
    assert anonymous.user.is_anonymous
    grant = sign_up(plain, visitor=Visitor(user_id=anonymous.user.id))

    assert grant.user.id == anonymous.user.id
    assert not grant.user.is_anonymous
    assert len(users(plain)) == 1


def test_a_user_who_is_not_anonymous_gets_no_second_persons_account(plain: Livefile) -> None:
    ada = sign_up(plain)
    grace = sign_up(plain, "grace@example.com", Visitor(user_id=ada.user.id))

    assert grace.user.id != ada.user.id


def test_an_anonymous_user_who_signs_in_is_the_other_user_then(plain: Livefile) -> None:
    ada = sign_up(plain)
    anonymous = run(plain.accounts.sign_in_anonymously(NOBODY))
    visitor = Visitor(user_id=anonymous.user.id)

    assert run(plain.accounts.sign_in(visitor, ADA, SECRET)).user == ada.user

"""Codes by e-mail: what they open, what they must not, and how often they are given."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import (
    Grant,
    Livefile,
    ManualClock,
    OverloadedError,
    Proof,
    limits,
)
from tests.accounts_app import (
    ADA,
    NOBODY,
    OTHER_SECRET,
    SECRET,
    newest_code,
    open_accounts,
    refusal,
    request_code,
    run,
    sign_in,
    sign_up,
    signed_up_by_code,
    verify,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def livefile(tmp_path: Path, clock: ManualClock) -> Iterator[Livefile]:
    """Passwords, anonymous users and codes."""
    with open_accounts(tmp_path, clock=clock) as opened:
        yield opened


def test_a_code_makes_a_user_whose_address_is_proved(livefile: Livefile) -> None:
    grant = verify(livefile, request_code(livefile), newest_code(livefile, ADA))
    again = verify(livefile, request_code(livefile), newest_code(livefile, ADA, 2))

    assert grant.user.is_email_verified
    assert again.user == grant.user


def test_with_codes_a_sign_up_waits_for_one(livefile: Livefile) -> None:
    ticket = run(livefile.accounts.sign_up(NOBODY, ADA, SECRET, "Ada"))
    refusal(lambda: sign_in(livefile))
    assert isinstance(ticket, str)
    grant = verify(livefile, ticket, newest_code(livefile, ADA))

    assert (grant.user.name, grant.user.is_email_verified) == ("Ada", True)
    assert sign_in(livefile).user == grant.user


def test_a_code_is_good_once_and_for_its_ticket_only(livefile: Livefile) -> None:
    ticket = request_code(livefile)
    first = newest_code(livefile, ADA)
    other_ticket = request_code(livefile)
    second = newest_code(livefile, ADA, 2)

    assert refusal(lambda: verify(livefile, ticket, second))[0] == "InvalidCode"
    assert refusal(lambda: verify(livefile, "x", first))[0] == "InvalidCode"
    verify(livefile, ticket, f" {first} ")
    assert refusal(lambda: verify(livefile, ticket, first))[0] == "InvalidCode"
    verify(livefile, other_ticket, second)


def test_a_code_is_over_after_a_while(livefile: Livefile, clock: ManualClock) -> None:
    ticket = request_code(livefile)
    code = newest_code(livefile, ADA)
    clock.advance_ms(limits.CODE_AGE_MS_MAX + 1)

    assert refusal(lambda: verify(livefile, ticket, code))[0] == "InvalidCode"


def test_a_code_is_over_after_some_tries(livefile: Livefile) -> None:
    ticket = request_code(livefile)
    code = newest_code(livefile, ADA)
    wrong = f"{(int(code) + 1) % 10**8:08}"
    refusals = {
        refusal(lambda: verify(livefile, ticket, wrong)) for _ in range(limits.CODE_TRIES_MAX)
    }

    assert refusals == {refusal(lambda: verify(livefile, ticket, code))}


def test_codes_are_asked_for_so_often_only(livefile: Livefile, clock: ManualClock) -> None:
    for _ in range(limits.CODES_ASKED_MAX):
        request_code(livefile)

    with pytest.raises(OverloadedError):
        request_code(livefile)
    request_code(livefile, "grace@example.com")
    clock.advance_ms(limits.CODES_ASKED_INTERVAL_MS)
    request_code(livefile)


def test_a_forgotten_password_is_replaced_by_a_code(livefile: Livefile) -> None:
    first = signed_up_by_code(livefile)
    ticket = request_code(livefile, purpose="reset")
    code = newest_code(livefile, ADA, 2)
    grant = verify(livefile, ticket, code, OTHER_SECRET)

    assert grant.user == first.user
    refusal(lambda: run(livefile.accounts.refresh(first.refresh_token)))
    refusal(lambda: sign_in(livefile, SECRET))
    assert sign_in(livefile, OTHER_SECRET).user == first.user


def test_a_code_to_sign_in_sets_no_password_and_one_for_a_reset_does_nothing_else(
    livefile: Livefile,
) -> None:
    signed_up_by_code(livefile)
    ticket = request_code(livefile)
    code = newest_code(livefile, ADA, 2)
    reset_ticket = request_code(livefile, purpose="reset")
    reset_code = newest_code(livefile, ADA, 3)

    refusal(lambda: verify(livefile, ticket, code, OTHER_SECRET))
    refusal(lambda: verify(livefile, reset_ticket, reset_code))
    assert sign_in(livefile).user.email == ADA


def test_a_reset_for_an_unknown_address_looks_the_same_and_sends_nothing(
    livefile: Livefile,
) -> None:
    signed_up_by_code(livefile)
    known = request_code(livefile, purpose="reset")
    unknown = request_code(livefile, "nobody@example.com", "reset")
    newest_code(livefile, ADA, 2)
    request_code(livefile)
    newest_code(livefile, ADA, 3)

    assert len(known) == len(unknown)
    assert {email for email, _ in livefile.query("notes:sent")} == {ADA}
    assert refusal(lambda: verify(livefile, unknown, "00000000")) == refusal(
        lambda: verify(livefile, known, "x")
    )


def test_who_signed_up_with_anothers_address_is_locked_out_once_it_is_proved(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "file.db"
    with open_accounts(tmp_path, "Password()", path=path, clock=clock) as livefile:
        squatter = sign_up(livefile)
    with open_accounts(tmp_path, path=path, clock=clock) as livefile:
        owner = verify(livefile, request_code(livefile), newest_code(livefile, ADA))

        assert owner.user.is_email_verified
        refusal(lambda: sign_in(livefile))
        refusal(lambda: run(livefile.accounts.refresh(squatter.refresh_token)))


def test_proofs_of_others_join_by_proved_addresses_only(livefile: Livefile) -> None:
    ada = signed_up_by_code(livefile)

    def prove(subject: str, *, is_verified: bool) -> Grant:
        proof = Proof(
            provider="oauth:google", subject=subject, email=ADA, is_email_verified=is_verified
        )
        return run(livefile.accounts.sign_in_by(NOBODY, proof))

    assert prove("1", is_verified=False).user.id != ada.user.id
    assert prove("2", is_verified=True).user.id == ada.user.id
    assert prove("2", is_verified=False).user.id == ada.user.id

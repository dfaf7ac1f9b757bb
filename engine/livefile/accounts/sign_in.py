"""The transactions by which somebody is signed in: each checks, changes and begins a session.

They raise nothing once they have written what must stay, such as a try that was used.

Not here: what comes before them (``account_service.py``).
"""

from livefile.accounts import code as codes
from livefile.accounts import session
from livefile.accounts.account import (
    EMAIL,
    PASSWORD,
    Proof,
    find_password,
    set_password,
    sign_in_by,
)
from livefile.accounts.code import CodePurpose, NewCode, ProvedCode
from livefile.accounts.session import Grant
from livefile.accounts.user import add_user, find_user, find_verified
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import UnauthenticatedError


def refused() -> UnauthenticatedError:
    """Return the error for a wrong address or a wrong password; nobody is told which."""
    return UnauthenticatedError("InvalidCredentials", "The e-mail address or the password is wrong")


def begin_anonymously(transaction: Transaction) -> Grant:
    """Sign a new user without an account in."""
    return session.begin(transaction, add_user(transaction, is_anonymous=True))


def begin_by_proof(transaction: Transaction, proof: Proof, anonymous_id: str | None) -> Grant:
    """Sign the owner of a proof in."""
    return session.begin(transaction, sign_in_by(transaction, proof, anonymous_id))


def begin_by_password(
    transaction: Transaction, email: str, hash: str, newer_hash: str | None = None
) -> Grant:
    """Sign a user in whose password was right, if it is still the one of ``hash``.

    ``newer_hash`` is the same password at today's costs.
    """
    account = find_password(transaction, email)
    user = None if account is None else find_user(transaction, account.user_id)
    if account is None or account.hash != hash or user is None:
        raise refused()  # It was changed in the meantime.
    if newer_hash is not None:
        set_password(transaction, user, email, newer_hash)
    return session.begin(transaction, user)


def sign_up(
    transaction: Transaction, email: str, hash: str, name: str | None, anonymous_id: str | None
) -> Grant:
    """Make an account with a password for an address that nobody has proved to have."""
    if find_password(transaction, email) is not None:
        raise refused()
    proof = Proof(provider=PASSWORD, subject=email, email=email, name=name)
    user = sign_in_by(transaction, proof, anonymous_id)
    set_password(transaction, user, email, hash)
    return session.begin(transaction, user)


def change_password(transaction: Transaction, email: str, hash: str, new_hash: str) -> Grant:
    """Replace a password that is still the one of ``hash``; every session but a new one ends."""
    account = find_password(transaction, email)
    user = None if account is None else find_user(transaction, account.user_id)
    if account is None or account.hash != hash or user is None:
        raise refused()
    set_password(transaction, user, email, new_hash)
    session.end_all(transaction, user.id)
    return session.begin(transaction, user)


def keep_code(transaction: Transaction, code: NewCode) -> bool:
    """Keep a code; tell whether it is to be sent. A reset needs a user, but looks the same."""
    codes.keep(transaction, code)
    return code.purpose is not CodePurpose.RESET or _has_user(transaction, code.email)


def begin_by_code(
    transaction: Transaction,
    ticket: str,
    digits: str,
    reset_hash: str | None,
    anonymous_id: str | None,
) -> Grant | None:
    """Sign the owner of an address in, None if the code does not prove that it is theirs.

    ``reset_hash`` is that of the new password, for a reset and nothing else.
    """
    proved = codes.use(transaction, ticket, digits)
    if proved is None:
        return None
    is_reset = proved.purpose is CodePurpose.RESET
    if is_reset != (reset_hash is not None):
        return None
    if is_reset and not _has_user(transaction, proved.email):
        return None
    return _begin_by_proved(transaction, proved, reset_hash or proved.password_hash, anonymous_id)


def _begin_by_proved(
    transaction: Transaction, proved: ProvedCode, new_hash: str | None, anonymous_id: str | None
) -> Grant:
    proof = Proof(
        provider=EMAIL,
        subject=proved.email,
        email=proved.email,
        is_email_verified=True,
        name=proved.name,
    )
    user = sign_in_by(transaction, proof, anonymous_id)
    if new_hash is not None:
        set_password(transaction, user, proved.email, new_hash)
        session.end_all(transaction, user.id)
    return session.begin(transaction, user)


def _has_user(transaction: Transaction, email: str) -> bool:
    has_password = find_password(transaction, email) is not None
    return has_password or find_verified(transaction, email) is not None

"""Accounts: the documents of ``_auth_accounts``, one for each way in which a user signs in.

``provider`` is ``password``, ``email`` or ``oauth:<name>``, ``subject`` what the provider calls the
user; a password has its ``hash`` here. A user may have several. Apps do not see them.

Not here: what the user is otherwise (``user.py``).
"""

from dataclasses import dataclass
from typing import cast

from livefile.accounts import session
from livefile.accounts.lookup import find_all, find_one
from livefile.accounts.user import User, add_user, change_user, find_user, find_verified
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document

TABLE = "_auth_accounts"
PASSWORD = "password"
EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What somebody has just proved: that they are ``subject`` at ``provider``."""

    provider: str
    subject: str
    email: str | None = None
    is_email_verified: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class PasswordAccount:
    """The e-mail address and the hash by which a user signs in."""

    user_id: str
    email: str
    hash: str


def sign_in_by(transaction: Transaction, proof: Proof, anonymous_id: str | None) -> User:
    """Return whom a proof is of: a user who has the account, or one who gets it now.

    A new account with a verified e-mail address goes to the user who has that address; else to the
    anonymous user who asks; else to a new one.
    """
    account = _find(transaction, proof.provider, proof.subject)
    if account is not None:
        user = find_user(transaction, cast(str, account["userId"]))
        assert user is not None  # Nobody deletes one.
    else:
        user = _owner_of_new(transaction, proof, anonymous_id)
        transaction.insert(
            TABLE,
            {"userId": user.id, "provider": proof.provider, "subject": proof.subject},
        )
    return change_user(transaction, user, _news(user, proof))


def find_password(transaction: Transaction, email: str) -> PasswordAccount | None:
    """Return the password of an address, None if it has none."""
    found = _find(transaction, PASSWORD, email)
    return None if found is None else _password_of(found)


def find_password_of(transaction: Transaction, user_id: str) -> PasswordAccount | None:
    """Return the password of a user, None for users without."""
    for found in find_all(transaction, TABLE, "by_user", user_id):
        if found["provider"] == PASSWORD:
            return _password_of(found)
    return None


def set_password(transaction: Transaction, user: User, email: str, hash: str) -> None:
    """Let a user sign in by an address and the password of a hash, and nobody else by it."""
    found = _find(transaction, PASSWORD, email)
    fields: Document = {"userId": user.id, "hash": hash}
    if found is None:
        transaction.insert(TABLE, {"provider": PASSWORD, "subject": email, **fields})
    else:
        transaction.patch(cast(str, found["_id"]), fields)


def _owner_of_new(transaction: Transaction, proof: Proof, anonymous_id: str | None) -> User:
    if proof.email is not None and proof.is_email_verified:
        known = find_verified(transaction, proof.email) or _reclaimed(transaction, proof.email)
        if known is not None:
            return known
    asking = None if anonymous_id is None else find_user(transaction, anonymous_id)
    if asking is not None and asking.is_anonymous:
        return asking
    return add_user(transaction, is_anonymous=False)


def _reclaimed(transaction: Transaction, email: str) -> User | None:
    """Return the user who signed up with an address that only now somebody proves to have.

    It may have been somebody else, in wait for the owner: nothing that they know opens it now.
    """
    password = find_password(transaction, email)
    user = None if password is None else find_user(transaction, password.user_id)
    if user is None or user.is_email_verified or user.email != email:
        return None
    for account in find_all(transaction, TABLE, "by_user", user.id):
        transaction.delete(cast(str, account["_id"]))
    session.end_all(transaction, user.id)
    return user


def _news(user: User, proof: Proof) -> Document:
    """Return what a proof says of a user and the user's document does not."""
    news: Document = {}
    if user.is_anonymous:
        news["isAnonymous"] = False
    is_proved_now = proof.is_email_verified and not user.is_email_verified
    if proof.email is not None and (user.email is None or is_proved_now):
        news["email"] = proof.email
        news["emailVerified"] = proof.is_email_verified
    if proof.name is not None and user.name is None:
        news["name"] = proof.name
    return news


def _find(transaction: Transaction, provider: str, subject: str) -> Document | None:
    return find_one(transaction, TABLE, "by_subject", provider, subject)


def _password_of(found: Document) -> PasswordAccount:
    return PasswordAccount(
        user_id=cast(str, found["userId"]),
        email=cast(str, found["subject"]),
        hash=cast(str, found["hash"]),
    )

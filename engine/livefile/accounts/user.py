"""Users: the documents of ``_users``, which apps may read.

``{email?, emailVerified?, name?, isAnonymous}``. The id is what tokens call the user.

Not here: how a user signs in (``account.py``), and for how long (``session.py``).
"""

import re
from dataclasses import dataclass
from typing import cast

from livefile.accounts.lookup import find_all, get_of
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import BadRequestError
from livefile.vocabulary.limits import EMAIL_LENGTH_MAX, USER_NAME_LENGTH_MAX

USERS = "_users"

_EMAIL = re.compile(r"[^\s@<>\"',;:\\()\[\]]+@[^\s@<>\"',;:\\()\[\]]+")


@dataclass(frozen=True, slots=True)
class User:
    """One user, as tokens name them."""

    id: str
    email: str | None
    is_email_verified: bool
    name: str | None
    is_anonymous: bool


def normal_email(text: object) -> str:
    """Return an e-mail address in the one form in which it is kept.

    Raises:
        BadRequestError: it is none.
    """
    if isinstance(text, str):
        email = text.strip().lower()
        is_one = _EMAIL.fullmatch(email) is not None and email.isprintable()
        if is_one and len(email) <= EMAIL_LENGTH_MAX:
            return email
    raise BadRequestError("InvalidEmail", f"email must be an address, not {text!r:.100}")


def normal_name(text: object) -> str | None:
    """Return a user's name, None for none.

    Raises:
        BadRequestError: it can be no name.
    """
    if text is None:
        return None
    if isinstance(text, str) and text.isprintable():
        name = text.strip()
        if len(name) <= USER_NAME_LENGTH_MAX:
            return name or None
    raise BadRequestError(
        "InvalidName",
        f"name must be a text of up to {USER_NAME_LENGTH_MAX} characters, not {text!r:.100}",
    )


def find_user(transaction: Transaction, user_id: str) -> User | None:
    """Return a user by id, None if there is none."""
    found = get_of(transaction, USERS, user_id)
    return None if found is None else _user_of(found)


def find_verified(transaction: Transaction, email: str) -> User | None:
    """Return the user who has proved to have an e-mail address, None if there is none."""
    for found in find_all(transaction, USERS, "by_email", email):
        if found.get("emailVerified") is True:
            return _user_of(found)
    return None


def add_user(transaction: Transaction, *, is_anonymous: bool) -> User:
    """Add a user without any account."""
    return _found(transaction, transaction.insert(USERS, {"isAnonymous": is_anonymous}))


def change_user(transaction: Transaction, user: User, changes: Document) -> User:
    """Change fields of a user's document and return the user."""
    if not changes:
        return user
    transaction.patch(user.id, changes)
    return _found(transaction, user.id)


def _found(transaction: Transaction, user_id: str) -> User:
    user = find_user(transaction, user_id)
    assert user is not None
    return user


def _user_of(document: Document) -> User:
    return User(
        id=cast(str, document["_id"]),
        email=cast(str | None, document.get("email")),
        is_email_verified=document.get("emailVerified") is True,
        name=cast(str | None, document.get("name")),
        is_anonymous=document["isAnonymous"] is True,
    )

"""Codes by e-mail: the documents of ``_auth_codes``, one for each code that somebody asked for.

Whoever asks gets a ticket, and the code goes to the address. Both are needed in the end, so nobody
can have another one type a code that was asked for with other intents. A document keeps hashes,
how many tries are left, and what the code is for: for a sign-up also the password's hash.

Not here: sending (``code_sender.py``); how often codes may be asked for (``attempts.py``).
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import Enum
from typing import cast

from livefile.accounts.lookup import find_due, find_one
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.limits import (
    CODE_AGE_MS_MAX,
    CODE_DIGITS,
    CODE_TRIES_MAX,
    CODES_REMOVED_MAX,
)

TABLE = "_auth_codes"


class CodePurpose(Enum):
    """What a code is for. The value is its word in requests."""

    SIGN_IN = "signIn"
    SIGN_UP = "signUp"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """A code to be kept. ``password_hash`` and ``name`` are those of a sign-up."""

    purpose: CodePurpose
    email: str
    ticket: str
    digits: str
    password_hash: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedCode:
    """A code that was right, and so is the address."""

    purpose: CodePurpose
    email: str
    password_hash: str | None
    name: str | None


def new_ticket() -> str:
    """Return a ticket that nobody can guess."""
    return secrets.token_urlsafe(32)


def new_digits() -> str:
    """Return a code."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def keep(transaction: Transaction, code: NewCode) -> None:
    """Keep a code until it is used or over."""
    _remove_expired(transaction)
    transaction.insert(
        TABLE,
        {
            "purpose": code.purpose.value,
            "email": code.email,
            "ticketHash": _hash(code.ticket, ""),
            "codeHash": _hash(code.ticket, code.digits),
            "expiresMs": transaction.now_ns / 1e6 + CODE_AGE_MS_MAX,
            "triesLeft": float(CODE_TRIES_MAX),
            "passwordHash": code.password_hash,
            "name": code.name,
        },
    )


def use(transaction: Transaction, ticket: str, digits: str) -> ProvedCode | None:
    """Return what a code proves, once; None if it is wrong, over or unknown.

    To be committed in both cases: a wrong one costs a try.
    """
    found = find_one(transaction, TABLE, "by_ticket", _hash(ticket, ""))
    if found is None:
        return None
    tries_left = cast(float, found["triesLeft"]) - 1
    is_over = transaction.now_ns / 1e6 >= cast(float, found["expiresMs"])
    is_right = hmac.compare_digest(cast(str, found["codeHash"]), _hash(ticket, digits))
    if is_right or is_over or tries_left <= 0:
        transaction.delete(cast(str, found["_id"]))
    else:
        transaction.patch(cast(str, found["_id"]), {"triesLeft": tries_left})
    return _proved(found) if is_right and not is_over else None


def _proved(found: Document) -> ProvedCode:
    return ProvedCode(
        purpose=CodePurpose(found["purpose"]),
        email=cast(str, found["email"]),
        password_hash=cast(str | None, found["passwordHash"]),
        name=cast(str | None, found["name"]),
    )


def _remove_expired(transaction: Transaction) -> None:
    for _ in range(CODES_REMOVED_MAX):
        found = find_due(transaction, TABLE, "by_expiry", transaction.now_ns / 1e6)
        if found is None:
            return
        transaction.delete(cast(str, found["_id"]))


# The ticket is not kept, so whoever reads the file cannot try all codes either.
def _hash(ticket: str, digits: str) -> str:
    return hashlib.sha256(f"{ticket}:{digits}".encode(errors="surrogatepass")).hexdigest()

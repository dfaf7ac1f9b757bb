"""Sessions: the documents of ``_auth_sessions``, one for each sign-in that lasts.

    refresh token = id of the session "." base64url(key of the session + secret)

A refresh token is exchanged for a new one at every use, and only hashes are kept. The key is the
same in all tokens of a session, so a token with a right key and an unknown secret is an old one:
somebody has a copy, and the session ends. But a token may be used once more for a short while,
because two tabs may use it at one time, and an answer may be lost on its way.

``fresh`` are the hashes of tokens that nobody used, ``used`` those whose while is not over.

Not here: access tokens, which are the server's (``auth/own_issuer.py``).
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import cast

from livefile.accounts.lookup import find_all, find_due, get_of
from livefile.accounts.user import User, find_user
from livefile.model.value import Value
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.limits import (
    REFRESH_TOKEN_GRACE_MS_MAX,
    REFRESH_TOKENS_FRESH_MAX,
    SESSION_AGE_MS_MAX,
    SESSION_IDLE_MS_MAX,
    SESSIONS_PER_USER_MAX,
    SESSIONS_REMOVED_MAX,
)

TABLE = "_auth_sessions"

_KEY_LENGTH = 16
_SECRET_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Grant:
    """What a sign-in or a refresh gives: who it is, and the token for the next refresh."""

    user: User
    session_id: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class _Token:
    session_id: str
    key: bytes
    secret_hash: bytes


def begin(transaction: Transaction, user: User) -> Grant:
    """Begin a session. Of too many of one user the oldest ends."""
    _remove_expired(transaction)
    before = find_all(transaction, TABLE, "by_user", user.id)
    for session in before[: max(0, len(before) + 1 - SESSIONS_PER_USER_MAX)]:
        transaction.delete(cast(str, session["_id"]))
    key = secrets.token_bytes(_KEY_LENGTH)
    secret = secrets.token_bytes(_SECRET_LENGTH)
    now_ms = transaction.now_ns / 1e6
    session_id = transaction.insert(
        TABLE,
        {
            "userId": user.id,
            "keyHash": _hash(key),
            "fresh": [_hash(secret)],
            "used": [],
            "endMs": now_ms + SESSION_AGE_MS_MAX,
            "expiresMs": now_ms + min(SESSION_IDLE_MS_MAX, SESSION_AGE_MS_MAX),
        },
    )
    return Grant(user=user, session_id=session_id, refresh_token=_spell(session_id, key, secret))


def refresh(transaction: Transaction, refresh_token: str) -> Grant | None:
    """Exchange a refresh token; None if it is refused. One that was used before ends its session.

    To be committed in both cases.
    """
    token = _read(refresh_token)
    session = None if token is None else _find(transaction, token)
    if token is None or session is None:
        return None
    now_ms = transaction.now_ns / 1e6
    session_id = cast(str, session["_id"])
    user = find_user(transaction, cast(str, session["userId"]))
    if now_ms >= cast(float, session["expiresMs"]) or user is None:
        transaction.delete(session_id)
        return None
    fresh = cast(list[bytes], session["fresh"])
    used = _still_good(session, now_ms)
    if _is_in(token.secret_hash, fresh):
        # The others are for whoever lost an answer; they are now as good as used.
        used += [{"hash": each, "usedMs": now_ms} for each in fresh]
        fresh = []
    elif len(fresh) >= REFRESH_TOKENS_FRESH_MAX or not _is_in(
        token.secret_hash, [cast(bytes, each["hash"]) for each in used]
    ):
        transaction.delete(session_id)
        return None
    secret = secrets.token_bytes(_SECRET_LENGTH)
    end_ms = cast(float, session["endMs"])
    transaction.patch(
        session_id,
        {
            "fresh": [*fresh, _hash(secret)],
            "used": list[Value](used),
            "expiresMs": min(end_ms, now_ms + SESSION_IDLE_MS_MAX),
        },
    )
    return Grant(
        user=user, session_id=session_id, refresh_token=_spell(session_id, token.key, secret)
    )


def end(transaction: Transaction, refresh_token: str, *, is_everywhere: bool) -> None:
    """End the session of a refresh token, be it an old one, or all of its user.

    A token that is no token of any session ends nothing.
    """
    token = _read(refresh_token)
    session = None if token is None else _find(transaction, token)
    if session is None:
        return
    if is_everywhere:
        end_all(transaction, cast(str, session["userId"]))
    else:
        transaction.delete(cast(str, session["_id"]))


def end_all(transaction: Transaction, user_id: str) -> None:
    """End all sessions of a user."""
    for session in find_all(transaction, TABLE, "by_user", user_id):
        transaction.delete(cast(str, session["_id"]))


def _find(transaction: Transaction, token: _Token) -> Document | None:
    session = get_of(transaction, TABLE, token.session_id)
    if session is None or not hmac.compare_digest(
        cast(bytes, session["keyHash"]), _hash(token.key)
    ):
        return None
    return session


def _still_good(session: Document, now_ms: float) -> list[Document]:
    """Return the used tokens whose while is not over. A clock that went back makes none good."""
    return [
        each
        for each in cast(list[Document], session["used"])
        if 0 <= now_ms - cast(float, each["usedMs"]) < REFRESH_TOKEN_GRACE_MS_MAX
    ]


def _is_in(wanted: bytes, hashes: list[bytes]) -> bool:
    # A list, so that every comparison is made.
    return any([hmac.compare_digest(wanted, each) for each in hashes])


def _remove_expired(transaction: Transaction) -> None:
    for _ in range(SESSIONS_REMOVED_MAX):
        session = find_due(transaction, TABLE, "by_expiry", transaction.now_ns / 1e6)
        if session is None:
            return
        transaction.delete(cast(str, session["_id"]))


def _spell(session_id: str, key: bytes, secret: bytes) -> str:
    return f"{session_id}.{urlsafe_b64encode(key + secret).decode()}"


def _read(refresh_token: str) -> _Token | None:
    session_id, _, encoded = refresh_token.partition(".")
    try:
        packed = urlsafe_b64decode(encoded)
    except (Base64Error, ValueError):
        return None
    # 48 bytes are 64 characters without a rest, so there is one spelling only.
    if len(packed) != _KEY_LENGTH + _SECRET_LENGTH or urlsafe_b64encode(packed).decode() != encoded:
        return None
    return _Token(
        session_id=session_id,
        key=packed[:_KEY_LENGTH],
        secret_hash=_hash(packed[_KEY_LENGTH:]),
    )


# A plain hash is enough: there is nothing to guess.
def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()

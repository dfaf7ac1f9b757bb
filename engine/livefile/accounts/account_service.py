"""What a deployment does for accounts: signing in and up, refreshing, codes, passwords.

Everything that changes is one small transaction at the head. Passwords are hashed before it, on
threads of their own, and what was looked at meanwhile is looked at again.

Answers do not tell whether an address has an account: an unknown one takes as long and says the
same. The one exception is ``Password`` without ``EmailCode``, where making an account cannot hide
that there was one.

Not here: access tokens and HTTP (the server).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from livefile.accounts import code as codes
from livefile.accounts import password_hashes, session, sign_in, signing_keys
from livefile.accounts.account import PasswordAccount, Proof, find_password, find_password_of
from livefile.accounts.attempts import Attempts
from livefile.accounts.code import CodePurpose, NewCode
from livefile.accounts.code_sender import CodeSender, Submit
from livefile.accounts.configuration import Accounts
from livefile.accounts.methods import Anonymous, EmailCode, Password
from livefile.accounts.password_hashes import PasswordHashes
from livefile.accounts.session import Grant
from livefile.accounts.signing_keys import SigningKeys
from livefile.accounts.user import normal_email, normal_name
from livefile.functions.app import App
from livefile.functions.awaited_answer import answer_of
from livefile.functions.system_transactions import SystemTransactions
from livefile.sqlite import settings
from livefile.transaction.committer import Committer
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import BadRequestError, UnauthenticatedError
from livefile.vocabulary.limits import (
    ACCOUNTS_MADE_INTERVAL_MS,
    ACCOUNTS_MADE_MAX,
    CODES_ASKED_INTERVAL_MS,
    CODES_ASKED_MAX,
    SIGN_INS_FAILED_INTERVAL_MS,
    SIGN_INS_FAILED_MAX,
    SIGN_INS_FAILED_PER_ADDRESS_MAX,
)

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: an address that is counted, and the id of the user that they are already."""

    address: str | None = None
    user_id: str | None = None


class AccountService:
    """The accounts of a deployment. Its coroutines run on one event loop."""

    def __init__(self, system: SystemTransactions, app: Callable[[], App], submit: Submit) -> None:
        """Take what changes documents, the app that runs, and the entrance for calls."""
        self._system = system
        self._app = app
        self._hashes = PasswordHashes()
        self.sender = CodeSender(app, submit)
        """Sends the codes."""
        self._keys: SigningKeys | None = None
        now_ns = self._now_ns
        failed = "failed sign-ins"
        slow, slowly = SIGN_INS_FAILED_INTERVAL_MS, CODES_ASKED_INTERVAL_MS
        self._failed = Attempts(SIGN_INS_FAILED_MAX, slow, failed, now_ns)
        self._failed_from = Attempts(SIGN_INS_FAILED_PER_ADDRESS_MAX, slow, failed, now_ns)
        self._asked = Attempts(CODES_ASKED_MAX, slowly, "codes were asked for", now_ns)
        self._made_from = Attempts(
            ACCOUNTS_MADE_MAX, ACCOUNTS_MADE_INTERVAL_MS, "new accounts and codes", now_ns
        )

    @property
    def configuration(self) -> Accounts | None:
        """How the app that runs has users signed in here, None if it does not."""
        own = self._app().auth_config.own_issuer
        return own if isinstance(own, Accounts) else None

    def require(self) -> Accounts:
        """Return the same.

        Raises:
            BadRequestError: the app has no accounts.
        """
        found = self.configuration
        if found is None:
            raise BadRequestError(
                "SignInNotOffered", "This app has no Accounts in its auth_config.py"
            )
        return found

    async def signing_keys(self, now_ms: int) -> SigningKeys:
        """Return the keys that sign and have signed; they are made and replaced as it is due."""
        known = self._keys
        if known is not None and known.is_current(now_ms):
            return known
        job = partial(_rotate_keys, now_ms)
        found: SigningKeys = await answer_of(partial(self._system.submit_work, "accounts", job))
        self._keys = found
        return found

    # --- Passwords --------------------------------------------------------------------------

    async def sign_up(
        self, visitor: Visitor, email: object, password: object, name: object = None
    ) -> Grant | str:
        """Make an account with a password. With ``EmailCode`` it takes a code, too.

        Returns:
            The session; or the ticket with which ``verify_code`` completes it.

        Raises:
            UnauthenticatedError: the address has an account with another password.
        """
        configuration = self.require()
        method = configuration.require(Password)
        address, known_as = normal_email(email), normal_name(name)
        text = password_hashes.check_new(password, method.length_min)
        sender = configuration.find(EmailCode)
        if sender is not None:
            self.sender.check(sender)
            self._take_code(visitor, address)
            hash = await self._hashes.make(text)
            return await self._send_code(
                sender, CodePurpose.SIGN_UP, address, password_hash=hash, name=known_as
            )
        self._made_from.take(visitor.address)
        # Always both, so that the time does not tell which of them it was.
        account = await self._read(partial(find_password, email=address))
        is_right = await self._check(visitor, address, account, text)
        hash = await self._hashes.make(text)
        if account is None:
            self._forgive(visitor, address)
            return await self._run(
                partial(
                    sign_in.sign_up,
                    email=address,
                    hash=hash,
                    name=known_as,
                    anonymous_id=visitor.user_id,
                )
            )
        if not is_right:
            raise sign_in.refused()
        return await self._run(partial(sign_in.begin_by_password, email=address, hash=account.hash))

    async def sign_in(self, visitor: Visitor, email: object, password: object) -> Grant:
        """Begin a session by a password.

        Raises:
            UnauthenticatedError: the address or the password is wrong.
            OverloadedError: too many were wrong.
        """
        self.require().require(Password)
        address, text = normal_email(email), password_hashes.check_given(password)
        account = await self._read(partial(find_password, email=address))
        if not await self._check(visitor, address, account, text) or account is None:
            raise sign_in.refused()
        newer_hash = None
        if self._hashes.is_outdated(account.hash):
            newer_hash = await self._hashes.make(text)
        return await self._run(
            partial(
                sign_in.begin_by_password,
                email=address,
                hash=account.hash,
                newer_hash=newer_hash,
            )
        )

    async def change_password(
        self, visitor: Visitor, password: object, new_password: object
    ) -> Grant:
        """Replace the password of the user that the visitor is; all other sessions end.

        Raises:
            UnauthenticatedError: nobody is signed in, or the password is wrong.
        """
        method = self.require().require(Password)
        text = password_hashes.check_given(password)
        new_text = password_hashes.check_new(new_password, method.length_min)
        if visitor.user_id is None:
            raise UnauthenticatedError("Unauthenticated", "Sign in to change the password")
        account = await self._read(partial(find_password_of, user_id=visitor.user_id))
        if account is None:
            raise sign_in.refused()
        if not await self._check(visitor, account.email, account, text):
            raise sign_in.refused()
        new_hash = await self._hashes.make(new_text)
        return await self._run(
            partial(
                sign_in.change_password,
                email=account.email,
                hash=account.hash,
                new_hash=new_hash,
            )
        )

    # --- Codes ------------------------------------------------------------------------------

    async def request_code(self, visitor: Visitor, email: object, purpose: object) -> str:
        """Send a code to sign in, or to set a password; return the ticket that goes with it.

        Raises:
            OverloadedError: too many codes were asked for.
        """
        configuration = self.require()
        sender = configuration.require(EmailCode)
        if purpose not in (CodePurpose.SIGN_IN.value, CodePurpose.RESET.value):
            raise BadRequestError(
                "BadJsonBody", f"purpose must be signIn or reset, not {purpose!r:.60}"
            )
        wanted = CodePurpose(purpose)
        if wanted is CodePurpose.RESET:
            configuration.require(Password)
        self.sender.check(sender)
        address = normal_email(email)
        self._take_code(visitor, address)
        return await self._send_code(sender, wanted, address)

    async def verify_code(
        self, visitor: Visitor, ticket: object, digits: object, new_password: object = None
    ) -> Grant:
        """Begin a session by a code. One for a reset takes the new password.

        Raises:
            UnauthenticatedError: the code is wrong, used, over, or was tried too often.
        """
        configuration = self.require()
        configuration.require(EmailCode)
        if not isinstance(ticket, str) or not isinstance(digits, str):
            raise BadRequestError("BadJsonBody", "ticket and code must be texts")
        hash = None
        if new_password is not None:
            method = configuration.require(Password)
            hash = await self._hashes.make(
                password_hashes.check_new(new_password, method.length_min)
            )
        grant = await self._run(
            partial(
                sign_in.begin_by_code,
                ticket=ticket,
                digits=digits.strip(),
                reset_hash=hash,
                anonymous_id=visitor.user_id,
            )
        )
        if grant is None:
            raise UnauthenticatedError("InvalidCode", "The code is wrong or too old")
        return grant

    # --- Sessions ---------------------------------------------------------------------------

    async def sign_in_anonymously(self, visitor: Visitor) -> Grant:
        """Begin a session of a new user without an account."""
        self.require().require(Anonymous)
        self._made_from.take(visitor.address)
        return await self._run(sign_in.begin_anonymously)

    async def sign_in_by(self, visitor: Visitor, proof: Proof) -> Grant:
        """Begin a session by what another issuer says, whose word was checked.

        An address or a name that cannot be is left out.
        """
        sound = _sound(proof)
        return await self._run(
            partial(sign_in.begin_by_proof, proof=sound, anonymous_id=visitor.user_id)
        )

    async def refresh(self, refresh_token: object) -> Grant:
        """Exchange a refresh token.

        Raises:
            UnauthenticatedError: it is none, its session is over, or it was used before.
        """
        self.require()
        grant = None
        if isinstance(refresh_token, str):
            grant = await self._run(partial(session.refresh, refresh_token=refresh_token))
        if grant is None:
            raise UnauthenticatedError("InvalidRefreshToken", "The session is over; sign in again")
        return grant

    async def sign_out(self, refresh_token: object, *, is_everywhere: bool = False) -> None:
        """End the session of a refresh token, or all of its user; not an error if it is none."""
        if isinstance(refresh_token, str):
            body = partial(session.end, refresh_token=refresh_token, is_everywhere=is_everywhere)
            await self._run(body)

    def close(self) -> None:
        """End the threads that hash passwords."""
        self._hashes.close()

    # --- Inside -----------------------------------------------------------------------------

    def _now_ns(self) -> int:
        return self._system.now_ns

    async def _run(self, body: Callable[[Transaction], R]) -> R:
        return await answer_of(partial(self._system.submit, "accounts", body))

    async def _read(self, body: Callable[[Transaction], R]) -> R:
        return await asyncio.to_thread(self._system.read, body)

    async def _check(
        self, visitor: Visitor, email: str, account: PasswordAccount | None, password: str
    ) -> bool:
        """Compare a password. It counts as failed until it is known to be right."""
        self._failed_from.check(visitor.address)
        self._failed.take(password_hashes.fingerprint(email))
        self._failed_from.count(visitor.address)
        hash = None if account is None else account.hash
        is_right = await self._hashes.is_right(hash, password)
        if is_right:
            self._forgive(visitor, email)
        return is_right

    def _forgive(self, visitor: Visitor, email: str) -> None:
        self._failed.give_back(password_hashes.fingerprint(email))
        self._failed_from.give_back(visitor.address)

    def _take_code(self, visitor: Visitor, email: str) -> None:
        self._made_from.check(visitor.address)
        self._asked.take(password_hashes.fingerprint(email))
        self._made_from.count(visitor.address)

    async def _send_code(
        self,
        sender: EmailCode,
        purpose: CodePurpose,
        email: str,
        password_hash: str | None = None,
        name: str | None = None,
    ) -> str:
        code = NewCode(
            purpose=purpose,
            email=email,
            ticket=codes.new_ticket(),
            digits=codes.new_digits(),
            password_hash=password_hash,
            name=name,
        )
        is_wanted = await self._run(partial(sign_in.keep_code, code=code))
        if is_wanted:
            self.sender.send(sender, email, code.digits)
        return code.ticket


def _sound(proof: Proof) -> Proof:
    """Return a proof without an address or a name that cannot be."""
    email = name = None
    with suppress(BadRequestError):
        email = normal_email(proof.email)
    with suppress(BadRequestError):
        name = normal_name(proof.name)
    is_verified = proof.is_email_verified and email is not None
    return replace(proof, email=email, is_email_verified=is_verified, name=name)


def _rotate_keys(now_ms: int, transaction: Transaction, committer: Committer) -> SigningKeys:
    stored = committer.work(
        lambda connection, _: settings.read_setting(connection, signing_keys.SETTING)
    )
    before = signing_keys.decode_keys(stored)
    after = signing_keys.rotated(before, now_ms)
    if after is not before:
        committer.write_setting(signing_keys.SETTING, signing_keys.encode_keys(after))
    return after

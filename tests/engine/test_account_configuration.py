"""What an app may say of accounts, and what must not get out of them."""

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import (
    AppError,
    BadRequestError,
    Livefile,
    ManualClock,
)
from livefile.accounts import Accounts, Anonymous, EmailCode, OAuth, Password
from livefile.vocabulary.errors import DefinitionError
from tests.accounts_app import (
    ADA,
    NOBODY,
    SECRET,
    open_accounts,
    request_code,
    run,
    sign_up,
    signed_up_by_code,
    verify,
)
from tests.app_folder import write_app


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def livefile(tmp_path: Path, clock: ManualClock) -> Iterator[Livefile]:
    """Passwords, anonymous users and codes."""
    with open_accounts(tmp_path, clock=clock) as opened:
        yield opened


def test_ways_that_are_not_offered_are_refused(tmp_path: Path) -> None:
    with open_accounts(tmp_path, "Anonymous()") as livefile:
        accounts = livefile.accounts
        works: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: accounts.sign_up(NOBODY, ADA, SECRET),
            lambda: accounts.sign_in(NOBODY, ADA, SECRET),
            lambda: accounts.request_code(NOBODY, ADA, "signIn"),
        ]
        for work in works:
            with pytest.raises(BadRequestError) as refused:
                run(work())
            assert refused.value.code == "SignInNotOffered"


def test_codes_without_a_sender_are_refused_unless_somebody_shows_them(tmp_path: Path) -> None:
    shown: list[tuple[str, str]] = []
    with open_accounts(tmp_path, "EmailCode()") as livefile:
        with pytest.raises(BadRequestError) as refused:
            request_code(livefile)
        livefile.accounts.sender.show = lambda email, code: shown.append((email, code))
        ticket = request_code(livefile)
        ((email, code),) = shown

        assert refused.value.code == "NoCodeSender"
        assert email == ADA
        assert verify(livefile, ticket, code).user.email == ADA


@pytest.mark.parametrize(
    "make",
    [
        lambda: Accounts(),
        lambda: Accounts(Password(), Password()),
        lambda: Accounts("password"),  # type: ignore[arg-type]
        lambda: Accounts(Anonymous(), issuer="http://example.com"),
        lambda: Accounts(Anonymous(), return_to=("https://a.example/",)),
        lambda: Accounts(Anonymous(), return_to=("javascript://x",)),
        lambda: Password(length_min=4),
        lambda: EmailCode(send=print),  # type: ignore[arg-type]
        lambda: OAuth("go ogle", issuer="https://a.example", client_id="x"),
        lambda: OAuth("google", issuer="ftp://a.example", client_id="x"),
        lambda: OAuth("google", issuer="https://a.example", client_id=""),
        lambda: OAuth("google", issuer="https://a.example", client_id="x", scopes=("email",)),
    ],
)
def test_a_wrong_configuration_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(DefinitionError):
        make()


def test_a_sender_that_everybody_may_call_is_refused(tmp_path: Path) -> None:
    source = """
        from livefile import *
        from livefile.accounts import Accounts, EmailCode

        @action
        async def send(ctx: ActionCtx, email: str, code: str) -> None: ...

        auth = AuthConfig(Accounts(EmailCode(send=send)))
    """

    with pytest.raises(AppError, match="internal"):
        Livefile.open(":memory:", write_app(tmp_path, {"auth_config": source}))


def test_apps_read_users_and_nothing_else_of_accounts(livefile: Livefile, tmp_path: Path) -> None:
    signed_up_by_code(livefile)
    source = """
        from livefile import *

        @query
        def read(ctx: QueryCtx, table: str) -> int:
            return len(ctx.db.system.query(table).collect())

        @query
        def read_plainly(ctx: QueryCtx, table: str) -> int:
            return len(ctx.db.table(table).query().collect())
    """
    app = write_app(tmp_path, {"spy": source})
    with Livefile.open(":memory:", app) as spied:
        assert spied.query("spy:read", table="_users") == 0
        for table in ("_auth_accounts", "_auth_sessions", "_auth_codes"):
            for name in ("spy:read", "spy:read_plainly"):
                with pytest.raises(DefinitionError):
                    spied.query(name, table=table)


def test_nothing_in_the_file_is_a_password_a_code_or_a_token(tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    with open_accounts(tmp_path, "Password(), Anonymous()", path=path) as livefile:
        tokens = [sign_up(livefile).refresh_token]
        tokens.append(run(livefile.accounts.refresh(tokens[0])).refresh_token)
    content = b"".join(file.read_bytes() for file in tmp_path.glob("file.db*"))

    assert SECRET.encode() not in content
    for token in tokens:
        assert token.partition(".")[2].encode() not in content


def test_an_export_has_nothing_of_accounts(livefile: Livefile, tmp_path: Path) -> None:
    signed_up_by_code(livefile)
    livefile.upkeep.export(tmp_path / "out.zip")
    content = (tmp_path / "out.zip").read_bytes()

    assert b"_auth" not in content
    assert b"_users" not in content

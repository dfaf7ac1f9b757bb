"""Signing in by tokens of a real issuer, over real sockets: who calls, and who does no longer."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import Livefile
from livefile_server.sync.timestamp import decode_timestamp
from tests.app_folder import write_app
from tests.issuer_server import IssuerServer, run_issuer
from tests.server.running_server import RunningServer, run_in_background
from tests.server.socket_client import SocketClient, open_socket, run_scenario
from tests.server.sync_client import add, connect, message, modify, mutation
from tests.token_issuer import TokenIssuer, key_set, rsa_key

APP = """
    from livefile import *

    class Note(Table, name="notes"):
        owner: str
        text: str
        by_owner = index("owner")

    def caller(ctx: QueryCtx) -> str:
        identity = ctx.auth.get_user_identity()
        return "nobody" if identity is None else str(identity["subject"])

    @query
    def whoami(ctx: QueryCtx) -> str:
        return caller(ctx)

    @query
    def mine(ctx: QueryCtx) -> list[str]:
        return [note.text for note in ctx.db.query(Note.by_owner.eq(owner=caller(ctx)))]

    @mutation
    def write(ctx: MutationCtx, text: str) -> None:
        ctx.db.insert(Note(owner=caller(ctx), text=text))

    @action
    async def whoami_action(ctx: ActionCtx) -> str:
        return await ctx.run_query(whoami)
"""
AUTH_CONFIG = """
    from livefile import AuthConfig, OidcProvider

    auth = AuthConfig(OidcProvider(domain="{address}", application_id="app"))
"""


@pytest.fixture
def issuer() -> Iterator[IssuerServer]:
    with run_issuer() as server:
        server.keys = key_set(signer(server).jwk)
        yield server


@pytest.fixture
def signing_in(tmp_path: Path, issuer: IssuerServer) -> Iterator[RunningServer]:
    modules = {"demo": APP, "auth_config": AUTH_CONFIG.format(address=issuer.address)}
    with (
        Livefile.open(":memory:", app=write_app(tmp_path, modules)) as livefile,
        run_in_background(livefile) as running,
    ):
        yield running


def signer(issuer: IssuerServer) -> TokenIssuer:
    return TokenIssuer(rsa_key(), issuer=issuer.address, now_s=time.time())


def token_of(issuer: IssuerServer, subject: str, seconds: float = 3600) -> str:
    return signer(issuer).token(sub=subject, exp=int(time.time() + seconds))


def authenticate(base: int, token: str | None) -> bytes:
    if token is None:
        return message("Authenticate", baseVersion=base, tokenType="None")
    return message("Authenticate", baseVersion=base, tokenType="User", value=token)


def test_an_http_call_has_the_user_of_its_token(
    signing_in: RunningServer, issuer: IssuerServer
) -> None:
    for path, kind in [("demo:whoami", "query"), ("demo:whoami_action", "action")]:
        for subject in ("ada", "bob"):
            headers = {"Authorization": f"Bearer {token_of(issuer, subject)}"}
            answer = signing_in.post(f"/api/{kind}", {"path": path, "args": {}}, headers)
            assert (answer.status, answer.json["value"]) == (200, subject)
    assert issuer.requests["/keys"] == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "other"}, "NoAuthProvider"),
        ({"iss": "https://other.example"}, "NoAuthProvider"),
        ({"exp": 1}, "Unauthenticated"),
        ({"iss": 1}, "InvalidAuthHeader"),
    ],
)
def test_an_http_call_with_a_bad_token_gets_401(
    signing_in: RunningServer, issuer: IssuerServer, changes: dict[str, object], code: str
) -> None:
    headers = {"Authorization": f"Bearer {signer(issuer).token(**changes)}"}

    answer = signing_in.post("/api/query", {"path": "demo:whoami", "args": {}}, headers)

    assert (answer.status, answer.json["code"]) == (401, code)


@pytest.mark.parametrize(("issuer_status", "status"), [(503, 503), (404, 401)])
def test_an_http_call_says_that_the_issuer_cannot_be_asked(
    signing_in: RunningServer, issuer: IssuerServer, issuer_status: int, status: int
) -> None:
    issuer.status = issuer_status
    headers = {"Authorization": f"Bearer {token_of(issuer, 'ada')}"}

    answer = signing_in.post("/api/query", {"path": "demo:whoami", "args": {}}, headers)

    assert (answer.status, answer.json["code"]) == (status, "AuthProviderDiscoveryFailed")


async def watch(client: SocketClient) -> None:
    await client.send(connect())
    await client.send(modify(0, 1, add(1, "demo:whoami"), add(2, "demo:mine")))
    await client.read_until("Transition")


def test_every_subscription_runs_again_in_one_transition(
    signing_in: RunningServer, issuer: IssuerServer
) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await watch(client)
            seen = []
            for base, subject in enumerate(["ada", "bob", None, "ada"]):
                token = None if subject is None else token_of(issuer, subject)
                await client.send(authenticate(base, token))
                # Meant for the new identity, though sent while the token is still checked.
                await client.send(mutation(base, "demo:write", [{"text": f"{subject}!"}]))
                written_ts = None
                while written_ts is None or client.ts < written_ts:
                    frame = await client.read()
                    if frame["type"] == "MutationResponse":
                        written_ts = decode_timestamp(frame["ts"])
                    else:
                        assert frame["endVersion"]["identity"] == base + 1
                        assert client.values[1] == (subject or "nobody")
                        assert {text[:3] for text in client.values[2]} <= {str(subject)[:3]}
                seen.append(client.values[2])
            assert seen == [["ada!"], ["bob!"], ["None!"], ["ada!", "ada!"]]

    run_scenario(signing_in, scenario)


def test_messages_wait_until_the_issuer_has_answered(
    signing_in: RunningServer, issuer: IssuerServer
) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            issuer.hold()
            await client.send(connect())
            await client.send(authenticate(0, token_of(issuer, "ada")))
            await client.send(modify(0, 1, add(1, "demo:whoami")))
            issuer.let_go()
            while 1 not in client.values:
                transition = await client.read_until("Transition")
                assert transition["endVersion"]["identity"] == 1
            assert client.values[1] == "ada"

    run_scenario(signing_in, scenario)


def test_a_server_ends_while_a_token_is_checked(
    signing_in: RunningServer, issuer: IssuerServer
) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            issuer.hold()
            await client.send(connect())
            await client.send(authenticate(0, token_of(issuer, "ada")))
            await issuer.wait_for_requests("/.well-known/openid-configuration", 1)
            server.loop.call_soon_threadsafe(server.stopping.set)
            assert await client.read_end() == 1001

    run_scenario(signing_in, scenario)


@pytest.mark.parametrize(("issuer_status", "code"), [(503, 1013), (404, 1000)])
def test_a_socket_is_closed_when_the_issuer_cannot_be_asked(
    signing_in: RunningServer, issuer: IssuerServer, issuer_status: int, code: int
) -> None:
    issuer.status = issuer_status

    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await client.send(connect())
            await client.send(authenticate(0, token_of(issuer, "ada")))
            if code == 1000:
                error = await client.read()
                assert error["type"] == "AuthError"
                assert error["authUpdateAttempted"] is True
            assert await client.read_end() == code

    run_scenario(signing_in, scenario)


def test_the_socket_ends_with_its_token_though_nothing_happens_on_it(
    signing_in: RunningServer, issuer: IssuerServer
) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await watch(client)
            await client.send(authenticate(0, token_of(issuer, "ada", seconds=2)))
            shown = await client.read()
            if shown["type"] == "Transition":  # A slow machine may not come to it in time.
                shown = await client.read()
            assert shown["type"] == "AuthError"
            assert await client.read_end() == 1000

    run_scenario(signing_in, scenario)


def test_a_deploy_takes_a_provider_away(
    signing_in: RunningServer, issuer: IssuerServer, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {token_of(issuer, 'ada')}"}
    body = {"path": "demo:whoami", "args": {}}
    before = signing_in.post("/api/query", body, headers)

    app = signing_in.livefile.app
    write_app(tmp_path, {"auth_config": "auth = None"}, name=app.name)
    signing_in.livefile.deploy(app.reload())
    after = signing_in.post("/api/query", body, headers)

    assert (before.status, after.status) == (200, 401)
    assert after.json["message"] == "No auth provider found matching the given token"

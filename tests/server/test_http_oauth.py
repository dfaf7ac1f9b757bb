"""Signing in at another issuer: the whole way, and every way in which it must not go."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from livefile import Livefile
from livefile_server.auth.oauth import is_allowed_return
from livefile_server.auth.one_time import OneTime
from tests.accounts_app import open_accounts
from tests.oauth_issuer import CLIENT_ID, CLIENT_SECRET, OAuthIssuer, run_oauth_issuer
from tests.server.running_server import Answer, RunningServer, run_in_background
from tests.token_issuer import TokenIssuer, rsa_key

VERIFIER = "the page's own secret"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


@pytest.fixture
def issuer() -> Iterator[OAuthIssuer]:
    with run_oauth_issuer() as running:
        yield running


@pytest.fixture
def server(tmp_path: Path, issuer: OAuthIssuer) -> Iterator[RunningServer]:
    methods = (
        f'Anonymous(), OAuth("here", issuer="{issuer.address}", client_id="{CLIENT_ID}", '
        'client_secret_variable="HERE_SECRET"), '
        'OAuth("away", issuer="https://issuer.invalid", client_id="x"), '
        'return_to=("https://notes.example",)'
    )
    with open_accounts(tmp_path, methods) as livefile:
        livefile.change_environment({"HERE_SECRET": CLIENT_SECRET})
        with run_in_background(livefile) as running:
            yield running


def start(server: RunningServer, **changes: object) -> Answer:
    body = {
        "provider": "here",
        "returnTo": f"{server.address}/page?a=b",
        "challenge": CHALLENGE,
        **changes,
    }
    return server.post("/api/auth/oauth/start", body)


def callback(server: RunningServer, **query: str) -> Answer:
    return server.request("GET", f"/api/auth/oauth/callback?{urlencode(query)}")


def result_of(answer: Answer) -> dict[str, str]:
    assert answer.status == 302
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).fragment))


def finish(server: RunningServer, code: object, verifier: object = VERIFIER) -> Answer:
    return server.post("/api/auth/oauth/finish", {"code": code, "verifier": verifier})


def go(server: RunningServer, issuer: OAuthIssuer) -> dict[str, str]:
    """Go all the way to the page and return what it was told."""
    state = issuer.approve(start(server).json["url"])
    return result_of(callback(server, state=state, code="the code"))


def test_a_user_signs_in_elsewhere_and_is_the_same_the_next_time(
    server: RunningServer, issuer: OAuthIssuer
) -> None:
    url = start(server).json["url"]
    came_back = callback(server, state=issuer.approve(url), code="the code")
    first = finish(server, result_of(came_back)["livefile_code"]).json
    second = finish(server, go(server, issuer)["livefile_code"]).json
    (user,) = server.livefile.query("notes:users")

    assert url.startswith(f"{issuer.address}/authorize?")
    assert came_back.headers["Location"].startswith(f"{server.address}/page?a=b#")
    assert first["userId"] == second["userId"] == user["_id"]
    assert (user["email"], user["emailVerified"], user["name"]) == ("ada@example.com", True, "Ada")
    assert issuer.refusals == []


def test_the_secret_is_posted_to_issuers_that_want_it_so(
    server: RunningServer, issuer: OAuthIssuer
) -> None:
    issuer.configuration["token_endpoint_auth_methods_supported"] = ["client_secret_post"]

    assert "livefile_code" in go(server, issuer)
    assert issuer.refusals == []


def test_an_address_that_is_not_proved_there_is_not_proved_here(
    server: RunningServer, issuer: OAuthIssuer
) -> None:
    issuer.changes = {"email_verified": False, "name": "a\nb"}
    finish(server, go(server, issuer)["livefile_code"])
    (user,) = server.livefile.query("notes:users")

    assert user["emailVerified"] is False
    assert "name" not in user


def test_an_anonymous_user_keeps_the_id(server: RunningServer, issuer: OAuthIssuer) -> None:
    anonymous = server.post("/api/auth/anonymous", {}).json
    code = go(server, issuer)["livefile_code"]
    body = {"code": code, "verifier": VERIFIER}
    token = {"Authorization": f"Bearer {anonymous['accessToken']}"}

    answer = server.post("/api/auth/oauth/finish", body, token)

    assert answer.json["userId"] == anonymous["userId"]


@pytest.mark.parametrize("state", ["", "x", "A" * 43, "é"])
def test_a_callback_of_no_start_is_refused(server: RunningServer, state: str) -> None:
    answer = callback(server, state=state, code="the code")

    assert (answer.status, answer.json["code"]) == (401, "OAuthFailed")


def test_a_state_is_good_once(server: RunningServer, issuer: OAuthIssuer) -> None:
    state = issuer.approve(start(server).json["url"])
    callback(server, state=state, code="the code")

    assert callback(server, state=state, code="the code").status == 401


def test_the_code_is_for_the_browser_that_began_and_good_once(
    server: RunningServer, issuer: OAuthIssuer
) -> None:
    stolen = go(server, issuer)["livefile_code"]
    own = go(server, issuer)["livefile_code"]

    assert finish(server, stolen, "another page's secret").status == 401
    assert finish(server, stolen).status == 401
    assert finish(server, own).status == 200
    assert finish(server, own).status == 401
    assert finish(server, "x").status == 401
    assert finish(server, None).status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 5},
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another client"]},
        {"exp": 1},
        {"sub": ""},
        {"sub": None},
    ],
)
def test_tokens_that_are_not_for_this_sign_in_are_refused(
    server: RunningServer, issuer: OAuthIssuer, changes: dict[str, object]
) -> None:
    issuer.changes = changes
    told = go(server, issuer)

    assert list(told) == ["livefile_error"]
    assert server.livefile.query("notes:users") == []


def test_a_token_of_another_key_is_refused(server: RunningServer, issuer: OAuthIssuer) -> None:
    real, forger = issuer.signer, TokenIssuer(rsa_key("forger"))
    state = issuer.approve(start(server).json["url"])
    assert "livefile_code" in go(server, issuer)  # The real keys are known.
    issuer.approve(start(server).json["url"], "second")
    issuer.signer = forger
    told = result_of(callback(server, state=state, code="second"))

    assert real is not forger
    assert list(told) == ["livefile_error"]


def test_a_callback_from_another_issuer_is_refused(
    server: RunningServer, issuer: OAuthIssuer
) -> None:
    for said in ({"iss": "https://evil.example"}, {"iss": ""}):
        state = issuer.approve(start(server).json["url"])
        assert result_of(callback(server, state=state, code="the code", **said)) == {
            "livefile_error": "OAuthFailed"
        }
    issuer.configuration["authorization_response_iss_parameter_supported"] = True
    assert go(server, issuer) == {"livefile_error": "OAuthFailed"}
    state = issuer.approve(start(server).json["url"])
    told = result_of(callback(server, state=state, code="the code", iss=issuer.address))
    assert "livefile_code" in told


def test_a_user_who_says_no_comes_back_with_that(
    server: RunningServer, issuer: OAuthIssuer
) -> None:
    state = issuer.approve(start(server).json["url"])
    answer = callback(server, state=state, error="access_denied<script>")

    assert result_of(answer) == {"livefile_error": "OAuthFailed"}
    assert "script" not in answer.headers["Location"]


@pytest.mark.parametrize(
    "configuration",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "ftp://x"},
    ],
)
def test_a_wrong_configuration_of_the_issuer_ends_the_start(
    server: RunningServer, issuer: OAuthIssuer, configuration: dict[str, object]
) -> None:
    issuer.configuration = configuration
    answer = start(server)

    assert (answer.status, answer.json["code"]) == (503, "AuthProviderDiscoveryFailed")


@pytest.mark.parametrize(
    "return_to",
    [
        None,
        5,
        "",
        "/page",
        "//evil.example",
        "https://evil.example/",
        "https://notes.example.evil.example/",
        "https://notes.example@evil.example/",
        "https://evil.example\\@notes.example/",
        "https:notes.example",
        "https://notes.example:8080/",
        "http://notes.example/",
        "https://user@notes.example/",
        "https://NOTES.example/",
        "https://notes.example/#fragment",
        "https://notes.example/\r\nSet-Cookie: a=b",
        "https://notes.example /",
        "javascript://notes.example/%0aalert(1)",
        "data:text/html,x",
        "https://[",
        "https://notes.example/ü",
    ],
)
def test_a_sign_in_comes_back_to_pages_of_the_app_only(
    server: RunningServer, return_to: object
) -> None:
    answer = start(server, returnTo=return_to)

    assert (answer.status, answer.json["code"]) == (400, "ReturnNotAllowed")
    assert not is_allowed_return(return_to, frozenset({"https://notes.example"}))


def test_a_page_that_the_app_names_is_come_back_to(
    server: RunningServer, issuer: OAuthIssuer
) -> None:
    url = start(server, returnTo="https://notes.example/in?x=1").json["url"]
    answer = callback(server, state=issuer.approve(url), code="the code")

    assert answer.headers["Location"].startswith("https://notes.example/in?x=1#livefile_code=")
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("challenge", [None, "", "x", "A" * 42, "A" * 44, "=" * 43])
def test_a_start_needs_a_challenge(server: RunningServer, challenge: Any) -> None:
    assert start(server, challenge=challenge).status == 400


def test_issuers_that_are_not_named_are_refused(server: RunningServer) -> None:
    assert start(server, provider="google").json["code"] == "SignInNotOffered"
    assert start(server, provider=None).json["code"] == "SignInNotOffered"


def test_what_is_kept_is_given_once_and_for_a_while() -> None:
    now_ns = 0
    kept = OneTime[str](1_000, lambda: now_ns)
    first, second = kept.keep("first"), kept.keep("second")

    assert kept.take(first) == "first"
    assert kept.take(first) is None
    now_ns = 1_000_000_000
    assert kept.take(second) is None


def test_no_secret_of_a_client_is_shown(livefile_of_secret: Livefile) -> None:
    (method,) = livefile_of_secret.accounts.require().methods

    assert "hidden" not in repr(method)


@pytest.fixture
def livefile_of_secret(tmp_path: Path) -> Iterator[Livefile]:
    methods = 'OAuth("here", issuer="https://a.example", client_id="x", client_secret="hidden")'
    with open_accounts(tmp_path, methods) as livefile:
        yield livefile

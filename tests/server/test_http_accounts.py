"""Signing in over HTTP: real tokens of the deployment's own, and whom they let in."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from livefile import Livefile
from tests.accounts_app import newest_code, open_accounts
from tests.server.running_server import Answer, RunningServer, run_in_background
from tests.token_issuer import TokenIssuer, ed_key

ADA = {"email": "ada@example.com", "password": "correct horse"}
METHODS = "Password(), Anonymous()"


@pytest.fixture
def livefile(tmp_path: Path) -> Iterator[Livefile]:
    with open_accounts(tmp_path, METHODS) as opened:
        yield opened


@pytest.fixture
def server(livefile: Livefile) -> Iterator[RunningServer]:
    with run_in_background(livefile) as running:
        yield running


def ask(server: RunningServer, name: str, body: object, token: str | None = None) -> Answer:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return server.post(f"/api/auth/{name}", body, headers)


def session(server: RunningServer, name: str, body: object, token: str | None = None) -> Any:
    answer = ask(server, name, body, token)
    assert answer.status == 200, answer.body
    return answer.json


def call(server: RunningServer, path: str, token: str | None = None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = server.post("/api/query", {"path": path, "args": {}, "format": "json"}, headers)
    return answer.json.get("value") if answer.status == 200 else answer.json["code"]


def own_keys(server: RunningServer) -> Any:
    return server.request("GET", "/.well-known/jwks.json").json["keys"]


def test_whoever_signs_up_is_known_to_functions(server: RunningServer) -> None:
    made = session(server, "sign_up", {**ADA, "name": "Ada"})
    identity = call(server, "notes:whoami", made["accessToken"])

    assert identity["subject"] == made["userId"]
    assert (identity["email"], identity["emailVerified"]) == (ADA["email"], False)
    assert identity["name"] == "Ada"
    assert identity["issuer"].endswith(".livefile.invalid")
    assert call(server, "notes:whoami") is None


def test_tokens_are_checked_by_the_published_keys_alone(server: RunningServer) -> None:
    token = session(server, "sign_up", ADA)["accessToken"]
    (key,) = own_keys(server)
    claims = jwt.decode(token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="convex")
    discovery = server.request("GET", "/.well-known/openid-configuration").json

    assert "d" not in key
    assert claims["iss"] == discovery["issuer"]
    assert discovery["jwks_uri"] == f"{server.address}/.well-known/jwks.json"
    assert claims["exp"] - claims["iat"] == 600


def test_a_refresh_gives_tokens_of_the_same_user(server: RunningServer) -> None:
    first = session(server, "sign_up", ADA)
    second = session(server, "refresh", {"refreshToken": first["refreshToken"]})

    assert second["userId"] == first["userId"]
    assert second["refreshToken"] != first["refreshToken"]
    assert call(server, "notes:whoami", second["accessToken"]) == call(
        server, "notes:whoami", first["accessToken"]
    )


def test_a_session_is_over_after_sign_out(server: RunningServer) -> None:
    token = session(server, "sign_up", ADA)["refreshToken"]
    assert session(server, "sign_out", {"refreshToken": token}) == {}
    answer = ask(server, "refresh", {"refreshToken": token})

    assert (answer.status, answer.json["code"]) == (401, "InvalidRefreshToken")
    assert session(server, "sign_out", {"refreshToken": token}) == {}


def test_an_anonymous_user_becomes_one_with_an_account(server: RunningServer) -> None:
    anonymous = session(server, "anonymous", {})
    identity = call(server, "notes:whoami", anonymous["accessToken"])
    made = session(server, "sign_up", ADA, anonymous["accessToken"])

    assert identity["isAnonymous"] is True
    assert made["userId"] == anonymous["userId"]
    assert "isAnonymous" not in call(server, "notes:whoami", made["accessToken"])


def test_a_password_is_changed_by_whoever_is_signed_in(server: RunningServer) -> None:
    made = session(server, "sign_up", ADA)
    change = {"password": ADA["password"], "newPassword": "battery staple"}
    assert ask(server, "change_password", change).status == 401
    changed = session(server, "change_password", change, made["accessToken"])

    assert ask(server, "sign_in", ADA).status == 401
    assert ask(server, "refresh", {"refreshToken": made["refreshToken"]}).status == 401
    assert changed["userId"] == made["userId"]


def test_wrong_and_unknown_have_the_same_bytes(server: RunningServer) -> None:
    session(server, "sign_up", ADA)
    wrong = ask(server, "sign_in", {**ADA, "password": "wrong password"})
    unknown = ask(server, "sign_in", {**ADA, "email": "nobody@example.com"})

    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert wrong.status == 401


def test_tokens_that_only_look_like_the_deployments_are_refused(server: RunningServer) -> None:
    made = session(server, "sign_up", ADA)
    (key,) = own_keys(server)
    issuer = server.request("GET", "/.well-known/openid-configuration").json["issuer"]
    claims = jwt.decode(made["accessToken"], options={"verify_signature": False})
    forged = TokenIssuer(
        key=ed_key("forger"),
        algorithm="EdDSA",
        key_id=key["kid"],
        issuer=issuer,
        application="convex",
        now_s=claims["iat"],
    ).token(sub=made["userId"])
    head, payload, signature = made["accessToken"].split(".")

    for token in (forged, f"{head}.{payload}.{signature[::-1]}", made["refreshToken"]):
        assert call(server, "notes:whoami", token) in ("Unauthenticated", "InvalidAuthHeader")
        assert ask(server, "sign_up", ADA, token).status == 401


def test_a_token_of_another_deployment_is_refused(server: RunningServer, tmp_path: Path) -> None:
    with open_accounts(tmp_path, METHODS) as other, run_in_background(other) as other_server:
        foreign = session(other_server, "sign_up", ADA)

    assert call(server, "notes:whoami", foreign["accessToken"]) == "NoAuthProvider"
    assert ask(server, "refresh", {"refreshToken": foreign["refreshToken"]}).status == 401


def test_keys_stay_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    with open_accounts(tmp_path, METHODS, path=path) as livefile:
        with run_in_background(livefile) as server:
            made = session(server, "sign_up", ADA)
            keys = own_keys(server)
        app = livefile.app
    with Livefile.open(path, app) as livefile, run_in_background(livefile) as server:
        assert own_keys(server) == keys
        assert call(server, "notes:whoami", made["accessToken"])["subject"] == made["userId"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("sign_in", {}),
        ("sign_in", {"email": 5, "password": "x"}),
        ("sign_in", {"email": "a@b", "password": None}),
        ("sign_up", {"email": "a@b", "password": "long enough", "name": 5}),
        ("sign_up", {"email": "a@b", "password": "long enough", "name": "a\nb"}),
        ("request_code", {"email": "a@b"}),
        ("verify_code", {"ticket": "x", "code": "1"}),
        ("sign_out", {"everywhere": "yes"}),
    ],
)
def test_bad_bodies_get_one_clear_error(server: RunningServer, name: str, body: object) -> None:
    answer = ask(server, name, body)

    assert answer.status == 400
    assert answer.json["message"]


@pytest.mark.parametrize("token", [None, 5, "", "x", "x.y", [], {"a": 1}, "\ud800"])
def test_what_is_no_refresh_token_is_refused(server: RunningServer, token: object) -> None:
    if token == "\ud800":  # No JSON of Unicode can say it.
        body = b'{"refreshToken": "\\ud800"}'
        answer = server.request(
            "POST", "/api/auth/refresh", body, {"Content-Type": "application/json"}
        )
        assert answer.status == 400
    else:
        assert ask(server, "refresh", {"refreshToken": token}).status == 401


def test_a_form_of_another_page_is_refused(server: RunningServer) -> None:
    # What a browser sends without asking first: no JSON.
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = server.request(
            "POST", "/api/auth/anonymous", b"{}", {"Content-Type": content_type}
        )
        assert answer.status == 400


def test_answers_with_tokens_are_not_kept_by_caches(server: RunningServer) -> None:
    answer = ask(server, "anonymous", {})

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Set-Cookie"] is None


def test_an_app_without_accounts_offers_nothing(tmp_path: Path) -> None:
    with Livefile.open(":memory:") as livefile, run_in_background(livefile) as server:
        assert ask(server, "anonymous", {}).json["code"] == "SignInNotOffered"
        assert server.request("GET", "/.well-known/jwks.json").status == 404
        assert server.request("GET", "/.well-known/openid-configuration").status == 404
        assert livefile.read_setting("auth_signing_keys") is None


def test_a_named_issuer_is_the_one_in_tokens(tmp_path: Path) -> None:
    methods = 'Anonymous(), issuer="https://notes.example"'
    with open_accounts(tmp_path, methods) as livefile, run_in_background(livefile) as server:
        identity = call(server, "notes:whoami", session(server, "anonymous", {})["accessToken"])
        discovery = server.request("GET", "/.well-known/openid-configuration").json

        assert identity["issuer"] == discovery["issuer"] == "https://notes.example"
        assert discovery["jwks_uri"] == "https://notes.example/.well-known/jwks.json"


def test_secrets_reach_no_log_and_no_other_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    records: list[object] = []
    with open_accounts(tmp_path) as livefile, run_in_background(livefile) as server:
        livefile.observe_calls(records.append)
        ticket = session(server, "sign_up", ADA)["ticket"]
        code = newest_code(livefile, ADA["email"])
        made = session(server, "verify_code", {"ticket": ticket, "code": code})
        made = session(server, "refresh", {"refreshToken": made["refreshToken"]})
        ask(server, "sign_in", {**ADA, "password": "a wrong one"})
        shown = server.request("GET", "/.well-known/jwks.json").body.decode()
        shown += str(call(server, "notes:users")) + caplog.text + repr(records)
        seeds = [key.seed for key in keys_of(livefile)]

        secrets = [ADA["password"], "a wrong one", code, ticket, made["refreshToken"]]
        secrets += [made["accessToken"], *(seed.hex() for seed in seeds)]
        assert not [secret for secret in secrets if secret in shown]
        assert "argon2" not in shown


def keys_of(livefile: Livefile) -> Any:
    keys = livefile.accounts._keys
    assert keys is not None
    return keys.keys

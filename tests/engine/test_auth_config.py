import base64
import json
from pathlib import Path
from typing import Any

import pytest

from livefile import App, AppError, AuthConfig, CustomJwtProvider, DefinitionError, OidcProvider
from tests.app_folder import write_app

KEYS = json.dumps({"keys": []})
BASE64 = base64.b64encode(KEYS.encode()).decode()


def oidc(domain: Any = "issuer.example", application_id: Any = "app") -> OidcProvider:
    return OidcProvider(domain=domain, application_id=application_id)


def custom(**changes: Any) -> CustomJwtProvider:
    fields = {"issuer": "https://i.example", "jwks": "https://i.example/keys", "algorithm": "RS256"}
    return CustomJwtProvider(**{**fields, **changes})


@pytest.mark.parametrize(
    ("given", "issuer"),
    [
        ("issuer.example", "https://issuer.example"),
        ("issuer.example/", "https://issuer.example"),
        ("https://issuer.example/realms/a/", "https://issuer.example/realms/a"),
        ("https://issuer.example:8443", "https://issuer.example:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_issuer_is_completed(given: str, issuer: str) -> None:
    assert oidc(given).issuer == issuer
    assert custom(issuer=given).issuer == issuer


@pytest.mark.parametrize(
    "domain",
    [
        *("", " ", None, 1, "https://", "https:///x", "://x", "ftp://issuer.example"),
        *("http://issuer.example", "http://10.0.0.1", "http://localhost.evil.example"),
        *("https://issuer.example?x=1", "https://issuer.example#x", "https://a b.example"),
        *("https://issuer.example\n", "https://issuer\t.example", "https://issuer.example:x"),
        *("https://issuer.example:99999", "https://user@issuer.example", "https://[::1"),
        *("https://iss\u00fcer.example", "https://issuer.example\\@localhost", "file:///keys"),
    ],
)
def test_a_domain_that_cannot_be_asked_is_refused(domain: object) -> None:
    with pytest.raises(DefinitionError, match="domain"):
        oidc(domain)


@pytest.mark.parametrize("application_id", ["", None, 5, ["app"]])
def test_an_application_is_a_text(application_id: object) -> None:
    with pytest.raises(DefinitionError, match="application_id"):
        oidc(application_id=application_id)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "HS256"}, "algorithm must be one of RS256, ES256, EdDSA; it is 'HS256'"),
        ({"algorithm": "none"}, "algorithm"),
        ({"algorithm": None}, "algorithm"),
        ({"application_id": ""}, "application_id"),
        ({"issuer": "not an address"}, "issuer"),
        ({"jwks": "http://i.example/keys"}, "jwks must be an address that begins with https"),
        ({"jwks": "i.example/keys"}, "jwks"),
        ({"jwks": ""}, "jwks"),
        ({"jwks": None}, "jwks"),
        ({"jwks": "data:,"}, "no JSON"),
        ({"jwks": "data:application/json;base64,%%%"}, "no JSON"),
        ({"jwks": "data:application/json;base64,e30"}, "no JSON"),
        ({"jwks": "data:application/json,{}"}, 'a list of "keys"'),
        ({"jwks": 'data:,{"keys":{}}'}, 'a list of "keys"'),
        ({"jwks": f'data:,{{"keys":[],"x":"{"x" * 65_536}"}}'}, "65536 bytes"),
    ],
)
def test_a_custom_provider_that_cannot_work_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DefinitionError, match=message):
        custom(**changes)


@pytest.mark.parametrize(
    "jwks",
    [
        f"data:application/json,{KEYS}",
        "data:application/json,%7B%22keys%22%3A%20%5B%5D%7D",
        f"data:application/json;base64,{BASE64}",
        f"data:text/plain;charset=utf-8;base64,{BASE64}",
        f"data:,{KEYS}",
    ],
)
def test_keys_may_stand_in_the_configuration(jwks: str) -> None:
    assert custom(jwks=jwks).key_document == KEYS.encode()
    assert custom().key_document is None


@pytest.mark.parametrize("thing", [None, "issuer.example", {"domain": "x"}, OidcProvider])
def test_only_providers_can_be_configured(thing: Any) -> None:
    with pytest.raises(DefinitionError, match="AuthConfig takes"):
        AuthConfig(thing)


def test_there_is_a_bound_to_providers() -> None:
    AuthConfig(*[oidc()] * 64)
    with pytest.raises(DefinitionError, match="64 providers, not 65"):
        AuthConfig(*[oidc()] * 65)


CONFIG = """
    from livefile import AuthConfig, OidcProvider
    auth = AuthConfig(OidcProvider(domain="{}", application_id="app"))
"""


def test_an_app_has_the_providers_of_its_module(tmp_path: Path) -> None:
    modules = {"auth_config": CONFIG.format("a.example"), "other": "from .auth_config import auth"}

    app = App.load(write_app(tmp_path, modules))

    assert [provider.issuer for provider in app.auth_config.providers] == ["https://a.example"]


def test_an_app_without_a_configuration_trusts_nobody(tmp_path: Path) -> None:
    assert App.load(write_app(tmp_path, {"demo": ""})).auth_config.providers == ()
    assert App.empty().auth_config.providers == ()


def test_two_configurations_are_refused(tmp_path: Path) -> None:
    modules = {"a": CONFIG.format("a.example"), "b": CONFIG.format("b.example")}

    with pytest.raises(AppError, match=r"an app has one AuthConfig; there is one in .*a and .*b"):
        App.load(write_app(tmp_path, modules))


def test_a_mistake_is_found_when_the_app_is_loaded(tmp_path: Path) -> None:
    modules = {"auth_config": CONFIG.format("http://a.example")}

    with pytest.raises(AppError, match="domain must be an address that begins with https://"):
        App.load(write_app(tmp_path, modules))

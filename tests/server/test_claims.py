import asyncio
from typing import Any

import pytest

from livefile import AuthConfig, ManualClock, errors, to_wire
from livefile_server.auth.jwks import parse_key_set
from livefile_server.auth.providers import Dialect, Provider
from livefile_server.auth.tokens import Tokens
from livefile_server.web.key_fetch import fetch_keys
from tests.token_issuer import APPLICATION, ISSUER, NOW_S, TokenIssuer, ed_key, key_set

SIGNER = TokenIssuer(ed_key(), "EdDSA")
WHO = {"tokenIdentifier": f"{ISSUER}|ada", "subject": "ada", "issuer": ISSUER}


def attributes(dialect: Dialect, **claims: object) -> Any:
    """Return what functions see of a token, without the three that it always has."""
    provider = Provider(
        dialect=dialect,
        issuer=ISSUER,
        application_id=APPLICATION,
        algorithms=frozenset({"EdDSA"}),
        keys=parse_key_set(key_set(SIGNER.jwk)),
    )
    clock = ManualClock(NOW_S * 1_000_000_000)
    tokens = Tokens(AuthConfig, clock, clock.now_ns, fetch_keys, [provider])
    identity = asyncio.run(tokens.check(SIGNER.token(**claims))).identity
    assert identity.attributes is not None
    assert identity.attributes.items() >= WHO.items()
    return {name: value for name, value in identity.attributes.items() if name not in WHO}


OIDC_CLAIMS = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "nickname": "al",
    "preferred_username": "ada",
    "profile": "https://p.example",
    "picture": "https://i.example",
    "website": "https://w.example",
    "email": "ada@example.com",
    "email_verified": True,
    "gender": "female",
    "birthdate": "1815-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "phone_number": "+44 20",
    "phone_number_verified": False,
    "address": {"formatted": "12 St James's Square", "country": "GB"},
    "updated_at": 1_700_000_000,
}
PROTOCOL_CLAIMS = {
    "name": "Ada Lovelace",
    "givenName": "Ada",
    "familyName": "Lovelace",
    "nickname": "al",
    "preferredUsername": "ada",
    "profileUrl": "https://p.example",
    "pictureUrl": "https://i.example",
    "websiteUrl": "https://w.example",
    "email": "ada@example.com",
    "emailVerified": True,
    "gender": "female",
    "birthday": "1815-12-10",
    "timezone": "Europe/London",
    "language": "en-GB",
    "phoneNumber": "+44 20",
    "phoneNumberVerified": False,
    "address": "12 St James's Square",
    "updatedAt": "2023-11-14T22:13:20+00:00",
}


def test_standard_claims_of_oidc_get_the_names_of_the_protocol() -> None:
    assert attributes(Dialect.OIDC, **OIDC_CLAIMS) == PROTOCOL_CLAIMS


def test_other_claims_of_oidc_keep_their_names() -> None:
    others = {"role": "admin", "https://example.com/teams": ["a", {"b": None}], "level": 3}

    assert attributes(Dialect.OIDC, **others) == {**others, "level": 3.0}


@pytest.mark.parametrize("dialect", Dialect)
def test_claims_about_the_token_are_left_out(dialect: Dialect) -> None:
    assert attributes(dialect, nbf=NOW_S, jti="1", fva=[1, -1]) == {}


def test_more_claims_about_an_oidc_token_are_left_out() -> None:
    assert attributes(Dialect.OIDC, nonce="n", at_hash="a", c_hash="c") == {}


def test_a_standard_claim_of_another_type_keeps_its_name() -> None:
    odd = {
        "locale": {"country": "US", "language": "en"},
        "email_verified": "yes",
        "address": "12 St James's Square",
        "updated_at": -1,
        "name": ["Ada"],
    }

    assert attributes(Dialect.OIDC, **odd) == {**odd, "updated_at": -1.0}


def test_a_truth_may_be_written_as_a_text() -> None:
    found = attributes(Dialect.OIDC, email_verified="true", phone_number_verified="false")

    assert found == {"emailVerified": True, "phoneNumberVerified": False}


def test_the_time_of_the_last_change_may_be_a_text() -> None:
    moment = "2026-01-02T03:04:05.678Z"

    assert attributes(Dialect.OIDC, updated_at=moment) == {"updatedAt": moment}


def test_claims_of_a_custom_token_keep_their_names_and_are_flat() -> None:
    found = attributes(
        Dialect.CUSTOM_JWT,
        name="Ada",
        email_verified=True,
        address={"formatted": "12 St James's Square", "geo": {"lat": 51.5}},
        roles=[{"a": 1}],
    )

    assert found == {
        "name": "Ada",
        "email_verified": True,
        "address.formatted": "12 St James's Square",
        "address.geo.lat": 51.5,
        "roles": [{"a": 1.0}],
    }


@pytest.mark.parametrize("dialect", Dialect)
def test_no_claim_takes_the_place_of_those_that_say_who_it_is(dialect: Dialect) -> None:
    found = attributes(dialect, tokenIdentifier="x|admin", subject="admin", issuer="x")

    assert found == {}


@pytest.mark.parametrize("name", ["emailVerified", "name"])
def test_the_standard_claim_goes_before_another_of_the_same_name(name: str) -> None:
    claims = {name: "x", "email_verified": True, "name": "Ada"}

    found = attributes(Dialect.OIDC, **claims)

    assert found["emailVerified"] is True
    assert found["name"] == "Ada"


def test_every_claim_can_be_sent_to_clients() -> None:
    found = attributes(Dialect.OIDC, _claim_names={"a": "b"}, **{"ünïcode": "ß", "": 1e300})

    assert to_wire(found) == found


@pytest.mark.parametrize("claim", [{"$integer": "x"}, [[[{"$what": 1}]]]])
def test_a_claim_that_is_no_value_refuses_the_token(claim: object) -> None:
    with pytest.raises(errors.UnauthenticatedError, match="odd is no value") as caught:
        attributes(Dialect.OIDC, odd=claim)

    assert caught.value.code == "Unauthenticated"

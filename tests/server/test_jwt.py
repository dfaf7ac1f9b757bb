import asyncio

import pytest

from livefile import AuthConfig, CustomJwtProvider, ManualClock, OidcProvider, errors
from livefile_server.auth.jwks import parse_key_set
from livefile_server.auth.key_cache import Fetched
from livefile_server.auth.providers import Dialect, Provider, providers_of
from livefile_server.auth.signed_in import SignedIn
from livefile_server.auth.tokens import Tokens
from tests.server.bad_tokens import UNREADABLE, UNVERIFIED, Bad, bad_tokens
from tests.token_issuer import (
    APPLICATION,
    ISSUER,
    NOW_S,
    TokenIssuer,
    ec_key,
    ed_key,
    key_set,
    public_jwk,
    rsa_key,
)

NS_PER_S = 1_000_000_000
RSA = TokenIssuer(rsa_key())
KEYS = parse_key_set(
    key_set(
        RSA.jwk,
        TokenIssuer(ed_key(), "EdDSA", "ed").jwk,
        public_jwk(rsa_key("encryption"), kid="encryption", use="enc"),
        public_jwk(rsa_key("weak", 1024), kid="weak"),
        public_jwk(rsa_key("twice"), kid="twice"),
        public_jwk(rsa_key("twice"), kid="twice"),
        public_jwk(ec_key(), kid="curve"),
        {**public_jwk(rsa_key("private")), "kid": "private", "d": "AQAB"},
    )
)
BAD: list[Bad] = list(bad_tokens(RSA))


def provider(dialect: Dialect, **changes: object) -> Provider:
    fields: dict[str, object] = {
        "dialect": dialect,
        "issuer": ISSUER,
        "application_id": APPLICATION,
        "algorithms": frozenset({"RS256", "EdDSA"} if dialect is Dialect.OIDC else {"RS256"}),
        "keys": KEYS,
        **changes,
    }
    return Provider(**fields)  # type: ignore[arg-type]  # The fields of a provider, changed.


OIDC = provider(Dialect.OIDC)
CUSTOM = provider(Dialect.CUSTOM_JWT)


async def no_network(address: str, is_local_allowed: bool) -> Fetched:
    raise AssertionError(f"{address} was asked")


def check(token: str, *providers: Provider, now_s: float = NOW_S) -> SignedIn:
    clock = ManualClock(int(now_s * NS_PER_S))
    tokens = Tokens(AuthConfig, clock, clock.now_ns, no_network, providers)
    return asyncio.run(tokens.check(token))


def refusal(token: str, *providers: Provider, now_s: float = NOW_S) -> errors.UnauthenticatedError:
    with pytest.raises(errors.UnauthenticatedError) as caught:
        check(token, *providers, now_s=now_s)
    return caught.value


# --- Good tokens ------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [OIDC, CUSTOM], ids=["oidc", "custom"])
def test_a_good_token_signs_in_until_it_ends(known: Provider) -> None:
    signed_in = check(RSA.token(), known)

    assert signed_in.identity.attributes == {
        "tokenIdentifier": f"{ISSUER}|ada",
        "subject": "ada",
        "issuer": ISSUER,
    }
    assert not signed_in.identity.is_admin
    assert signed_in.expires_ns == (NOW_S + 3600) * NS_PER_S


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt", None])
def test_the_types_of_access_tokens_are_good_too(kind: str | None) -> None:
    check(RSA.token({"typ": kind}), OIDC)


def test_headers_that_only_describe_the_key_are_passed_over() -> None:
    check(RSA.token({"x5t": "abc", "x5t#S256": "def", "nonce": "n"}), OIDC)


@pytest.mark.parametrize(
    ("issuer", "algorithm"),
    [
        (TokenIssuer(rsa_key()), "RS256"),
        (TokenIssuer(ec_key(), "ES256", "k1"), "ES256"),
        (TokenIssuer(ed_key(), "EdDSA", "k1"), "EdDSA"),
    ],
)
def test_a_custom_token_may_be_signed_by_the_algorithm_that_is_configured(
    issuer: TokenIssuer, algorithm: str
) -> None:
    keys = parse_key_set(key_set(issuer.jwk))
    known = provider(Dialect.CUSTOM_JWT, algorithms=frozenset({algorithm}), keys=keys)

    check(issuer.token(), known)


def test_an_oidc_token_may_be_signed_by_an_edwards_curve() -> None:
    check(TokenIssuer(ed_key(), "EdDSA", "ed").token(), OIDC)


def test_one_audience_may_stand_in_a_list() -> None:
    check(RSA.token(aud=[APPLICATION]), OIDC)


def test_a_custom_token_may_have_several_audiences() -> None:
    check(RSA.token(aud=["other", APPLICATION]), CUSTOM)


def test_without_an_application_the_audience_of_a_custom_token_does_not_matter() -> None:
    known = provider(Dialect.CUSTOM_JWT, application_id=None)

    check(RSA.token(aud=None), known)
    check(RSA.token(aud="other"), known)


def test_a_slash_at_the_end_of_the_issuer_makes_no_difference_but_is_shown() -> None:
    signed_in = check(RSA.token(iss=f"{ISSUER}/"), OIDC)

    assert signed_in.identity.attributes is not None
    assert signed_in.identity.attributes["tokenIdentifier"] == f"{ISSUER}/|ada"


def test_without_a_key_id_an_oidc_token_fits_the_only_key() -> None:
    keys = parse_key_set(key_set(RSA.jwk, TokenIssuer(ed_key(), "EdDSA", "ed").jwk))

    check(RSA.token({"kid": None}), provider(Dialect.OIDC, keys=keys))


def test_the_first_provider_that_fits_is_chosen() -> None:
    other = provider(Dialect.CUSTOM_JWT, application_id="other")

    check(RSA.token(aud="other"), OIDC, other)
    check(RSA.token(aud=APPLICATION), other, OIDC)


# --- Times ------------------------------------------------------------------------------------


def test_an_oidc_token_ends_at_its_end() -> None:
    token = RSA.token(exp=NOW_S + 60)

    check(token, OIDC, now_s=NOW_S + 59.9)
    assert refusal(token, OIDC, now_s=NOW_S + 60).code == "Unauthenticated"


def test_a_custom_token_is_accepted_for_five_more_seconds() -> None:
    token = RSA.token(exp=NOW_S + 60)

    check(token, CUSTOM, now_s=NOW_S + 64.9)
    assert refusal(token, CUSTOM, now_s=NOW_S + 65).code == "InvalidAuthHeader"


@pytest.mark.parametrize("known", [OIDC, CUSTOM], ids=["oidc", "custom"])
def test_clocks_may_differ_a_little(known: Provider) -> None:
    check(RSA.token(nbf=NOW_S + 5, iat=NOW_S + 60), known)


# --- Bad tokens -------------------------------------------------------------------------------


def named(bad: Bad) -> str:
    return bad[0].encode("ascii", "backslashreplace").decode()[:60]


def test_the_corpus_is_large_and_no_token_is_in_it_twice() -> None:
    assert len({token for _, token, _ in BAD}) == len(BAD) >= 120
    assert len({name for name, _, _ in BAD}) == len(BAD)


@pytest.mark.parametrize("bad", BAD, ids=named)
def test_a_bad_oidc_token_is_refused(bad: Bad) -> None:
    _, token, code = bad

    assert refusal(token, OIDC).code == code


# Several audiences, and five seconds more, are allowed there.
ALLOWED_TO_CUSTOM = ("aud: [", f"exp: {NOW_S}", f"exp: {NOW_S - 1}")
CUSTOM_BAD = [
    bad for bad in BAD if bad[2] == UNVERIFIED and not bad[0].startswith(ALLOWED_TO_CUSTOM)
]


@pytest.mark.parametrize("bad", CUSTOM_BAD, ids=named)
def test_a_bad_custom_token_is_refused_with_the_code_of_its_kind(bad: Bad) -> None:
    assert refusal(bad[1], CUSTOM).code == UNREADABLE


def test_a_custom_token_must_name_its_key() -> None:
    keys = parse_key_set(key_set(RSA.jwk))
    error = refusal(RSA.token({"kid": None}), provider(Dialect.CUSTOM_JWT, keys=keys))

    assert error.code == "InvalidAuthHeader"
    assert "kid" in str(error)


def test_without_a_key_id_a_token_fits_no_two_keys() -> None:
    keys = parse_key_set(key_set(RSA.jwk, TokenIssuer(rsa_key("other"), key_id="k2").jwk))

    error = refusal(RSA.token({"kid": None}), provider(Dialect.OIDC, keys=keys))

    assert error.code == "Unauthenticated"


def test_a_key_of_one_issuer_does_not_open_another() -> None:
    other = TokenIssuer(rsa_key("other"), issuer="https://other.example")
    providers = [
        OIDC,
        provider(Dialect.OIDC, issuer=other.issuer, keys=parse_key_set(key_set(other.jwk))),
    ]
    forged = TokenIssuer(other.key, issuer=ISSUER).token()

    check(other.token(), *providers)
    assert refusal(forged, *providers).code == "Unauthenticated"


def test_without_providers_no_token_is_accepted() -> None:
    error = refusal(RSA.token())

    assert error.code == "NoAuthProvider"
    assert str(error) == "No auth provider found matching the given token"


def test_the_refusal_of_an_unknown_issuer_names_those_that_are_known() -> None:
    error = refusal(RSA.token(aud="other"), OIDC)

    assert str(error) == (
        "No auth provider found matching the given token: it has issuer "
        "'https://issuer.example' and audience 'other'; auth_config.py has issuer "
        "'https://issuer.example' for audience 'app'"
    )


@pytest.mark.parametrize("bad", BAD, ids=named)
def test_a_refusal_is_short_and_does_not_repeat_the_token(bad: Bad) -> None:
    text = str(refusal(bad[1], OIDC))

    assert len(text) < 700
    assert len(bad[1]) < 20 or bad[1] not in text


# --- Configuration ----------------------------------------------------------------------------


def test_keys_in_the_configuration_need_no_network() -> None:
    config = AuthConfig(
        CustomJwtProvider(
            issuer=ISSUER,
            jwks="data:application/json," + key_set(RSA.jwk).decode().replace(" ", "%20"),
            algorithm="RS256",
        )
    )
    clock = ManualClock(NOW_S * NS_PER_S)
    tokens = Tokens(lambda: config, clock, clock.now_ns, no_network)

    signed_in = asyncio.run(tokens.check(RSA.token()))

    assert signed_in.identity.attributes is not None


def test_a_deploy_changes_who_is_accepted() -> None:
    configs = [AuthConfig(), AuthConfig(OidcProvider(domain=ISSUER, application_id="other"))]
    clock = ManualClock(NOW_S * NS_PER_S)
    tokens = Tokens(lambda: configs[0], clock, clock.now_ns, no_network)
    texts = []
    for _ in range(2):
        with pytest.raises(errors.UnauthenticatedError) as caught:
            asyncio.run(tokens.check(RSA.token()))
        texts.append(str(caught.value))
        configs.pop(0)

    assert "auth_config.py has" not in texts[0]
    assert "'other'" in texts[1]


def test_the_algorithms_of_a_provider_follow_its_kind() -> None:
    jwks = "https://keys.example/jwks"
    config = AuthConfig(
        OidcProvider(domain="issuer.example/", application_id=APPLICATION),
        CustomJwtProvider(issuer="issuer.example", jwks=jwks, algorithm="ES256"),
    )

    oidc, custom = providers_of(config)

    assert (oidc.issuer, custom.issuer) == (ISSUER, ISSUER)
    assert oidc.algorithms == {"RS256", "EdDSA"}
    assert custom.algorithms == {"ES256"}

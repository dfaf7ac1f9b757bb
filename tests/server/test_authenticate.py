import asyncio
import base64

import orjson
import pytest

from livefile import ADMIN, ANONYMOUS, AuthConfig, Identity, Livefile, ManualClock, errors
from livefile_server.auth.authenticate import Authenticator
from livefile_server.auth.jwks import parse_key_set
from livefile_server.auth.keys import AdminKeys
from livefile_server.auth.providers import Dialect, Provider
from livefile_server.auth.tokens import Tokens
from livefile_server.web.key_fetch import fetch_keys
from tests.token_issuer import APPLICATION, ISSUER, NOW_S, TokenIssuer, ed_key, key_set

SIGNER = TokenIssuer(ed_key(), "EdDSA")


def encoded(attributes: object) -> str:
    return base64.b64encode(orjson.dumps(attributes)).decode()


def authenticate(header: str | None, keys: AdminKeys) -> Identity:
    """Return who calls, for a deployment that knows one issuer."""
    provider = Provider(
        dialect=Dialect.OIDC,
        issuer=ISSUER,
        application_id=APPLICATION,
        algorithms=frozenset({"EdDSA"}),
        keys=parse_key_set(key_set(SIGNER.jwk)),
    )
    clock = ManualClock(NOW_S * 1_000_000_000)
    tokens = Tokens(AuthConfig, clock, clock.now_ns, fetch_keys, [provider])
    return asyncio.run(Authenticator(keys, tokens).identify(header))


@pytest.fixture
def keys(livefile: Livefile) -> AdminKeys:
    return AdminKeys(livefile)


@pytest.fixture
def key(keys: AdminKeys) -> str:
    return keys.replace("livefile")


def test_without_a_header_nobody_is_signed_in(keys: AdminKeys) -> None:
    assert authenticate(None, keys) == ANONYMOUS


@pytest.mark.parametrize("scheme", ["Convex", "convex", "CONVEX"])
def test_the_admin_key_makes_the_admin(keys: AdminKeys, key: str, scheme: str) -> None:
    assert authenticate(f"{scheme} {key}", keys) == ADMIN
    assert authenticate(f"{scheme} dev:{key}", keys) == ADMIN


@pytest.mark.parametrize(
    ("attributes", "token_identifier"),
    [
        ({"tokenIdentifier": "t"}, "t"),
        ({"issuer": "i", "subject": "s"}, "i|s"),
        ({"issuer": "i", "subject": "s", "tokenIdentifier": "t"}, "t"),
    ],
)
def test_the_admin_may_act_as_a_user(
    keys: AdminKeys, key: str, attributes: dict[str, str], token_identifier: str
) -> None:
    identity = authenticate(f"Convex {key}:{encoded(attributes)}", keys)

    assert identity == Identity(
        attributes={**attributes, "tokenIdentifier": token_identifier}, is_admin=True
    )


@pytest.mark.parametrize(
    "attributes",
    ["*", encoded([1]), encoded({}), encoded({"issuer": "i"}), encoded({"tokenIdentifier": 1}), ""],
)
def test_a_user_that_is_none_is_refused(keys: AdminKeys, key: str, attributes: str) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        authenticate(f"Convex {key}:{attributes}", keys)

    assert caught.value.code == "InvalidUserIdentity"


def test_the_key_is_checked_before_the_user(keys: AdminKeys, key: str) -> None:
    with pytest.raises(errors.UnauthenticatedError) as caught:
        authenticate(f"Convex {key[:-1]}:*", keys)

    assert caught.value.code == "BadAdminKey"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "InvalidHeaderFailure"),
        ("Convex", "InvalidHeaderFailure"),
        ("Basic YTpi", "InvalidAdminKey"),
        ("ConvexKey x", "InvalidAdminKey"),
    ],
)
def test_a_header_of_no_known_form_is_a_bad_request(
    keys: AdminKeys, header: str, code: str
) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        authenticate(header, keys)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Convex wrong|00", "BadAdminKey"),
        (f"Bearer {SIGNER.token(iss='https://other.example')}", "NoAuthProvider"),
        (f"bearer {SIGNER.token(aud='other')}", "NoAuthProvider"),
        (f"Bearer {SIGNER.token(exp=NOW_S)}", "Unauthenticated"),
        ("Bearer a.b.c", "InvalidAuthHeader"),
        ("Bearer abc", "InvalidAuthHeader"),
        ("Bearer ", "InvalidAuthHeader"),
    ],
)
def test_credentials_that_are_refused(keys: AdminKeys, header: str, code: str) -> None:
    with pytest.raises(errors.UnauthenticatedError) as caught:
        authenticate(header, keys)

    assert caught.value.code == code


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_makes_its_user(keys: AdminKeys, scheme: str) -> None:
    identity = authenticate(f"{scheme} {SIGNER.token()}", keys)

    assert not identity.is_admin
    assert identity.attributes == {
        "tokenIdentifier": f"{ISSUER}|ada",
        "subject": "ada",
        "issuer": ISSUER,
    }

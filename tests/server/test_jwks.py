import pytest

from livefile import errors
from livefile_server.auth.jwks import parse_key_set
from tests.token_issuer import TokenIssuer, ec_key, ed_key, key_set, public_jwk, rsa_key

RSA = TokenIssuer(rsa_key())


@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        (RSA.jwk, "RS256"),
        (public_jwk(rsa_key(), kid="k1"), "RS256"),
        (public_jwk(rsa_key(), kid="k1", key_ops=["verify"]), "RS256"),
        (public_jwk(ec_key(), kid="k1"), "ES256"),
        (public_jwk(ed_key(), kid="k1"), "EdDSA"),
    ],
)
def test_a_key_is_found_by_its_name_and_its_only_algorithm(
    jwk: dict[str, object], algorithm: str
) -> None:
    keys = parse_key_set(key_set(jwk))

    assert keys.find("k1", algorithm) is not None
    assert keys.find(None, algorithm) is not None
    assert keys.find("k2", algorithm) is None
    for other in {"RS256", "ES256", "EdDSA", "HS256", "none", "RS512"} - {algorithm}:
        assert keys.find("k1", other) is None


@pytest.mark.parametrize(
    "jwk",
    [
        public_jwk(rsa_key(), kid="k1", use="enc"),
        public_jwk(rsa_key(), kid="k1", use=1),
        public_jwk(rsa_key(), kid="k1", alg="RS512"),
        public_jwk(rsa_key(), kid="k1", alg="HS256"),
        public_jwk(rsa_key(), kid="k1", alg="ES256"),
        public_jwk(rsa_key(), kid="k1", key_ops=["encrypt"]),
        public_jwk(rsa_key(), kid="k1", key_ops="verify"),
        public_jwk(rsa_key(), kid="k1", kty="rsa"),
        public_jwk(rsa_key(), kid="k1", kty="EC", crv="P-256"),
        public_jwk(rsa_key(), kid="k1", n="!!"),
        public_jwk(rsa_key(), kid="k1", n=None),
        public_jwk(rsa_key(), kid="k1", n=5),
        public_jwk(rsa_key(), kid="k1", e="AA"),
        public_jwk(rsa_key(), kid="k1", d="AQAB"),
        public_jwk(rsa_key("weak", 1024), kid="k1"),
        public_jwk(ec_key("384", "P-384"), kid="k1"),
        public_jwk(ec_key(), kid="k1", crv="P-384"),
        public_jwk(ec_key(), kid="k1", crv=["P-256"]),
        public_jwk(ec_key(), kid="k1", x="AAAA"),
        public_jwk(ec_key(), kid="k1", y=None),
        public_jwk(ed_key(), kid="k1", crv="X25519"),
        public_jwk(ed_key(), kid="k1", crv="Ed448"),
        public_jwk(ed_key(), kid="k1", x="AAAA"),
        {"kty": "oct", "kid": "k1", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA", "kid": "k1"},
        {"kid": "k1"},
        {},
    ],
)
def test_a_key_for_something_else_is_passed_over(jwk: dict[str, object]) -> None:
    keys = parse_key_set(key_set(jwk, TokenIssuer(ed_key("good"), "EdDSA", "good").jwk))

    assert [key.key_id for key in keys.keys] == ["good"]


def test_entries_that_are_no_keys_are_passed_over() -> None:
    document = b'{"keys":[null,1,"k",[],' + key_set(RSA.jwk)[10:]

    assert [key.key_id for key in parse_key_set(document).keys] == ["k1"]


@pytest.mark.parametrize(
    "document",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"keys":{}}', b'{"keys":null}', b" " * 65_537],
)
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(errors.UnauthenticatedError) as caught:
        parse_key_set(document)

    assert caught.value.code == "AuthProviderDiscoveryFailed"

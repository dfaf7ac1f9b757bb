"""Tokens that functions sign: by a key that is the file's own and stays the same."""

from pathlib import Path

import jwt
import pytest

from livefile import BadRequestError, Livefile
from livefile.javascript.signed_tokens import public_keys, sign_token
from livefile.transaction.transaction import Transaction
from tests.pushed import code, definition, push

ISSUER = "https://notes.example"


def signed(transaction: Transaction, claims: object = None, age_s: object = 60) -> str:
    return sign_token(transaction, ISSUER, claims, age_s)


def test_a_token_is_checked_with_the_published_key_of_its_file(tmp_path: Path) -> None:
    for name in ("one", "other"):
        with Livefile.open(tmp_path / f"{name}.db", has_scheduler=False) as livefile:
            token = livefile._system.read(signed)
            (key,) = livefile._system.read(public_keys)
        with Livefile.open(tmp_path / f"{name}.db", has_scheduler=False) as livefile:
            assert livefile._system.read(public_keys) == [key]
        claims = jwt.decode(token, jwt.PyJWK(key), algorithms=["ES256"], issuer=ISSUER)

        assert jwt.get_unverified_header(token)["kid"] == key["kid"]
        assert claims["exp"] == claims["iat"] + 60
        assert "d" not in key
    with Livefile.open(tmp_path / "one.db", has_scheduler=False) as livefile:
        (another,) = livefile._system.read(public_keys)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, jwt.PyJWK(another), algorithms=["ES256"], issuer=ISSUER)


def test_the_same_transaction_signs_the_same_text_again() -> None:
    with Livefile.open(":memory:", has_scheduler=False) as livefile:
        one, other = livefile._system.read(lambda it: (signed(it, {"a": 1}), signed(it, {"a": 1})))

    assert one == other


@pytest.mark.parametrize(
    ("claims", "age_s", "message"),
    [
        ([], 60, "claims are an object"),
        ({"nbf": 1}, 60, "reserved"),
        ({"convex": 1}, 60, "reserved"),
        ({"CVX_a": 1}, 60, "reserved"),
        ({}, True, "from 1 to 3600"),
        ({}, "60", "from 1 to 3600"),
        ({}, None, "from 1 to 3600"),
        ({}, float("nan"), "from 1 to 3600"),
    ],
)
def test_a_token_that_cannot_be_is_refused(claims: object, age_s: object, message: str) -> None:
    with (
        Livefile.open(":memory:", has_scheduler=False) as livefile,
        pytest.raises(BadRequestError, match=message),
    ):
        livefile._system.read(lambda it: signed(it, claims, age_s))


def test_keys_are_published_where_functions_may_sign() -> None:
    with Livefile.open(":memory:", has_scheduler=False) as livefile:
        before = livefile.token_keys()
        push(livefile, code(definition({})))
        (key,) = livefile.token_keys()

    assert (before, key["alg"]) == ([], "ES256")

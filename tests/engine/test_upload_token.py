from base64 import urlsafe_b64encode
from random import Random

import pytest

from livefile.system.upload_token import check_upload_token, make_upload_token
from livefile.vocabulary.errors import UnauthenticatedError
from livefile.vocabulary.limits import UPLOAD_TOKEN_AGE_MS_MAX

SECRET = bytes(range(32))
NOW_NS = 1_700_000_000_123_456_789
AGE_NS_MAX = UPLOAD_TOKEN_AGE_MS_MAX * 1_000_000


def refusal(token: str, now_ns: int = NOW_NS, secret: bytes = SECRET) -> str:
    with pytest.raises(UnauthenticatedError) as refused:
        check_upload_token(secret, token, now_ns)
    return refused.value.code


def test_a_token_is_good_for_an_hour_and_no_longer() -> None:
    token = make_upload_token(SECRET, NOW_NS)

    check_upload_token(SECRET, token, NOW_NS)
    check_upload_token(SECRET, token, NOW_NS)  # Any number of times.
    check_upload_token(SECRET, token, NOW_NS + AGE_NS_MAX - 1_000_000)
    assert refusal(token, NOW_NS + AGE_NS_MAX) == "StorageTokenExpired"


def test_a_token_is_worth_nothing_at_another_deployment() -> None:
    token = make_upload_token(SECRET, NOW_NS)

    assert refusal(token, secret=bytes(32)) == "InvalidStorageToken"


@pytest.mark.parametrize(
    "text",
    ["", "x", "null", "a" * 54, "a" * 5000, "ä" * 54, "%00", "AAAA=", " ", "../../etc/passwd"],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    assert refusal(text) in ("StorageTokenInvalid", "InvalidStorageToken")


def test_a_token_in_another_spelling_is_refused() -> None:
    token = make_upload_token(SECRET, NOW_NS)

    for spelling in (token + "=", token + "==", token + "\n", f" {token}", token + "AA"):
        assert refusal(spelling) == "StorageTokenInvalid"


def test_no_bit_of_a_token_can_be_changed() -> None:
    token = make_upload_token(SECRET, NOW_NS)
    random = Random(1)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    tried = set()
    for place in range(len(token)):
        for character in alphabet:
            tried.add(token[:place] + character + token[place + 1 :])
    for _ in range(7_000):
        tried.add(urlsafe_b64encode(random.randbytes(40)).decode().rstrip("="))
    tried.discard(token)
    assert len(tried) >= 10_000
    for changed in tried:
        with pytest.raises(UnauthenticatedError):
            check_upload_token(SECRET, changed, NOW_NS)

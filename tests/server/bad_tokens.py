"""Tokens that must be refused, each with its name and the code of the refusal.

Each differs from a good token in one thing; where it can be, the difference is signed by the
issuer's own key, so that nothing but the check of that one thing refuses it.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.token_issuer import (
    ISSUER,
    NOW_S,
    TokenIssuer,
    decode,
    ec_key,
    ed_key,
    encode,
    json_part,
    public_jwk,
    rsa_key,
)

UNREADABLE = "InvalidAuthHeader"
UNKNOWN = "NoAuthProvider"
UNVERIFIED = "Unauthenticated"
"""Of an OIDC token; that of a custom JWT is the one of an unreadable one."""

Bad = tuple[str, str, str]


def bad_tokens(good: TokenIssuer) -> Iterator[Bad]:
    """Yield (name, token, code) for tokens of an OIDC provider whose key is that of ``good``."""
    yield from _forms(good)
    yield from _headers(good)
    yield from _payloads(good)
    yield from _algorithms(good)
    yield from _signatures(good)
    yield from _key_ids(good)
    yield from _issuers_and_audiences(good)
    yield from _subjects_and_times(good)


def _forms(good: TokenIssuer) -> Iterator[Bad]:
    token = good.token()
    header, payload, signature = token.split(".")
    forms = {
        "empty": "",
        "blank": " ",
        "dots": "..",
        "one part": payload,
        "two parts": f"{header}.{payload}",
        "no signature, dot": f"{header}.{payload}.",
        "no payload": f"{header}..{signature}",
        "no header": f".{payload}.{signature}",
        "four parts": f"{token}.{signature}",
        "JWE of five parts": f"{header}.{encode(b'k')}.{encode(b'iv')}.{payload}.{signature}",
        "padded header": f"{header}==.{payload}.{signature}",
        "padded payload": f"{header}.{payload}=.{signature}",
        "padded signature": f"{token}==",
        "space before": f" {token}",
        "line break behind": f"{token}\n",
        "line break inside": f"{header}.{payload[:9]}\n{payload[9:]}.{signature}",
        "NUL inside": f"{header}.{payload}\0.{signature}",
        "plus of base64": f"{header}.{payload}.+{signature[1:]}",
        "slash of base64": f"{header}.{payload}./{signature[1:]}",
        "full-width letter": f"{header}.{payload}.\uff21{signature[1:]}",
        "one letter too many": f"{header}.{payload}.{signature}AAA",
        "bits after the end": f"{header}.{payload}.{_with_loose_bits(signature)}",
        "Bearer inside": f"Bearer {token}",
        "in quotes": f'"{token}"',
        "JSON serialization": json.dumps({"payload": payload, "signatures": []}),
        "9 KiB": good.token(note="x" * 9000),
        "a megabyte": "x" * 1_000_000,
    }
    for name, text in forms.items():
        yield f"form: {name}", text, UNREADABLE


def _with_loose_bits(part: str) -> str:
    """Return base64url of the same bytes, spelt in a second way."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(part) % 4, "the last letter has no loose bits"
    return part[:-1] + letters[letters.index(part[-1]) + 1]


def _headers(good: TokenIssuer) -> Iterator[Bad]:
    jwk = public_jwk(good.key)
    refused: Mapping[str, Mapping[str, object]] = {
        "crit of something": {"crit": ["exp"], "exp": 1},
        "crit that is empty": {"crit": []},
        "crit of b64": {"crit": ["b64"], "b64": False},
        "b64 false": {"b64": False},
        "b64 true": {"b64": True},
        "jku": {"jku": "https://evil.example/keys"},
        "jku of the issuer": {"jku": f"{good.issuer}/keys"},
        "jwk": {"jwk": jwk},
        "x5u": {"x5u": "https://evil.example/cert"},
        "x5c": {"x5c": ["MIIB"]},
        "zip": {"zip": "DEF"},
        "enc": {"enc": "A128GCM"},
        "cty": {"cty": "JWT"},
        "typ of another kind": {"typ": "dpop+jwt"},
        "typ of a logout": {"typ": "logout+jwt"},
        "typ JWE": {"typ": "JWE"},
        "typ a number": {"typ": 1},
        "typ empty": {"typ": ""},
        "alg missing": {"alg": None},
        "alg a list": {"alg": ["RS256"]},
        "alg a number": {"alg": 256},
        "alg an object": {"alg": {"RS256": True}},
        "alg empty": {"alg": ""},
        "kid a number": {"kid": 1},
        "kid a list": {"kid": ["k1"]},
        "kid empty": {"kid": ""},
    }
    for name, changes in refused.items():
        yield f"header: {name}", good.token(changes), UNREADABLE
    plain = json.dumps(good.header())
    texts = {
        "a list": f"[{plain}]",
        "a text": '"RS256"',
        "null": "null",
        "no JSON": "{alg:RS256}",
        "cut off": plain[:-2],
        "two objects": plain * 2,
        "a comment": f"/**/{plain}",
        "a byte order mark": f"\ufeff{plain}",
        "alg twice": '{"alg":"none",' + plain[1:],
        "alg twice, spelt differently": '{"\\u0061lg":"none",' + plain[1:],
        "kid twice": '{"kid":"k2",' + plain[1:],
        "nested too deep": '{"x":' + "[" * 4000 + "]" * 4000 + "}",
        "half a surrogate pair": '{"x":"\\ud800",' + plain[1:],
    }
    payload = json_part(good.claims())
    for name, text in texts.items():
        token = good.sign(encode(text.encode()), payload)
        yield f"header: {name}", token, UNREADABLE
    yield "header: not UTF-8", good.sign(encode(b'{"alg":"\xff"}'), payload), UNREADABLE
    yield "header: UTF-16", good.sign(encode(plain.encode("utf-16")), payload), UNREADABLE


def _payloads(good: TokenIssuer) -> Iterator[Bad]:
    header = json_part(good.header())
    plain = json.dumps(good.claims())
    texts = {
        "a list": f"[{plain}]",
        "a number": "1",
        "no JSON": "sub=ada",
        "sub twice": '{"sub":"admin",' + plain[1:],
        "iss twice": '{"iss":"https://evil.example",' + plain[1:],
        "exp twice": f'{{"exp":{NOW_S - 10},' + plain[1:],
        "twice inside": '{"x":{"a":1,"a":2},' + plain[1:],
        "NaN": '{"x":NaN,' + plain[1:],
        "Infinity": '{"x":-Infinity,' + plain[1:],
        "nested too deep": '{"x":' + "[" * 2000 + "]" * 2000 + "," + plain[1:],
        "half a surrogate pair": '{"x":"\\udfff",' + plain[1:],
    }
    for name, text in texts.items():
        yield f"payload: {name}", good.sign(header, encode(text.encode())), UNREADABLE
    yield "payload: a token", good.sign(header, encode(good.token().encode())), UNREADABLE


def _algorithms(good: TokenIssuer) -> Iterator[Bad]:
    payload = json_part(good.claims())
    for name in ("none", "None", "NONE", "nOnE", "RS1", "rs256", "RS256 ", "PS256", "RS384"):
        header = json_part(good.header(alg=name))
        signature = good.token().rpartition(".")[2]
        yield f"alg: {name!r}", f"{header}.{payload}.{signature}", UNVERIFIED
    for name in ("none", "None", "NONE"):
        header = json_part(good.header(alg=name))
        yield f"alg: {name} without signature", f"{header}.{payload}.", UNREADABLE
    public = good.key.public_key()
    secrets = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": json.dumps(good.jwk).encode(),
        "key id": str(good.key_id).encode(),
        "nothing": b"",
    }
    for alg, digest in {"HS256": hashlib.sha256, "HS512": hashlib.sha512}.items():
        header = json_part(good.header(alg=alg))
        for name, secret in secrets.items():
            signed = hmac.digest(secret, f"{header}.{payload}".encode(), digest)
            token = f"{header}.{payload}.{encode(signed)}"
            yield f"alg: {alg} with {name} as secret", token, UNVERIFIED
    others = {
        "ES256": TokenIssuer(ec_key(), "ES256", good.key_id),
        "ES384": TokenIssuer(ec_key("384", "P-384"), "ES384", good.key_id),
        "RS512": TokenIssuer(good.key, "RS512", good.key_id),
        "PS256": TokenIssuer(good.key, "PS256", good.key_id),
        "EdDSA": TokenIssuer(ed_key("other"), "EdDSA", good.key_id),
    }
    for name, other in others.items():
        yield f"alg: {name}, well signed", other.token(), UNVERIFIED


def _signatures(good: TokenIssuer) -> Iterator[Bad]:
    header, payload, encoded = good.token().split(".")
    signature = decode(encoded)
    changed = json_part(good.claims(sub="admin"))
    yield "signature: of another key", TokenIssuer(rsa_key("other")).token(), UNVERIFIED
    yield "signature: of another payload", f"{header}.{changed}.{encoded}", UNVERIFIED
    other_header = json_part(good.header(x=1))
    yield "signature: of another header", f"{other_header}.{payload}.{encoded}", UNVERIFIED
    signatures = {
        "zeros": bytes(256),
        "one zero": bytes(1),
        "ones": bytes([255] * 256),
        "cut off": signature[:-1],
        "too long": signature + b"\0",
        "a zero in front": b"\0" + signature,
        "backwards": signature[::-1],
        "twice": signature * 2,
        "first bit turned": bytes([signature[0] ^ 0x80]) + signature[1:],
        "last bit turned": signature[:-1] + bytes([signature[-1] ^ 1]),
        "the payload itself": decode(payload),
    }
    for name, data in signatures.items():
        yield f"signature: {name}", f"{header}.{payload}.{encode(data)}", UNVERIFIED


def _key_ids(good: TokenIssuer) -> Iterator[Bad]:
    key_ids = {
        "unknown": "k2",
        "in capitals": "K1",
        "with a space": "k1 ",
        "path": "../../../../dev/null",
        "absolute path": "/proc/self/environ",
        "SQL": "k1' OR '1'='1",
        "UNION": "x' UNION SELECT 'key'--",
        "NUL": "k1\0",
        "shell": "$(id)|k1",
        "address": "https://evil.example/keys#k1",
        "long": "k" * 5000,
        "of an encryption key": "encryption",
        "of a weak key": "weak",
        "of a key that stands twice": "twice",
        "of a key of another kind": "curve",
    }
    for name, key_id in key_ids.items():
        yield f"kid: {name}", good.token({"kid": key_id}), UNVERIFIED
    weak = TokenIssuer(rsa_key("weak", 1024), key_id="weak")
    yield "kid: well signed by a weak key", weak.token(), UNVERIFIED
    encryption = TokenIssuer(rsa_key("encryption"), key_id="encryption")
    yield "kid: well signed by an encryption key", encryption.token(), UNVERIFIED
    twice = TokenIssuer(rsa_key("twice"), key_id="twice")
    yield "kid: well signed by a key that stands twice", twice.token(), UNVERIFIED
    private = TokenIssuer(rsa_key("private"), key_id="private")
    yield "kid: well signed by a key that is not secret", private.token(), UNVERIFIED


def _issuers_and_audiences(good: TokenIssuer) -> Iterator[Bad]:
    issuers = (
        f"{ISSUER}.evil.example",
        f"{ISSUER}//",
        f"{ISSUER}/x",
        f"{ISSUER}:443",
        f"{ISSUER}?",
        f"{ISSUER}#",
        f" {ISSUER}",
        f"{ISSUER}\0",
        ISSUER.upper(),
        ISSUER.replace("https", "http"),
        ISSUER.removeprefix("https://"),
        ISSUER[:-1],
        "https://issuer.ex\u0430mple",  # A letter of another alphabet.
    )
    for issuer in issuers:
        yield f"iss: {issuer!r}", good.token(iss=issuer), UNKNOWN
    for no_issuer in (None, "", 1, True, [ISSUER], {"iss": ISSUER}):
        yield f"iss: {no_issuer!r}", good.token(iss=no_issuer), UNREADABLE
    for audience in (
        None,
        "",
        "APP",
        "app2",
        "ap",
        " app",
        "app\0",
        "other",
        [],
        ["ap"],
        ["other", "App"],
    ):
        yield f"aud: {audience!r}", good.token(aud=audience), UNKNOWN
    for no_audience in (1, True, {"app": True}, ["app", 1], [["app"]], ["app", None]):
        yield f"aud: {no_audience!r}", good.token(aud=no_audience), UNREADABLE
    for several in (["app", "other"], ["other", "app"], ["app", "app"]):
        yield f"aud: {several!r}", good.token(aud=several), UNVERIFIED


def _subjects_and_times(good: TokenIssuer) -> Iterator[Bad]:
    for subject in (None, "", 1, True, ["ada"], {"sub": "ada"}):
        yield f"sub: {subject!r}", good.token(sub=subject), UNVERIFIED
    header = json_part(good.header())
    plain = json.dumps(good.claims(exp=None))
    ends = ("1e99", "1e10", f"{NOW_S + 60}.5", f'"{NOW_S + 60}"', "true", "[9999999999]", "null")
    for end in (*ends, "-1", "0", str(NOW_S), str(NOW_S - 1), "9" * 30, "99999999999999"):
        payload = f'{{"exp":{end},' + plain[1:]
        yield f"exp: {end}", good.sign(header, encode(payload.encode())), UNVERIFIED
    yield "exp: missing", good.token(exp=None), UNVERIFIED
    for begin in (NOW_S + 6, NOW_S + 3600, 1e99, str(NOW_S), True, -1, [NOW_S]):
        yield f"nbf: {begin!r}", good.token(nbf=begin), UNVERIFIED
    moments: tuple[object, ...] = (NOW_S + 61, NOW_S * 1000, 1e99, str(NOW_S), True, -1, {})
    for issued in moments:
        yield f"iat: {issued!r}", good.token(iat=issued), UNVERIFIED

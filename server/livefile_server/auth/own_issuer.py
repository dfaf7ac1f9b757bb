"""The deployment as an issuer of access tokens: signing them, and saying how they are checked.

A token is an OpenID Connect id token for the application ``convex``, signed by EdDSA. Whoever
checks it needs the published keys only, and so does this server, which has them at hand.

Not here: sessions, and the keys themselves (the engine's ``accounts/``).
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from livefile import AccountService, Clock, Grant, limits
from livefile_server.auth.jwks import Key, KeySet
from livefile_server.auth.providers import Dialect, Provider

APPLICATION = "convex"
ALGORITHM = "EdDSA"
KEYS_PATH = "/.well-known/jwks.json"

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, and its end in milliseconds since 1970."""

    text: str
    expires_ms: int


class OwnIssuer:
    """Issues tokens for one server, on its event loop."""

    def __init__(self, accounts: AccountService, clock: Clock) -> None:
        """Take the accounts of the deployment, and the clock that tokens speak of."""
        self._accounts = accounts
        self._clock = clock

    async def issue(self, grant: Grant) -> AccessToken:
        """Return a token for whom a session is of."""
        now_ms = self._now_ms()
        keys = await self._accounts.signing_keys(now_ms)
        key = keys.signing_key(now_ms)
        issued_s = now_ms // 1000
        end_s = issued_s + limits.ACCESS_TOKEN_AGE_MS_MAX // 1000
        user = grant.user
        claims: dict[str, object] = {
            "iss": await self.name(),
            "aud": APPLICATION,
            "sub": user.id,
            "iat": issued_s,
            "exp": end_s,
        }
        if user.email is not None:
            claims |= {"email": user.email, "email_verified": user.is_email_verified}
        if user.name is not None:
            claims["name"] = user.name
        if user.is_anonymous:
            claims["isAnonymous"] = True
        text = jwt.encode(
            claims,
            Ed25519PrivateKey.from_private_bytes(key.seed),
            algorithm=ALGORITHM,
            headers={"kid": key.id},
        )
        return AccessToken(text=text, expires_ms=end_s * 1000)

    async def name(self) -> str:
        """Return what tokens have as ``iss``.

        Without an address of the app's own it is one that can belong to nobody, made with the file.
        """
        configuration = self._accounts.configuration
        if configuration is not None and configuration.issuer is not None:
            return configuration.issuer
        keys = await self._accounts.signing_keys(self._now_ms())
        return f"https://{keys.name}.livefile.invalid"

    async def providers(self) -> Sequence[Provider]:
        """Return this issuer for checking tokens; nothing if the app has no accounts."""
        if self._accounts.configuration is None:
            return ()
        keys = await self._accounts.signing_keys(self._now_ms())
        return (
            Provider(
                dialect=Dialect.OIDC,
                issuer=await self.name(),
                application_id=APPLICATION,
                algorithms=frozenset({ALGORITHM}),
                keys=KeySet(
                    keys=tuple(
                        Key(
                            key_id=key.id,
                            algorithm=ALGORITHM,
                            public_key=Ed25519PrivateKey.from_private_bytes(key.seed).public_key(),
                        )
                        for key in keys.keys
                    )
                ),
            ),
        )

    async def keys(self) -> list[dict[str, str]]:
        """Return the public keys as JWKs."""
        keys = await self._accounts.signing_keys(self._now_ms())
        return [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": _public_half(key.seed),
                "kid": key.id,
                "use": "sig",
                "alg": ALGORITHM,
            }
            for key in keys.keys
        ]

    async def discovery(self, address: str) -> dict[str, object]:
        """Return the OpenID configuration; ``address`` is where the deployment answers."""
        issuer = await self.name()
        configuration = self._accounts.configuration
        is_named = configuration is not None and configuration.issuer is not None
        return {
            "issuer": issuer,
            "jwks_uri": (issuer if is_named else address) + KEYS_PATH,
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
        }

    def _now_ms(self) -> int:
        return self._clock.now_ns() // _NS_PER_MS


def _public_half(seed: bytes) -> str:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return urlsafe_b64encode(public).rstrip(b"=").decode()

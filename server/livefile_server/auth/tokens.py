"""Signing in by a token: from its text to a user.

One object for each server. It follows the app: after a deploy it asks the providers of the new
``auth_config.py`` and keeps the keys of those that stayed.

Not here: admin keys (``keys.py``), the HTTP header (``authenticate.py``), and what happens to a
socket whose token expires (``sync/sign_in.py``).
"""

from collections.abc import Awaitable, Callable, Sequence

from livefile import AuthConfig, Clock
from livefile_server.auth.claims import identity_of
from livefile_server.auth.jwks import Key, KeySet
from livefile_server.auth.jwt import (
    Token,
    check_algorithm,
    check_claims,
    check_signature,
    read_token,
    refuse,
)
from livefile_server.auth.key_cache import Fetch, KeyCache
from livefile_server.auth.providers import (
    Discovery,
    KeyAddress,
    Provider,
    choose_provider,
    providers_of,
)
from livefile_server.auth.signed_in import SignedIn

NS_PER_S = 1_000_000_000


class Tokens:
    """Checks tokens. For one event loop.

    ``clock`` is the wall clock, which tokens speak of; ``steady_ns`` reads one that never jumps.
    ``own_providers`` are issuers that the app need not name; they are asked first. ``own_issuer``
    gives those of the deployment itself, whose keys change; they are asked before them.
    """

    def __init__(
        self,
        config: Callable[[], AuthConfig],
        clock: Clock,
        steady_ns: Callable[[], int],
        fetch: Fetch,
        own_providers: Sequence[Provider] = (),
        own_issuer: Callable[[], Awaitable[Sequence[Provider]]] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._steady_ns = steady_ns
        self._fetch = fetch
        self._own_providers = tuple(own_providers)
        self._own_issuer = own_issuer
        self._known_config: AuthConfig | None = None
        self._providers = self._own_providers
        self._caches: dict[Discovery | KeyAddress, KeyCache] = {}

    async def check(self, text: str) -> SignedIn:
        """Return whom a token stands for, and until when.

        Waits for the network only if the issuer's keys are not known yet, or not this one.

        Raises:
            UnauthenticatedError: the token is refused.
            OverloadedError: its issuer cannot be asked for keys now.
        """
        token = read_token(text)
        own = () if self._own_issuer is None else await self._own_issuer()
        providers = (*own, *self._current_providers())
        provider = choose_provider(providers, token.issuer, token.audiences)
        check_algorithm(token, provider)
        key = await self._find_key(token, provider)
        if key is None:
            shown = "of this algorithm" if token.key_id is None else f"{token.key_id[:80]!r}"
            raise refuse(provider, f"the issuer has no key {shown} for {token.algorithm}")
        check_signature(token, provider, key)
        # After the wait for the keys, which may have outlasted the token.
        end_s = check_claims(token, provider, self._clock.now_ns() / NS_PER_S)
        return SignedIn(identity_of(token, provider), int(end_s) * NS_PER_S)

    async def _find_key(self, token: Token, provider: Provider) -> Key | None:
        source = provider.keys
        if isinstance(source, KeySet):
            return source.find(token.key_id, token.algorithm)
        cache = self._caches[source]
        key = cache.peek(token.key_id, token.algorithm)
        return await cache.find(token.key_id, token.algorithm) if key is None else key

    def _current_providers(self) -> tuple[Provider, ...]:
        config = self._config()
        if config is not self._known_config:
            self._providers = self._own_providers + providers_of(config)
            sources = {each.keys for each in self._providers if not isinstance(each.keys, KeySet)}
            self._caches = {
                source: self._caches.get(source) or KeyCache(source, self._steady_ns, self._fetch)
                for source in sources
            }
            self._known_config = config
        return self._providers

"""The keys of one issuer, kept and fetched anew within bounds.

Anybody can send tokens with made-up key ids, so what tokens say may not decide how often an issuer
is asked: one fetch is under way at a time, unknown keys cause one a minute, and age one in ten
minutes. While an issuer cannot be reached its old keys serve on.

Runs on one event loop. Not here: the network; ``Fetch`` is passed in (``web/key_fetch.py``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

from livefile import LivefileError, errors, limits
from livefile_server.auth.jwks import Key, KeySet, parse_key_set
from livefile_server.auth.providers import Discovery, KeyAddress

NS_PER_MS = 1_000_000
_FETCH_DURATION_S_MAX = limits.KEY_FETCH_DURATION_MS_MAX / 1000
_KEY_SET_TYPES = ("application/json", "application/jwk-set+json")


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer of a server with any status. The body is cut off after the allowed size."""

    status: int
    content_type: str
    body: bytes


class FetchError(Exception):
    """There was no answer, or the address may not be asked; the message says why."""


# Takes an address, and whether it may be one of this machine.
Fetch = Callable[[str, bool], Awaitable[Fetched]]


class KeyCache:
    """The keys at one source. ``now_ns`` reads a clock that never jumps."""

    def __init__(
        self, source: Discovery | KeyAddress, now_ns: Callable[[], int], fetch: Fetch
    ) -> None:
        self._source = source
        self._now_ns = now_ns
        self._fetch = fetch
        # By http an app may name this machine only. An issuer elsewhere must not send us here.
        self._is_local = source.address.startswith("http:")
        self._keys: KeySet | None = None
        self._error: LivefileError | None = None
        self._fetched_ns: int | None = None
        self._asked_ns: int | None = None
        self._refreshed_ns: int | None = None
        self._loading: asyncio.Task[None] | None = None

    def peek(self, key_id: str | None, algorithm: str) -> Key | None:
        """Return a key that is known and fresh, without waiting; None says: call ``find``."""
        if self._keys is None or self._is_old():
            return None
        return self._keys.find(key_id, algorithm)

    async def find(self, key_id: str | None, algorithm: str) -> Key | None:
        """Return the key that fits, None if the issuer has none.

        Raises:
            UnauthenticatedError: the issuer's answer is unusable.
            OverloadedError: the issuer cannot be reached now.
        """
        if self._loading is not None or self._is_load_due():
            await self._load()
        key = None if self._keys is None else self._keys.find(key_id, algorithm)
        if key is None and self._keys is not None and self._may_refresh():
            self._refreshed_ns = self._now_ns()
            await self._load()
            key = self._keys.find(key_id, algorithm)
        if key is None and self._error is not None:
            # The key may be a new one that could not be fetched: no reason to sign anybody out.
            raise self._error
        return key

    def _is_old(self) -> bool:
        return not self._is_within(self._fetched_ns, limits.KEY_SET_AGE_MS_MAX)

    def _is_load_due(self) -> bool:
        if self._keys is None:
            return not self._is_within(self._asked_ns, limits.KEY_RETRY_INTERVAL_MS)
        return self._is_old() and not self._is_within(
            self._asked_ns, limits.KEY_REFRESH_INTERVAL_MS
        )

    def _may_refresh(self) -> bool:
        return not self._is_within(self._refreshed_ns, limits.KEY_REFRESH_INTERVAL_MS)

    def _is_within(self, moment_ns: int | None, duration_ms: int) -> bool:
        return moment_ns is not None and self._now_ns() - moment_ns < duration_ms * NS_PER_MS

    # All who wait share one fetch, and none of them can cancel it by going away.
    async def _load(self) -> None:
        if self._loading is None:
            self._asked_ns = self._now_ns()
            self._loading = asyncio.get_running_loop().create_task(self._load_now())
        await asyncio.shield(self._loading)

    async def _load_now(self) -> None:
        try:
            async with asyncio.timeout(_FETCH_DURATION_S_MAX):
                self._keys = await self._read()
            self._error = None
            self._fetched_ns = self._now_ns()
        except LivefileError as error:
            self._error = error
        except (FetchError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            self._error = _unreachable(self._source.address, reason)
        finally:
            self._loading = None

    async def _read(self) -> KeySet:
        match self._source:
            case KeyAddress():
                fetched = await self._get(self._source.address)
                if fetched.content_type not in _KEY_SET_TYPES:
                    raise _unusable(
                        self._source.address,
                        f"its content type is {fetched.content_type!r}, not {_KEY_SET_TYPES[0]}",
                    )
                return parse_key_set(fetched.body)
            case Discovery():
                address = self._key_address(await self._get(self._source.address))
                return parse_key_set((await self._get(address)).body)

    def _key_address(self, fetched: Fetched) -> str:
        assert isinstance(self._source, Discovery)
        try:
            document = orjson.loads(fetched.body)
        except orjson.JSONDecodeError as error:
            raise _unusable(self._source.address, f"it is no JSON: {error}") from error
        if not isinstance(document, dict) or not isinstance(document.get("jwks_uri"), str):
            raise _unusable(self._source.address, "it has no jwks_uri")
        issuer = document.get("issuer")
        if not isinstance(issuer, str) or issuer.removesuffix("/") != self._source.issuer:
            raise _unusable(
                self._source.address,
                f"its issuer is {str(issuer)[:200]!r}, not {self._source.issuer!r}",
            )
        address: str = document["jwks_uri"]
        return address

    async def _get(self, address: str) -> Fetched:
        fetched = await self._fetch(address, self._is_local)
        if fetched.status >= 500:
            raise _unreachable(address, f"status {fetched.status}")
        if fetched.status != 200:
            raise _unusable(address, f"status {fetched.status}")
        return fetched


def _unreachable(address: str, reason: str) -> errors.OverloadedError:
    return errors.OverloadedError(
        "AuthProviderDiscoveryFailed",
        f"The auth provider cannot be reached at {address[:200]}: {reason}",
    )


def _unusable(address: str, reason: str) -> errors.UnauthenticatedError:
    return errors.UnauthenticatedError(
        "AuthProviderDiscoveryFailed",
        f"The answer of the auth provider at {address[:200]} cannot be used: {reason}",
    )

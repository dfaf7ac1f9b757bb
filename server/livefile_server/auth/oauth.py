"""Signing in at another issuer: the authorization code flow of OpenID Connect, with PKCE.

    page -> start -> the issuer's page -> callback -> the page again, with a code -> finish

Three secrets hold it together: ``state`` ties the callback to its start, ``nonce`` ties the token
to it, and the page's own ``verifier``, of which only a hash travels, ties the finish to the browser
that began: a link to somebody else's callback signs nobody in.

The network is passed in. Not here: routes (``web/oauth.py``).
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import orjson

from livefile import AuthConfig, Clock, OidcProvider, Proof, errors, limits
from livefile_server.auth.jwt import read_token
from livefile_server.auth.key_cache import Fetch, Fetched, FetchError
from livefile_server.auth.one_time import OneTime
from livefile_server.auth.providers import DISCOVERY_PATH
from livefile_server.auth.tokens import Tokens

CALLBACK_PATH = "/api/auth/oauth/callback"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")

# Takes an address, whether it may be one of this machine, a form, and name and secret for the
# header, if they go there.
PostForm = Callable[[str, bool, Mapping[str, str], tuple[str, str] | None], Awaitable[Fetched]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The app at one issuer. ``redirect_uri`` is where the issuer sends users back."""

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in under way. ``challenge`` is the hash of the page's verifier."""

    client: Client
    return_to: str
    challenge: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Proved:
    proof: Proof
    challenge: str


class OAuthFlow:
    """The sign-ins under way of one server, on its event loop."""

    def __init__(
        self, clock: Clock, steady_ns: Callable[[], int], fetch: Fetch, post_form: PostForm
    ) -> None:
        self._clock = clock
        self._steady_ns = steady_ns
        self._fetch = fetch
        self._post_form = post_form
        self._begun = OneTime[Begun](limits.OAUTH_AGE_MS_MAX, steady_ns)
        self._proved = OneTime[_Proved](limits.OAUTH_FINISH_AGE_MS_MAX, steady_ns)
        self._tokens: dict[tuple[str, str], Tokens] = {}

    async def start(self, client: Client, return_to: str, challenge: object) -> str:
        """Return the issuer's address to which the page is to go.

        Raises:
            BadRequestError: ``challenge`` is no SHA-256 in base64url.
            OverloadedError: the issuer cannot be reached.
        """
        if not isinstance(challenge, str) or _CHALLENGE.fullmatch(challenge) is None:
            raise errors.BadRequestError(
                "BadJsonBody", "challenge must be the SHA-256 of the verifier in base64url"
            )
        endpoint = _address(await self._discover(client), "authorization_endpoint", client)
        begun = Begun(
            client=client,
            return_to=return_to,
            challenge=challenge,
            nonce=secrets.token_urlsafe(32),
            code_verifier=secrets.token_urlsafe(48),
        )
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": " ".join(client.scopes),
            "state": self._begun.keep(begun),
            "nonce": begun.nonce,
            "code_challenge": _s256(begun.code_verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    def take(self, state: str) -> Begun:
        """Return what a callback belongs to, once.

        Raises:
            UnauthenticatedError: nothing was begun with this state, or too long ago.
        """
        begun = self._begun.take(state)
        if begun is None:
            raise refused("the state is unknown, used or too old")
        return begun

    async def exchange(self, begun: Begun, code: str, issuer: str | None) -> str:
        """Exchange the issuer's code; return the one that the page may finish with.

        ``issuer`` is who the callback says it is from, if it says so.

        Raises:
            UnauthenticatedError: another issuer, a token that is refused, or another nonce.
            OverloadedError: the issuer cannot be reached.
        """
        client = begun.client
        configuration = await self._discover(client)
        says_issuer = configuration.get("authorization_response_iss_parameter_supported") is True
        if (issuer is not None or says_issuer) and issuer != configuration["issuer"]:
            raise refused("the callback is from another issuer")
        text = await self._token(configuration, begun, code)
        identity = (await self._tokens_of(client).check(text)).identity
        nonce = read_token(text).claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(errors="surrogatepass"), begun.nonce.encode()
        ):
            raise refused("the nonce of the token is another one")
        attributes = identity.attributes or {}
        email, name = attributes.get("email"), attributes.get("name")
        proof = Proof(
            provider=f"oauth:{client.name}",
            subject=str(attributes["tokenIdentifier"]),
            email=email if isinstance(email, str) else None,
            is_email_verified=attributes.get("emailVerified") is True,
            name=name if isinstance(name, str) else None,
        )
        return self._proved.keep(_Proved(proof, begun.challenge))

    def finish(self, code: object, verifier: object) -> Proof:
        """Return what was proved, to the browser that began.

        Raises:
            UnauthenticatedError: the code is unknown or used, or another browser began.
        """
        if not isinstance(code, str) or not isinstance(verifier, str):
            raise errors.BadRequestError("BadJsonBody", "code and verifier must be texts")
        proved = self._proved.take(code)
        if proved is None or not hmac.compare_digest(proved.challenge, _s256(verifier)):
            raise refused("the code is unknown or used, or the verifier is another one")
        return proved.proof

    async def _token(self, configuration: Mapping[str, object], begun: Begun, code: str) -> str:
        client = begun.client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "client_id": client.client_id,
            "code_verifier": begun.code_verifier,
        }
        basic = None
        if client.client_secret:
            ways = configuration.get("token_endpoint_auth_methods_supported")
            if isinstance(ways, list) and "client_secret_post" in ways:
                form["client_secret"] = client.client_secret
            else:
                basic = (client.client_id, client.client_secret)
        endpoint = _address(configuration, "token_endpoint", client)
        try:
            fetched = await self._post_form(endpoint, _is_local(client), form, basic)
        except (FetchError, TimeoutError) as error:
            raise _unreachable(client) from error
        text = _json_of(fetched).get("id_token")
        if fetched.status != 200 or not isinstance(text, str):
            raise refused(f"the issuer gave no token (status {fetched.status})")
        return text

    async def _discover(self, client: Client) -> Mapping[str, object]:
        try:
            fetched = await self._fetch(client.issuer + DISCOVERY_PATH, _is_local(client))
        except (FetchError, TimeoutError) as error:
            raise _unreachable(client) from error
        document = _json_of(fetched)
        issuer = document.get("issuer")
        if not isinstance(issuer, str) or issuer.removesuffix("/") != client.issuer:
            raise _unreachable(client)
        return document

    def _tokens_of(self, client: Client) -> Tokens:
        key = (client.issuer, client.client_id)
        if key not in self._tokens:
            provider = OidcProvider(domain=client.issuer, application_id=client.client_id)
            config = AuthConfig(provider)
            self._tokens[key] = Tokens(lambda: config, self._clock, self._steady_ns, self._fetch)
        return self._tokens[key]


def refused(reason: str) -> errors.UnauthenticatedError:
    """Return the error of a sign-in elsewhere that cannot be believed."""
    return errors.UnauthenticatedError("OAuthFailed", f"The sign-in is refused: {reason}")


def is_allowed_return(address: object, origins: frozenset[str]) -> bool:
    """Tell whether a sign-in may come back to an address: a page of one of the origins."""
    if not isinstance(address, str) or not address.isascii() or "#" in address:
        return False
    if any(letter <= " " or letter in '\\\x7f"<>' for letter in address):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and f"{parts.scheme}://{parts.netloc}" in origins


def _address(configuration: Mapping[str, object], name: str, client: Client) -> str:
    address = configuration.get(name)
    scheme = urlsplit(address).scheme if isinstance(address, str) else ""
    if not isinstance(address, str) or not (
        scheme == "https" or (scheme == "http" and _is_local(client))
    ):
        raise _unreachable(client)
    return address


def _is_local(client: Client) -> bool:
    return client.issuer.startswith("http:")


def _json_of(fetched: Fetched) -> Mapping[str, object]:
    try:
        document = orjson.loads(fetched.body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _unreachable(client: Client) -> errors.OverloadedError:
    return errors.OverloadedError(
        "AuthProviderDiscoveryFailed", f"{client.name} at {client.issuer[:200]} cannot be used now"
    )


def _s256(text: str) -> str:
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()

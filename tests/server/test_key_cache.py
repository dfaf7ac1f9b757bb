"""How often an issuer is asked for its keys, and what it may answer: a real one, over sockets."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from random import Random

import pytest

from livefile import (
    AuthConfig,
    CustomJwtProvider,
    LivefileError,
    ManualClock,
    OidcProvider,
    errors,
    limits,
)
from livefile_server.auth import key_cache
from livefile_server.auth.tokens import Tokens
from livefile_server.web.key_fetch import fetch_keys
from tests.issuer_server import IssuerServer, run_issuer
from tests.token_issuer import APPLICATION, TokenIssuer, json_part, key_set, rsa_key

CONFIGURATION = "/.well-known/openid-configuration"
NOW_NS = 1_700_000_000_000_000_000


class Issuer:
    """An issuer and a server of ours that accepts its tokens, with a clock turned by hand."""

    def __init__(self, server: IssuerServer) -> None:
        self.server = server
        self.clock = ManualClock(NOW_NS)
        self.signer = self.signer_of("k1")
        config = AuthConfig(OidcProvider(domain=server.address, application_id=APPLICATION))
        self.tokens = Tokens(lambda: config, self.clock, self.clock.now_ns, fetch_keys)
        server.keys = key_set(self.signer.jwk)

    def signer_of(self, key_id: str) -> TokenIssuer:
        return TokenIssuer(rsa_key(), key_id=key_id, issuer=self.server.address, now_s=NOW_NS / 1e9)

    def token(self, key_id: str = "k1") -> str:
        return self.signer_of(key_id).token(exp=int(NOW_NS / 1e9) + 86_400)

    @property
    def fetches(self) -> int:
        """How often the keys were fetched; the configuration is asked for each time."""
        assert self.server.requests[CONFIGURATION] >= self.server.requests["/keys"]
        return self.server.requests["/keys"]

    async def code(self, token: str) -> str | None:
        """Return the code with which a token is refused, None if it is accepted."""
        try:
            await self.tokens.check(token)
        except (errors.UnauthenticatedError, errors.OverloadedError) as error:
            return error.code
        return None


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with run_issuer() as server:
        yield Issuer(server)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scenario()

    asyncio.run(bounded())


def test_ten_thousand_made_up_keys_cause_two_fetches(issuer: Issuer) -> None:
    # Unsigned, since no key of theirs will be found; making signatures would take a minute.
    dice = Random(1)
    payload, signature = issuer.token().split(".")[1:]
    made_up = [
        f"{json_part(issuer.signer.header(kid=f'{dice.getrandbits(128):x}'))}.{payload}.{signature}"
        for _ in range(10_000)
    ]

    async def scenario() -> None:
        codes = set()
        for begin in range(0, len(made_up), 100):  # A hundred at a time, as from many sockets.
            codes |= set(await asyncio.gather(*map(issuer.code, made_up[begin : begin + 100])))
        assert codes == {"Unauthenticated"}
        assert await issuer.code(issuer.token()) is None

    run(scenario)

    assert issuer.fetches == 2


def test_a_known_key_is_not_fetched_again(issuer: Issuer) -> None:
    async def scenario() -> None:
        for _ in range(20):
            assert await issuer.code(issuer.token()) is None
            issuer.clock.advance_ms(limits.KEY_SET_AGE_MS_MAX / 25)

    run(scenario)

    assert issuer.fetches == 1


def test_who_comes_at_the_same_time_shares_one_fetch(issuer: Issuer) -> None:
    async def scenario() -> None:
        codes = await asyncio.gather(*[issuer.code(issuer.token()) for _ in range(50)])
        assert set(codes) == {None}

    run(scenario)

    assert issuer.fetches == 1


def test_who_goes_away_does_not_end_the_fetch_of_the_others(issuer: Issuer) -> None:
    async def scenario() -> None:
        issuer.server.hold()
        gone = asyncio.create_task(issuer.code(issuer.token()))
        stays = asyncio.create_task(issuer.code(issuer.token()))
        await issuer.server.wait_for_requests(CONFIGURATION, 1)
        gone.cancel()
        issuer.server.let_go()
        assert await stays is None
        assert gone.cancelled()

    run(scenario)

    assert issuer.fetches == 1


def test_a_new_key_is_found_at_once_and_the_next_after_a_minute(issuer: Issuer) -> None:
    async def scenario() -> None:
        assert await issuer.code(issuer.token()) is None
        issuer.server.keys = key_set(issuer.signer_of("k2").jwk)
        assert await issuer.code(issuer.token("k2")) is None
        assert await issuer.code(issuer.token("k1")) == "Unauthenticated"
        issuer.server.keys = key_set(issuer.signer_of("k3").jwk)
        issuer.clock.advance_ms(limits.KEY_REFRESH_INTERVAL_MS - 1)
        assert await issuer.code(issuer.token("k3")) == "Unauthenticated"
        issuer.clock.advance_ms(1)
        assert await issuer.code(issuer.token("k3")) is None

    run(scenario)

    assert issuer.fetches == 3


def test_a_key_that_was_taken_back_is_refused_when_the_keys_are_old(issuer: Issuer) -> None:
    async def scenario() -> None:
        assert await issuer.code(issuer.token()) is None
        issuer.server.keys = key_set()
        issuer.clock.advance_ms(limits.KEY_SET_AGE_MS_MAX)
        assert await issuer.code(issuer.token()) == "Unauthenticated"

    run(scenario)


@pytest.mark.parametrize("status", [500, 503, 404, 200])
def test_in_an_outage_the_known_keys_serve_on(issuer: Issuer, status: int) -> None:
    async def scenario() -> None:
        assert await issuer.code(issuer.token()) is None
        issuer.server.status = status
        issuer.server.keys = b"<html>Sorry</html>"
        for _ in range(3):
            issuer.clock.advance_ms(limits.KEY_SET_AGE_MS_MAX)
            assert await issuer.code(issuer.token()) is None
            assert await issuer.code(issuer.token()) is None
            # It may be a new key: nobody is signed out because it cannot be looked up now.
            assert await issuer.code(issuer.token("k2")) == "AuthProviderDiscoveryFailed"

    run(scenario)

    # For each of three times one because of age, one because of the unknown key.
    assert issuer.server.requests[CONFIGURATION] == 7


def test_without_any_keys_an_issuer_is_asked_every_five_seconds(issuer: Issuer) -> None:
    async def scenario() -> None:
        issuer.server.status = 503
        for _ in range(10):
            assert await issuer.code(issuer.token()) == "AuthProviderDiscoveryFailed"
        assert issuer.server.requests[CONFIGURATION] == 1
        issuer.clock.advance_ms(limits.KEY_RETRY_INTERVAL_MS)
        issuer.server.status = 200
        assert await issuer.code(issuer.token()) is None

    run(scenario)

    assert issuer.fetches == 1


# --- What an issuer may answer ----------------------------------------------------------------


def failure(issuer: Issuer) -> LivefileError:
    async def check() -> None:
        async with asyncio.timeout(60):
            await issuer.tokens.check(issuer.token())

    with pytest.raises((errors.UnauthenticatedError, errors.OverloadedError)) as caught:
        asyncio.run(check())
    assert caught.value.code == "AuthProviderDiscoveryFailed"
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (201, errors.UnauthenticatedError),
        (400, errors.UnauthenticatedError),
        (404, errors.UnauthenticatedError),
        (429, errors.UnauthenticatedError),
        (500, errors.OverloadedError),
        (503, errors.OverloadedError),
    ],
)
def test_the_status_of_an_issuer_says_who_is_to_blame(
    issuer: Issuer, status: int, kind: type[Exception]
) -> None:
    issuer.server.status = status

    assert type(failure(issuer)) is kind


@pytest.mark.parametrize("target", ["/keys", "http://169.254.169.254/", "https://example.com/"])
def test_a_redirect_is_not_followed(issuer: Issuer, target: str) -> None:
    issuer.server.redirect = target

    assert "status 302" in str(failure(issuer))
    assert issuer.server.requests == {CONFIGURATION: 1}


@pytest.mark.parametrize(
    "address",
    ["http://example.com/keys", "https://10.0.0.1/keys", "file:///etc/passwd", "keys", "//x/keys"],
)
def test_an_issuer_cannot_send_us_where_we_may_not_go(issuer: Issuer, address: str) -> None:
    issuer.server.jwks_uri = address

    assert isinstance(failure(issuer), errors.OverloadedError)
    assert issuer.server.requests == {CONFIGURATION: 1}


def test_too_many_keys_are_not_read(issuer: Issuer) -> None:
    issuer.server.keys = b" " * limits.KEY_SET_SIZE_BYTES_MAX + key_set(issuer.signer.jwk)

    assert "more than 65536 bytes" in str(failure(issuer))


def test_a_configuration_of_another_issuer_is_refused(issuer: Issuer) -> None:
    port = issuer.server.address.rpartition(":")[2]
    config = AuthConfig(OidcProvider(domain=f"http://localhost:{port}", application_id=APPLICATION))
    tokens = Tokens(lambda: config, issuer.clock, issuer.clock.now_ns, fetch_keys)
    token = issuer.signer.token(iss=f"http://localhost:{port}")

    with pytest.raises(errors.UnauthenticatedError, match="its issuer is"):
        asyncio.run(tokens.check(token))


@pytest.mark.parametrize(
    ("content_type", "is_accepted"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("application/jwk-set+json", True),
        ("text/html", False),
        ("text/plain", False),
    ],
)
def test_keys_of_a_custom_issuer_must_come_as_json(
    issuer: Issuer, content_type: str, is_accepted: bool
) -> None:
    address = issuer.server.address
    config = AuthConfig(
        CustomJwtProvider(issuer=address, jwks=f"{address}/keys", algorithm="RS256")
    )
    issuer.tokens = Tokens(lambda: config, issuer.clock, issuer.clock.now_ns, fetch_keys)
    issuer.server.content_type = content_type

    async def scenario() -> None:
        wanted = None if is_accepted else "AuthProviderDiscoveryFailed"
        assert await issuer.code(issuer.token()) == wanted

    run(scenario)


def test_an_issuer_that_does_not_answer_is_given_up(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_cache, "_FETCH_DURATION_S_MAX", 0.01)
    issuer.server.hold()

    assert "no answer in time" in str(failure(issuer))

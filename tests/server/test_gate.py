"""Who is let in: origins, hosts, proxies, and how much one address may have under way."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest
from aiohttp import WSServerHandshakeError

from livefile import Livefile, errors, limits
from livefile_server.settings.config import load_config
from livefile_server.web.access import AccessRules
from livefile_server.web.client_limits import PerAddress, counted_address
from livefile_server.web.proxies import Proxies
from livefile_server.web.serve import ServerSettings
from tests.server.running_server import Answer, RunningServer, run_in_background
from tests.server.socket_client import open_socket, run_scenario
from tests.server.sync_client import connect

PAGE = "https://chat.example"


@contextmanager
def serving(
    livefile: Livefile, access: AccessRules | None = None, behind_proxy: str = ""
) -> Iterator[RunningServer]:
    proxies = Proxies(load_config({"behind_proxy": behind_proxy}).proxies)
    settings = ServerSettings(port=0, access=access or AccessRules(), proxies=proxies)
    with run_in_background(livefile, settings=settings) as running:
        yield running


def shake_hands(server: RunningServer, headers: Mapping[str, str]) -> int:
    """The status with which a websocket is answered."""
    statuses = []

    async def scenario(server: RunningServer) -> None:
        try:
            async with open_socket(server, headers=headers) as client:
                await client.send(connect())
                statuses.append(101)
        except WSServerHandshakeError as error:
            statuses.append(error.status)

    run_scenario(server, scenario)
    return statuses[0]


# --- Origins and hosts ----------------------------------------------------------------------


def statuses(server: RunningServer, headers: Mapping[str, str]) -> tuple[int, int]:
    """Those of the API and of a websocket."""
    return server.request("GET", "/api/health", headers=headers).status, shake_hands(
        server, headers
    )


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("http://localhost:5173", True),
        ("https://localhost", True),
        ("http://app.localhost:1", True),
        ("http://127.0.0.1:5173", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:5173", True),
        (PAGE, True),
        (None, True),
        ("null", False),
        ("", False),
        ("http://evil.example", False),
        ("https://chat.example.evil.example", False),
        ("https://evilchat.example", False),
        ("https://sub.chat.example", False),
        ("http://chat.example", False),
        ("https://chat.example:444", False),
        ("https://CHAT.example", False),
        ("https://chat.example/", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://evil.example:80@localhost", False),
        ("http://localhost@evil.example", False),
        ("http://evillocalhost", False),
        ("http://192.0.2.1", False),
        ("http://0.0.0.0:5173", False),
        ("file://", False),
        ("chrome-extension://localhost", False),
    ],
)
def test_while_an_app_is_developed_only_pages_of_this_machine_may_ask(
    livefile: Livefile, origin: str | None, is_allowed: bool
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    with serving(livefile, AccessRules([PAGE], is_local=True)) as server:
        assert statuses(server, headers) == ((200, 101) if is_allowed else (403, 403))


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("localhost", True),
        ("LOCALHOST:3210", True),
        ("app.localhost:3210", True),
        ("127.0.0.1:3210", True),
        ("[::1]:3210", True),
        ("192.168.1.5:3210", True),
        ("chat.example", True),
        ("devbox:3210", True),
        ("evil.example", False),
        ("evil.example:3210", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("sub.chat.example", False),
        ("localhost@evil.example", False),
        ("", False),
    ],
)
def test_while_an_app_is_developed_it_answers_under_its_own_names_only(
    livefile: Livefile, host: str, is_allowed: bool
) -> None:
    access = AccessRules([PAGE], is_local=True, host="devbox")
    with serving(livefile, access) as server:
        for path in ("/api/health", "/", "/http/hook"):
            answer = server.request("GET", path, headers={"Host": host})

            assert (answer.status != 403) is is_allowed
            assert is_allowed or answer.json["code"] == "HostNotAllowed"
        assert shake_hands(server, {"Host": host}) == (101 if is_allowed else 403)


def test_a_page_that_the_server_itself_shows_may_ask_under_every_address(
    livefile: Livefile,
) -> None:
    headers = {"Origin": "http://192.168.1.5:3210", "Host": "192.168.1.5:3210"}
    with serving(livefile, AccessRules(is_local=True)) as server:
        assert statuses(server, headers) == (200, 101)
        assert statuses(server, {**headers, "Origin": "http://192.168.1.5:81"}) == (403, 403)


def test_without_a_list_pages_of_every_origin_may_ask(server: RunningServer) -> None:
    for origin in ("http://evil.example", "null"):
        assert statuses(server, {"Origin": origin, "Host": "any.example"}) == (200, 101)


def test_with_a_list_only_those_pages_may_ask_and_read(livefile: Livefile) -> None:
    with serving(livefile, AccessRules([PAGE, "null"])) as server:
        allowed = server.request("GET", "/version", headers={"Origin": PAGE})
        refused = server.request("GET", "/version", headers={"Origin": "http://localhost:5173"})

        assert allowed.headers["Access-Control-Allow-Origin"] == PAGE
        assert allowed.headers["Vary"] == "Origin"
        assert (refused.status, refused.json["code"]) == (403, "OriginNotAllowed")
        assert "Access-Control-Allow-Origin" not in refused.headers
        assert "--origin" in refused.json["message"]
        assert statuses(server, {"Origin": "null"}) == (200, 101)
        assert statuses(server, {"Host": "any.example"}) == (200, 101)


def test_http_actions_and_pages_need_no_origin(livefile: Livefile) -> None:
    headers = {"Origin": "http://evil.example"}
    with serving(livefile, AccessRules([PAGE], is_local=True)) as server:
        assert server.request("POST", "/http/hook", headers=headers).status == 404
        assert server.request("GET", "/", headers=headers).status == 200


# --- Proxies --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("noted", "address"),
    [
        ([], "127.0.0.1"),
        (["192.0.2.7"], "192.0.2.7"),
        (["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
        (["198.51.100.1", "192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, 10.1.2.3"], "192.0.2.7"),
        (["10.1.2.3"], "10.1.2.3"),
        (["2001:db8::1"], "2001:db8::1"),
        (["192.0.2.7, unknown"], "127.0.0.1"),
        (["192.0.2.7:1234"], "127.0.0.1"),
        (["'; DROP TABLE"], "127.0.0.1"),
    ],
)
@pytest.mark.parametrize("is_trusted", [True, False])
def test_the_client_is_the_last_address_that_is_no_proxy(
    noted: list[str], address: str, is_trusted: bool
) -> None:
    given = "127.0.0.0/8,10.0.0.0/8" if is_trusted else "10.0.0.0/8"
    proxies = Proxies(load_config({"behind_proxy": given}).proxies)

    assert proxies.client_address(request_with(noted)) == (address if is_trusted else "127.0.0.1")


def request_with(noted: list[str]):  # type: ignore[no-untyped-def]  # aiohttp's own stand-in.
    from aiohttp.test_utils import make_mocked_request
    from multidict import CIMultiDict

    class Transport:
        def get_extra_info(self, name: str, default: object = None) -> object:
            return ("127.0.0.1", 5) if name == "peername" else default

        def is_closing(self) -> bool:
            return False

    headers = CIMultiDict([("X-Forwarded-For", each) for each in noted])
    return make_mocked_request("GET", "/", headers, transport=Transport())


# --- How much an address may have -----------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("127.0.0.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("", None),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_address_is_counted_with_what_one_client_has(address: str, counted: str | None) -> None:
    assert counted_address(address) == counted


@pytest.mark.parametrize("most", [limits.SOCKETS_PER_ADDRESS_MAX, limits.REQUESTS_PER_ADDRESS_MAX])
def test_an_address_has_as_many_as_it_may_and_not_one_more(most: int) -> None:
    counts = PerAddress(most, "TooManySockets", "sockets")
    with ExitStack() as held:
        for _ in range(most):
            held.enter_context(counts.one_more("192.0.2.7"))

        with pytest.raises(errors.OverloadedError) as caught, counts.one_more("192.0.2.7"):
            pass
        assert caught.value.code == "TooManySockets"
        assert str(caught.value) == f"One address may have {most} sockets; 192.0.2.7 has them"
        with counts.one_more("192.0.2.8"), counts.one_more("127.0.0.1"), counts.one_more(None):
            pass
    with counts.one_more("192.0.2.7"):
        pass


def test_sockets_are_counted_by_the_address_that_a_trusted_proxy_tells(
    livefile: Livefile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SOCKETS_PER_ADDRESS_MAX", 2)

    async def scenario(server: RunningServer) -> None:
        mine, other = {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-For": "192.0.2.8"}
        async with open_socket(server, headers=mine), open_socket(server, headers=mine) as second:
            with pytest.raises(WSServerHandshakeError) as caught:
                async with open_socket(server, headers=mine):
                    pass
            assert caught.value.status == 503
            async with open_socket(server, headers=other):
                pass
            await second.websocket.close()
            async with open_socket(server, headers=mine):
                pass

    with serving(livefile, behind_proxy="127.0.0.1") as server:
        run_scenario(server, scenario)


def test_requests_are_counted_too(livefile: Livefile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUESTS_PER_ADDRESS_MAX", 1)
    headers = {"X-Forwarded-For": "192.0.2.7"}
    refused: list[Answer] = []

    async def scenario(server: RunningServer) -> None:
        async with open_socket(server, headers=headers):
            refused.append(server.request("GET", "/version", headers=headers))

    with serving(livefile, behind_proxy="127.0.0.1") as server:
        run_scenario(server, scenario)
        answer = server.request("GET", "/version", headers=headers)

    assert [(each.status, each.json["code"]) for each in refused] == [
        (503, "TooManyConcurrentRequests")
    ]
    assert answer.status == 200

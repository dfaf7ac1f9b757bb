import asyncio

import pytest

from livefile_server.auth.key_cache import FetchError
from livefile_server.web.key_fetch import fetch_keys

PRIVATE = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.255.255.254/",
    "https://0.0.0.0/",
    "https://0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://10.1/",
    "https://167772161/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://192.168.1/",
    "https://192.0.0.8/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://169.254.169.254/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[100::1]/",
]
FOREIGN = [
    "http://example.com/",
    "http://93.184.216.34/",
    "http://127.0.0.1/",
    "http://localhost/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "data:application/json,{}",
    "unix:///run/docker.sock",
    "//example.com/",
    "https:///keys",
    "https://user@example.com/",
    "https://user:secret@127.0.0.1/",
    "https://example.com:99999/",
    "https://[::1/",
    "",
]


@pytest.mark.parametrize("address", PRIVATE + FOREIGN)
def test_an_address_inside_the_network_is_never_connected_to(address: str) -> None:
    with pytest.raises(FetchError) as caught:
        asyncio.run(fetch_keys(address, False))

    assert "Connect call failed" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["https://10.0.0.1/", "https://169.254.169.254/", "http://10.0.0.1/", "http://8.8.8.8/"],
)
def test_what_is_allowed_on_this_machine_is_not_allowed_beside_it(address: str) -> None:
    with pytest.raises(FetchError, match=r"public internet|only https"):
        asyncio.run(fetch_keys(address, True))

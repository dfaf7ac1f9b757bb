from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import errors
from livefile_server.sync.client_version import (
    UNKNOWN_CLIENT,
    ClientVersion,
    parse_client_header,
    parse_path_version,
)


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("npm-1.48.0", "npm", (1, 48, 0)),
        ("python-0.8.1", "python", (0, 8, 1)),
        ("python-convex-0.6.0", "python-convex", (0, 6, 0)),
        ("npm-cli-1.48.0", "npm-cli", (1, 48, 0)),
        ("NPM-1.28.0-alpha.3", "npm", (1, 28, 0)),
        ("npm-1.28.0-alpha-3+build-7", "npm", (1, 28, 0)),
        ("my-own-client-12.0.345", "my-own-client", (12, 0, 345)),
    ],
)
def test_a_header_names_client_and_version(
    text: str, name: str, version: tuple[int, int, int]
) -> None:
    assert parse_client_header(text) == ClientVersion(name=name, version=version)


@pytest.mark.parametrize(
    "text", ["", "npm", "npm-", "1.48.0", "npm-1.48", "npm-01.4.0", "npm_1.4.0"]
)
def test_a_header_without_a_version_is_refused(text: str) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        parse_client_header(text)

    assert caught.value.code == "InvalidClientVersion"


def test_an_address_with_a_version_is_npms() -> None:
    assert parse_path_version("1.48.0") == ClientVersion(name="npm", version=(1, 48, 0))


@pytest.mark.parametrize("text", ["", "latest", "v1.48.0", "1.48", "1.48.0 ", "1.0.0" + "0" * 200])
def test_an_address_without_a_version_is_refused(text: str) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        parse_path_version(text)

    assert caught.value.code == "InvalidClientVersion"


@given(st.text(max_size=40))
def test_no_header_breaks_the_parser(text: str) -> None:
    with suppress(errors.BadRequestError):
        assert parse_client_header(text).name


@pytest.mark.parametrize(
    ("client", "takes_chunks"),
    [
        (ClientVersion(name="npm", version=(1, 28, 0)), True),
        (ClientVersion(name="npm", version=(1, 27, 9)), False),
        (ClientVersion(name="python", version=(9, 0, 0)), False),
        (UNKNOWN_CLIENT, False),
    ],
)
def test_only_newer_npm_clients_take_cut_transitions(
    client: ClientVersion, takes_chunks: bool
) -> None:
    assert client.takes_chunks is takes_chunks


def test_only_old_clients_expect_the_encoded_form_unasked() -> None:
    assert ClientVersion(name="npm", version=(1, 4, 0)).takes_encoded_json
    assert ClientVersion(name="python", version=(0, 5, 0)).takes_encoded_json
    assert not ClientVersion(name="npm", version=(1, 5, 0)).takes_encoded_json
    assert not ClientVersion(name="python", version=(0, 6, 0)).takes_encoded_json
    assert not UNKNOWN_CLIENT.takes_encoded_json

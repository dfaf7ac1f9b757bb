from __future__ import annotations

import base64
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import errors
from livefile_server.sync.messages import (
    AddQuery,
    AdminToken,
    Authenticate,
    Connect,
    ModifyQuerySet,
    MutationRequest,
    RemoveQuery,
    UserToken,
    parse_client_message,
)
from livefile_server.sync.timestamp import TIMESTAMP_MAX, decode_timestamp, encode_timestamp
from tests.conftest import Golden

CONNECT = {
    "type": "Connect",
    "sessionId": "8b3a6c1e-0000-4000-8000-000000000001",
    "connectionCount": 3,
    "lastCloseReason": "InitialConnect",
    "maxObservedTimestamp": "6AMAAAAAAAA=",
    "clientTs": 1700000000123,
}
ADD = {
    "type": "Add",
    "queryId": 7,
    "udfPath": "messages.js:list",
    "args": [{"channel": "general"}],
    "journal": None,
}
MUTATION = {
    "type": "Mutation",
    "requestId": 4,
    "udfPath": "messages:send",
    "args": [{"body": "hi", "count": {"$integer": "AQAAAAAAAAA="}}],
}
MESSAGES: dict[str, dict[str, object]] = {
    "connect": CONNECT,
    "connect of the Python client": {
        "type": "Connect",
        "sessionId": "1",
        "connectionCount": 0,
        "lastCloseReason": None,
        "clientTs": 0,
    },
    "authenticate nobody": {"type": "Authenticate", "baseVersion": 0, "tokenType": "None"},
    "authenticate user": {
        "type": "Authenticate",
        "baseVersion": 1,
        "tokenType": "User",
        "value": "a.b.c",
    },
    "authenticate admin": {
        "type": "Authenticate",
        "baseVersion": 2,
        "tokenType": "Admin",
        "value": "livefile|00",
    },
    "authenticate admin as user": {
        "type": "Authenticate",
        "baseVersion": 2,
        "tokenType": "Admin",
        "value": "livefile|00",
        "impersonating": {"tokenIdentifier": "issuer|me"},
    },
    "authenticate admin as user, other spelling": {
        "type": "Authenticate",
        "baseVersion": 2,
        "tokenType": "Admin",
        "value": "livefile|00",
        "acting_as": {"tokenIdentifier": "issuer|me"},
    },
    "modify query set": {
        "type": "ModifyQuerySet",
        "baseVersion": 0,
        "newVersion": 1,
        "modifications": [ADD, {"type": "Remove", "queryId": 6}],
    },
    "mutation": MUTATION,
    "action": {**MUTATION, "type": "Action", "componentPath": "inner"},
    "event": {"type": "Event", "eventType": "ClientConnect", "event": {"any": [1]}},
}


def test_every_client_message_is_understood(golden: Golden) -> None:
    lines = []
    for name, message in MESSAGES.items():
        text = orjson.dumps(message)
        lines += [f"# {name}", text.decode(), repr(parse_client_message(text)), ""]

    golden.check("client_messages.txt", "\n".join(lines))


def test_connect_tells_what_the_client_saw() -> None:
    assert parse_client_message(orjson.dumps(CONNECT)) == Connect(
        session_id="8b3a6c1e-0000-4000-8000-000000000001",
        connection_count=3,
        last_close_reason="InitialConnect",
        max_observed_ts=1000,
        client_time_ms=1700000000123,
    )


def test_a_fractional_client_time_is_cut() -> None:
    message = parse_client_message(orjson.dumps({**CONNECT, "clientTs": 1700000000123.75}))

    assert isinstance(message, Connect)
    assert message.client_time_ms == 1700000000123


def test_modifications_keep_their_order() -> None:
    assert parse_client_message(orjson.dumps(MESSAGES["modify query set"])) == ModifyQuerySet(
        base_version=0,
        new_version=1,
        modifications=(
            AddQuery(query_id=7, path="messages.js:list", args=[{"channel": "general"}]),
            RemoveQuery(query_id=6),
        ),
    )


def test_tokens_are_told_apart() -> None:
    tokens = [
        parse_client_message(orjson.dumps(message))
        for name, message in MESSAGES.items()
        if name.startswith("authenticate")
    ]
    as_user = AdminToken(key="livefile|00", acting_as={"tokenIdentifier": "issuer|me"})

    assert tokens == [
        Authenticate(base_version=0, token=None),
        Authenticate(base_version=1, token=UserToken(token="a.b.c")),
        Authenticate(base_version=2, token=AdminToken(key="livefile|00")),
        Authenticate(base_version=2, token=as_user),
        Authenticate(base_version=2, token=as_user),
    ]


def test_credentials_are_not_shown_in_logs() -> None:
    assert "secret" not in repr([UserToken(token="secret"), AdminToken(key="secret")])


def test_the_arguments_of_a_request_are_not_looked_at() -> None:
    message = parse_client_message(orjson.dumps({**MUTATION, "args": {"$integer": 1}}))

    assert isinstance(message, MutationRequest)
    assert message.args == {"$integer": 1}


def test_unknown_keys_are_ignored() -> None:
    assert parse_client_message(orjson.dumps({**MUTATION, "new": 1})) == parse_client_message(
        orjson.dumps(MUTATION)
    )


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        # The text of the JSON parser follows.
        (b"", ""),
        (b"{", ""),
        (b'{"type":"Event","eventType":"\\ud800"}', ""),
        (b'{"type":"Event","eventType":"\xff"}', ""),
        (b"[" * 100_000, ""),
        (b"[]", "a message must be an object, not []"),
        (b"{}", "unknown message type None"),
        (b'{"type":"Query"}', "unknown message type 'Query'"),
        (b'{"type":["Mutation"]}', "unknown message type ['Mutation']"),
    ],
)
def test_a_frame_that_is_no_message_is_refused(text: bytes, detail: str) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        parse_client_message(text)

    assert caught.value.code == "WSMessageInvalidJson"
    assert str(caught.value).startswith("Received Invalid JSON on websocket: ")
    assert detail in str(caught.value)


@pytest.mark.parametrize(
    ("name", "key", "value", "detail"),
    [
        ("mutation", "requestId", -1, "requestId must be an integer from 0 to 4294967295, not -1"),
        ("mutation", "requestId", 2**32, "not 4294967296"),
        ("mutation", "requestId", True, "not True"),
        ("mutation", "requestId", 1.0, "not 1.0"),
        ("mutation", "requestId", None, "not None"),
        ("mutation", "udfPath", 1, "udfPath must be a string, not 1"),
        ("mutation", "componentPath", 1, "componentPath must be a string or null, not 1"),
        ("connect", "sessionId", "", "sessionId must have 1 to 128 characters"),
        ("connect", "sessionId", "x" * 129, "sessionId must have 1 to 128 characters"),
        ("connect", "clientTs", "now", "clientTs must be a number, not 'now'"),
        ("connect", "maxObservedTimestamp", "AAA=", "maxObservedTimestamp: The timestamp 'AAA='"),
        ("authenticate user", "tokenType", "Other", "unknown tokenType 'Other'"),
        ("authenticate user", "value", None, "value must be a string, not None"),
        ("authenticate admin as user", "impersonating", [], "impersonating must be an object"),
        ("modify query set", "modifications", {}, "modifications must be a list, not {}"),
        ("modify query set", "modifications", [1], "a modification must be an object, not 1"),
        ("modify query set", "modifications", [{"type": "X"}], "unknown modification type 'X'"),
        ("modify query set", "newVersion", "1", "newVersion must be an integer"),
        ("event", "eventType", None, "eventType must be a string, not None"),
    ],
)
def test_a_wrong_key_is_named(name: str, key: str, value: object, detail: str) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        parse_client_message(orjson.dumps({**MESSAGES[name], key: value}))

    assert detail in str(caught.value)


def test_a_long_wrong_value_is_cut_in_the_text() -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        parse_client_message(orjson.dumps({**MUTATION, "udfPath": [1] * 10_000}))

    assert len(str(caught.value)) < 250


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_frame_breaks_the_parser(data: bytes) -> None:
    with suppress(errors.BadRequestError):
        parse_client_message(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(MESSAGES)), st.data())
def test_no_wrong_value_breaks_the_parser(name: str, data: st.DataObject) -> None:
    message = dict(MESSAGES[name])
    message[data.draw(st.sampled_from(sorted(message)))] = data.draw(JSON)

    with suppress(errors.BadRequestError):
        parse_client_message(orjson.dumps(message))


@given(st.integers(0, TIMESTAMP_MAX))
def test_a_timestamp_is_base64_of_eight_bytes_little_endian(ts: int) -> None:
    text = encode_timestamp(ts)

    assert base64.b64decode(text, validate=True) == ts.to_bytes(8, "little")
    assert decode_timestamp(text) == ts


def test_the_first_timestamp_is_spelt_as_clients_know_it() -> None:
    assert encode_timestamp(0) == "AAAAAAAAAAA="


@pytest.mark.parametrize(
    "text", [None, 0, "", "AAAA", "AAAAAAAAAAA", "//////////8=", "AAAAAAAAAAA=\n", "é", "*" * 12]
)
def test_what_is_no_timestamp_is_refused(text: object) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        decode_timestamp(text)

    assert caught.value.code == "InvalidTimestamp"

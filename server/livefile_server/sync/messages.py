"""The messages that a client may send, and their parser.

One record per message of the sync protocol. A frame that is no such message is refused here
with a text that names the key, the value seen and the value wanted. The path and the arguments
of one request are kept as they came: when they are wrong, that request is answered with a
failure (``sync/session.py``) and the socket lives on.

Not here: messages of the server (``sync/wire.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from livefile import errors
from livefile_server.sync.timestamp import decode_timestamp

NUMBER_MAX = 2**32 - 1
SESSION_ID_LENGTH_MAX = 128

Message = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Connect:
    """The first message of a socket.

    ``max_observed_ts`` is the newest timestamp that the client saw, on any socket;
    ``client_time_ms`` is its wall clock (0 from the Python client).
    """

    session_id: str
    connection_count: int = 0
    last_close_reason: str | None = None
    max_observed_ts: int | None = None
    client_time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class UserToken:
    """A JWT."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AdminToken:
    """An admin key; ``acting_as`` holds the wire's attributes of the user to impersonate."""

    key: str = field(repr=False)
    acting_as: Message | None = None


@dataclass(frozen=True, slots=True)
class Authenticate:
    """A change of identity. ``token`` None means: nobody is signed in."""

    base_version: int
    token: UserToken | AdminToken | None


@dataclass(frozen=True, slots=True)
class AddQuery:
    """Begin to watch a query under the client's own number for it."""

    query_id: int
    path: str
    args: object
    journal: str | None = None
    component_path: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveQuery:
    """Stop watching a query."""

    query_id: int


@dataclass(frozen=True, slots=True)
class ModifyQuerySet:
    """A change of the set of watched queries, in order."""

    base_version: int
    new_version: int
    modifications: tuple[AddQuery | RemoveQuery, ...]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What mutations and actions share: ``args`` is JSON, normally a list of one object."""

    request_number: int
    path: str
    args: object
    component_path: str | None = None


@dataclass(frozen=True, slots=True)
class MutationRequest(RunRequest):
    """Run a mutation."""


@dataclass(frozen=True, slots=True)
class ActionRequest(RunRequest):
    """Run an action."""


@dataclass(frozen=True, slots=True)
class Event:
    """A note of the client about itself; nothing is answered."""

    event_type: str


ClientMessage = Connect | Authenticate | ModifyQuerySet | MutationRequest | ActionRequest | Event


def parse_client_message(text: str | bytes) -> ClientMessage:
    """Return the message in one frame. Unknown keys are ignored.

    Raises:
        BadRequestError: not JSON, not an object, an unknown type, a missing or wrong key.
    """
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _invalid(str(error)) from error
    if type(message) is not dict:
        raise _invalid(f"a message must be an object, not {_shorten(message)}")
    match message.get("type"):
        case "Mutation":
            return MutationRequest(
                request_number=_number(message, "requestId"),
                path=_text(message, "udfPath"),
                args=message.get("args"),
                component_path=_optional_text(message, "componentPath"),
            )
        case "Action":
            return ActionRequest(
                request_number=_number(message, "requestId"),
                path=_text(message, "udfPath"),
                args=message.get("args"),
                component_path=_optional_text(message, "componentPath"),
            )
        case "ModifyQuerySet":
            return _parse_modify_query_set(message)
        case "Authenticate":
            return _parse_authenticate(message)
        case "Connect":
            return _parse_connect(message)
        case "Event":
            return Event(event_type=_text(message, "eventType"))
        case other:
            raise _invalid(f"unknown message type {_shorten(other)}")


def _parse_connect(message: Message) -> Connect:
    session_id = _text(message, "sessionId")
    if not 0 < len(session_id) <= SESSION_ID_LENGTH_MAX:
        raise _invalid(f"sessionId must have 1 to {SESSION_ID_LENGTH_MAX} characters")
    max_observed = message.get("maxObservedTimestamp")
    client_time = message.get("clientTs")
    if type(client_time) is float:
        client_time = int(client_time)
    if client_time is not None and type(client_time) is not int:
        raise _invalid(f"clientTs must be a number, not {_shorten(client_time)}")
    try:
        max_observed_ts = None if max_observed is None else decode_timestamp(max_observed)
    except errors.BadRequestError as error:
        raise _invalid(f"maxObservedTimestamp: {error}") from error
    return Connect(
        session_id=session_id,
        connection_count=_number(message, "connectionCount"),
        last_close_reason=_optional_text(message, "lastCloseReason"),
        max_observed_ts=max_observed_ts,
        client_time_ms=client_time,
    )


def _parse_authenticate(message: Message) -> Authenticate:
    base_version = _number(message, "baseVersion")
    match message.get("tokenType"):
        case "None":
            return Authenticate(base_version=base_version, token=None)
        case "User":
            return Authenticate(
                base_version=base_version, token=UserToken(token=_text(message, "value"))
            )
        case "Admin":
            acting_as = message.get("impersonating", message.get("acting_as"))
            if acting_as is not None and not isinstance(acting_as, dict):
                raise _invalid(f"impersonating must be an object, not {_shorten(acting_as)}")
            return Authenticate(
                base_version=base_version,
                token=AdminToken(key=_text(message, "value"), acting_as=acting_as),
            )
        case other:
            raise _invalid(f"unknown tokenType {_shorten(other)}")


def _parse_modify_query_set(message: Message) -> ModifyQuerySet:
    modifications = message.get("modifications")
    if not isinstance(modifications, list):
        raise _invalid(f"modifications must be a list, not {_shorten(modifications)}")
    return ModifyQuerySet(
        base_version=_number(message, "baseVersion"),
        new_version=_number(message, "newVersion"),
        modifications=tuple(_parse_modification(modification) for modification in modifications),
    )


def _parse_modification(modification: object) -> AddQuery | RemoveQuery:
    if not isinstance(modification, dict):
        raise _invalid(f"a modification must be an object, not {_shorten(modification)}")
    match modification.get("type"):
        case "Add":
            return AddQuery(
                query_id=_number(modification, "queryId"),
                path=_text(modification, "udfPath"),
                args=modification.get("args"),
                journal=_optional_text(modification, "journal"),
                component_path=_optional_text(modification, "componentPath"),
            )
        case "Remove":
            return RemoveQuery(query_id=_number(modification, "queryId"))
        case other:
            raise _invalid(f"unknown modification type {_shorten(other)}")


def _number(message: Message, key: str) -> int:
    number = message.get(key)
    # Not isinstance: True is an int, and no number of the protocol.
    if type(number) is not int or not 0 <= number <= NUMBER_MAX:
        raise _invalid(f"{key} must be an integer from 0 to {NUMBER_MAX}, not {_shorten(number)}")
    return number


def _text(message: Message, key: str) -> str:
    text = message.get(key)
    if not isinstance(text, str):
        raise _invalid(f"{key} must be a string, not {_shorten(text)}")
    return text


def _optional_text(message: Message, key: str) -> str | None:
    text = message.get(key)
    if text is not None and not isinstance(text, str):
        raise _invalid(f"{key} must be a string or null, not {_shorten(text)}")
    return text


def _shorten(thing: object) -> str:
    text = repr(thing)
    return text if len(text) <= 100 else text[:97] + "..."


def _invalid(detail: str) -> errors.BadRequestError:
    return errors.BadRequestError(
        "WSMessageInvalidJson", f"Received Invalid JSON on websocket: {detail}"
    )

"""A client of the sync protocol for tests of the session: it writes messages and reads frames."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from livefile import ADMIN, Failure, Identity, Success, Update, errors
from livefile_server.sync.client_version import ClientVersion
from livefile_server.sync.effects import Effect, SendFrame
from livefile_server.sync.session import Session, SessionSettings
from livefile_server.sync.shared_transitions import SharedTransitions

NOW_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
LATEST_TS = 1000
NPM = ClientVersion(name="npm", version=(1, 48, 0))
PYTHON = ClientVersion(name="python", version=(0, 8, 1))
KEY = "livefile|secret"
ROWS = Success(json=b"[1.0]", log_lines=("[LOG] 'a'",), ts=LATEST_TS)


def check_admin_key(key: str) -> Identity:
    if key != KEY:
        raise errors.UnauthenticatedError("BadAdminKey", "That is not the key")
    return ADMIN


def new_session(
    client: ClientVersion = NPM,
    transitions: SharedTransitions | None = None,
    wall_ns: Callable[[], int] = lambda: NOW_NS,
) -> Session:
    settings = SessionSettings(
        latest_ts=lambda: LATEST_TS,
        check_admin_key=check_admin_key,
        wall_ns=wall_ns,
        transitions=transitions or SharedTransitions(),
    )
    return Session(settings, client, NOW_NS)


def connected_session(client: ClientVersion = NPM) -> Session:
    session = new_session(client)
    assert session.receive_text(connect(), NOW_NS) == []
    return session


def watching_session() -> Session:
    """A session that watches query 1 and was sent its first result."""
    session = connected_session()
    session.receive_text(modify(0, 1, add(1)), NOW_NS)
    session.updated(update(LATEST_TS, 1, q1=ROWS), NOW_NS)
    return session


def update(
    ts: int, query_set: int, identity: int = 0, **outcomes: Success | Failure | None
) -> Update:
    """``outcomes`` are named q1, q2 and so on, after their queries."""
    return Update(
        ts=ts,
        query_set_version=query_set,
        identity_version=identity,
        outcomes={int(name[1:]): outcome for name, outcome in outcomes.items()},
    )


def request_id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def message(kind: str, **fields: object) -> bytes:
    return orjson.dumps({"type": kind, **fields})


def connect(**fields: object) -> bytes:
    return message("Connect", **{"sessionId": "s1", "connectionCount": 0, **fields})


def modify(base: int, new: int, *modifications: Mapping[str, object]) -> bytes:
    return message(
        "ModifyQuerySet", baseVersion=base, newVersion=new, modifications=list(modifications)
    )


def add(query_id: int, path: str = "messages:list", args: object = None) -> dict[str, object]:
    return {
        "type": "Add",
        "queryId": query_id,
        "udfPath": path,
        "args": [{}] if args is None else args,
    }


def remove(query_id: int) -> dict[str, object]:
    return {"type": "Remove", "queryId": query_id}


def mutation(number: int, path: str = "messages:send", args: object = None) -> bytes:
    return message("Mutation", requestId=number, udfPath=path, args=[{}] if args is None else args)


def action(number: int, path: str = "messages:summarize", args: object = None) -> bytes:
    return message("Action", requestId=number, udfPath=path, args=[{}] if args is None else args)


def frames(effects: Sequence[Effect]) -> list[Any]:
    """The messages among ``effects``, parsed."""
    return [orjson.loads(effect.payload) for effect in effects if isinstance(effect, SendFrame)]


def frame(effects: Sequence[Effect]) -> Any:
    """The one message among ``effects``, parsed."""
    (only,) = frames(effects)
    return only


def version(query_set: int, identity: int, ts: int) -> dict[str, object]:
    """A version as it is on the wire."""
    encoded = base64.b64encode(ts.to_bytes(8, "little")).decode()
    return {"querySet": query_set, "identity": identity, "ts": encoded}

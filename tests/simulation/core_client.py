"""A model of the official client, on the other side of real bytes: what it sends, what it believes.

It reconnects under one session, sends its identity, its whole query set and all requests that are
not over, and takes a mutation for over when a transition has reached its timestamp. It raises an
AssertionError when the server breaks a promise that a client builds on.

Not here: when it does what (``core_simulation.py``); whether it is told the truth
(``core_oracle.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from livefile_server.sync.timestamp import decode_timestamp, encode_timestamp
from tests.simulation.core_model import TOTAL, Args

ADMIN_KEY = "livefile|core"

_NO_VERSION = {"querySet": 0, "identity": 0, "ts": encode_timestamp(0)}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client shows after one transition: outcomes by function and arguments."""

    ts: int
    caller: str
    outcomes: Mapping[tuple[str, str], Any]
    """Results by ``query_name``; a query that raised has a ``Refusal``."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A function raised a ``ConvexError`` with this data."""

    data: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a mutation; ``ts`` is None if it raised."""

    session: str
    number: int
    ts: int | None
    result: Any


@dataclass(slots=True)
class _Request:
    message: bytes
    done_ts: int | None = None


class CoreClient:
    """One client. ``send`` gives bytes to its connection; None while there is none."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.caller = "nobody"
        self.shown: list[Shown] = []
        self.answers: list[Answer] = []
        self.requests: dict[int, tuple[str, Args]] = {}
        self.sending: list[bytes] | None = None
        self.queries: dict[int, tuple[str, Args]] = {}
        self._names: dict[int, tuple[str, str]] = {}
        self._outcomes: dict[int, Any] = {}
        self._open: dict[int, _Request] = {}
        self._next_query_id = 0
        self._connection_count = 0
        self._max_ts = 0
        self._ts_at_connect = 0
        self._query_set_version = 0
        self._query_sets: list[set[int]] = [set()]
        self._callers = ["nobody"]
        self._seen: Mapping[str, Any] = _NO_VERSION

    @property
    def is_settled(self) -> bool:
        """Whether it hopes for nothing more: everything is answered and shown."""
        return (
            self.sending is not None
            and not self._open
            and self._seen["querySet"] == self._query_set_version
            and self._seen["identity"] == len(self._callers) - 1
        )

    # --- What its user does -----------------------------------------------------------------

    def mutate(self, name: str, args: Args) -> None:
        """Request a mutation; without a connection it is sent with the next one."""
        number = len(self.requests)
        self.requests[number] = (name, args)
        message = _message("Mutation", requestId=number, udfPath=f"core:{name}", args=[dict(args)])
        self._open[number] = _Request(message)
        self._send(message)

    def watch(self, name: str, args: Args) -> None:
        """Add a query to the set."""
        query_id = self._next_query_id
        self._next_query_id += 1
        self.queries[query_id] = (name, args)
        self._names[query_id] = query_name(name, args)
        self._modify(self._add(query_id))

    def unwatch(self, query_id: int) -> None:
        """Remove a query from the set."""
        del self.queries[query_id]
        self._modify({"type": "Remove", "queryId": query_id})

    def become(self, caller: str) -> None:
        """Sign in as somebody, or out."""
        self.caller = caller
        if self.sending is not None:
            self._authenticate(len(self._callers) - 1)

    # --- Its connection ---------------------------------------------------------------------

    def connect(self, sending: list[bytes]) -> None:
        """Begin anew on a fresh connection."""
        self.sending = sending
        self._seen, self._outcomes = _NO_VERSION, {}
        self._callers = ["nobody"]
        self._ts_at_connect = self._max_ts
        connect: dict[str, Any] = {
            "sessionId": self.name,
            "connectionCount": self._connection_count,
        }
        if self._max_ts:
            connect["maxObservedTimestamp"] = encode_timestamp(self._max_ts)
        self._connection_count += 1
        self._send(_message("Connect", **connect))
        if self.caller != "nobody":
            self._authenticate(0)
        self._query_set_version = 0
        self._query_sets = [set()]
        self._modify(*[self._add(query_id) for query_id in self.queries])
        for request in self._open.values():
            self._send(request.message)

    def disconnect(self) -> None:
        """Take the news that the connection is gone; what was shown stays on the screen."""
        self.sending = None

    def receive(self, frame: bytes) -> None:
        """Take one message of the server."""
        message = orjson.loads(frame)
        match message["type"]:
            case "Transition":
                self._transition(message)
            case "MutationResponse":
                self._answer(message)
            case "Ping":
                pass
            case kind:
                raise AssertionError(f"{self.name} got a {kind}: {frame!r:.300}")

    def _transition(self, message: Mapping[str, Any]) -> None:
        assert message["startVersion"] == self._seen, "a transition begins where none ended"
        start_ts = decode_timestamp(self._seen["ts"])
        self._seen = message["endVersion"]
        ts = decode_timestamp(self._seen["ts"])
        assert ts >= max(start_ts, self._ts_at_connect), "time went back"
        for modification in message["modifications"]:
            self._modified(modification)
        self._max_ts = max(self._max_ts, ts)
        for number in list(self._open):
            done_ts = self._open[number].done_ts
            if done_ts is not None and done_ts <= ts:
                del self._open[number]
        self._show(ts)

    def _modified(self, modification: Mapping[str, Any]) -> None:
        query_id = modification["queryId"]
        match modification["type"]:
            case "QueryUpdated":
                self._outcomes[query_id] = modification["value"]
            case "QueryFailed":
                self._outcomes[query_id] = _refusal(modification)
            case "QueryRemoved":
                # The server may say so of a query whose outcome it never sent.
                self._outcomes.pop(query_id, None)

    def _show(self, ts: int) -> None:
        wanted = self._query_sets[self._seen["querySet"]]
        assert self._outcomes.keys() == wanted, f"{self.name} is not shown all of {wanted} at {ts}"
        # A query that the user dropped meanwhile is still the server's to keep right.
        shown = {self._names[query_id]: outcome for query_id, outcome in self._outcomes.items()}
        poorer = shown.get(query_name("poorer", {}))
        richer = shown.get(query_name("richer", {}))
        if poorer is not None and richer is not None:
            assert sum(poorer) + sum(richer) == TOTAL, f"the bank's sum is wrong at {ts}"
        caller = self._callers[self._seen["identity"]]
        self.shown.append(Shown(ts=ts, caller=caller, outcomes=shown))

    def _answer(self, message: Mapping[str, Any]) -> None:
        number = message["requestId"]
        ts = decode_timestamp(message["ts"]) if message["success"] else None
        result = message["result"] if message["success"] else _refusal(message)
        self.answers.append(Answer(session=self.name, number=number, ts=ts, result=result))
        request = self._open.get(number)
        if ts is not None:
            self._max_ts = max(self._max_ts, ts)
        if request is None or request.done_ts is not None:
            return
        if ts is None:
            del self._open[number]
        else:
            request.done_ts = ts

    # --- Its messages -----------------------------------------------------------------------

    def _send(self, message: bytes) -> None:
        if self.sending is not None:
            self.sending.append(message)

    def _modify(self, *modifications: Mapping[str, object]) -> None:
        if self.sending is None:
            return
        base = self._query_set_version
        self._query_set_version += 1
        self._query_sets.append(set(self.queries))
        self._send(
            _message(
                "ModifyQuerySet",
                baseVersion=base,
                newVersion=base + 1,
                modifications=list(modifications),
            )
        )

    def _add(self, query_id: int) -> Mapping[str, object]:
        name, args = self.queries[query_id]
        return {
            "type": "Add",
            "queryId": query_id,
            "udfPath": f"core:{name}",
            "args": [dict(args)],
        }

    def _authenticate(self, base: int) -> None:
        token: dict[str, object] = {"tokenType": "None"}
        if self.caller != "nobody":
            user = {"issuer": "core", "subject": self.caller}
            token = {"tokenType": "Admin", "value": ADMIN_KEY, "impersonating": user}
        self._callers.append(self.caller)
        self._send(_message("Authenticate", baseVersion=base, **token))


def query_name(name: str, args: Args) -> tuple[str, str]:
    """Return what a query is known by in ``Shown``."""
    return name, orjson.dumps(args).decode()


def _message(kind: str, **fields: object) -> bytes:
    return orjson.dumps({"type": kind, **fields})


def _refusal(message: Mapping[str, Any]) -> Refusal:
    assert "errorData" in message, f"an unexpected failure: {message}"
    return Refusal(message["errorData"])

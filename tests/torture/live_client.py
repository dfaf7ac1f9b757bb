"""A client that outlives its sockets, as the official one does: queries, mutations, reconnects.

Whatever the protocol promises is checked with every message; what breaks a promise is appended to
``violations``. A mutation is over when it was answered and a transition at its timestamp or later
has come; until then it is sent again on every new socket, under the same session and number.

Not here: frames (``lean_socket.py``); faults on the way (``chaos_proxy.py``).
"""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from uuid import UUID

import orjson

from tests.torture.lean_socket import LeanSocket, open_lean_socket
from tests.torture.live_records import Failed, Json, Pushed, Query, Request

_REOPEN_S = 0.005
# A client that gave up waits twice as long the next time, as the official one does; else a server
# on a slow machine would get every request again before it could answer the first.
_PATIENCE_DOUBLINGS_MAX = 5
# What a client may be told at the end of a socket when nothing is wrong with anybody.
_HARMLESS_ENDS = ("lost:", "closed: 1001", "closed: 1013", "no websocket")


class LiveClient:
    """One client. ``port`` says where the server is.

    ``pushed`` hears of every transition, ``finished`` of every mutation that is over.
    """

    def __init__(self, port: Callable[[], int], random: Random, violations: list[str]) -> None:
        self.session_id = str(UUID(int=random.getrandbits(128), version=4))
        self.values: dict[int, Json] = {}
        self.queries: dict[int, Query] = {}
        self.ts = 0
        self.observed_ts = 0
        self.pushed: Callable[[Pushed], None] = lambda pushed: None
        self.finished: Callable[[Request], None] = lambda request: None
        self.is_slow = False
        self.sockets_count = 0
        self.patience_s: float | None = None
        """How long a silent server is waited for before the client connects anew."""
        self._port = port
        self._random = random
        self._violations = violations
        self._socket: LeanSocket | None = None
        self._opening: asyncio.Task[None] | None = None
        self._is_closed = False
        self._requests: dict[int, Request] = {}
        self._finished: dict[int, Request] = {}
        self._requests_count = 0
        self._answers: dict[int, tuple[bool, Json]] = {}
        self._queries_count = 0
        self._version: dict[str, Json] = {}
        self._query_set_version = 0
        self._identity_version = 0
        self._token: Mapping[str, Json] | None = None
        self._heard = 0.0
        self._given_up_count = 0  # In a row, without any mutation that was over.
        self._changed = asyncio.Event()
        self._watchdog: asyncio.TimerHandle | None = None

    # --- What an application asks -----------------------------------------------------------

    async def open(self) -> None:
        """Connect, and stay connected until closed."""
        self._watch_over()
        self._reopen()
        await self.settled()

    def close(self) -> None:
        """Leave for good."""
        self._is_closed = True
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._opening is not None:
            self._opening.cancel()
        if self._socket is not None:
            self._socket.drop()

    def drop(self) -> None:
        """Lose the connection now; the client comes back."""
        if self._socket is not None:
            self._socket.drop()
            self._lost("lost: dropped")

    def mutate(
        self, path: str, args: Mapping[str, Json], *, is_writing: bool = False
    ) -> "asyncio.Future[Request]":
        """Send a mutation; the future is done when its effects are shown, or it failed.

        ``is_writing``: if it succeeds, it has surely written.
        """
        number = self._requests_count
        self._requests_count += 1
        done: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        request = Request(number, path, args, is_writing, time.monotonic(), done)
        self._requests[number] = request
        if self._socket is not None:
            self._send_request(request)
        return done

    def change(
        self, added: Sequence[tuple[str, Mapping[str, Json]]], removed: Sequence[int] = ()
    ) -> list[int]:
        """Change the query set in one step; return the numbers of the new queries."""
        numbers = list(range(self._queries_count, self._queries_count + len(added)))
        self._queries_count += len(added)
        for number in removed:
            del self.queries[number]
        base, now = self._query_set_version, time.monotonic()
        for number, (path, args) in zip(numbers, added, strict=True):
            self.queries[number] = Query(path, args, base + 1, now)
        if self._socket is not None:
            self._query_set_version = base + 1
            self._send_query_set(base, numbers, removed)
        return numbers

    def authenticate(self, token: Mapping[str, Json] | None) -> None:
        """Change who this client is; ``token`` are the fields of the message, None is nobody."""
        self._token = token
        if self._socket is not None:
            self._send_token()

    def replay(self, number: int) -> None:
        """Send an old request once more, although it was answered."""
        if self._socket is not None:
            self._send_request(self._finished[number])

    def pause_reading(self) -> None:
        """Read nothing until ``resume_reading``."""
        if self._socket is not None:
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._socket is not None:
            self._socket.resume_reading()

    async def settled(self) -> None:
        """Wait until nothing is asked that was not answered."""
        while not self._is_settled:
            self._changed.clear()
            await self._changed.wait()

    @property
    def requests_waiting(self) -> list[Request]:
        """Mutations that are not over."""
        return list(self._requests.values())

    # --- Sockets ----------------------------------------------------------------------------

    @property
    def _is_settled(self) -> bool:
        return (
            self._socket is not None
            and not self._requests
            and self._version["querySet"] == self._query_set_version
            and self._version["identity"] == self._identity_version
        )

    def _reopen(self) -> None:
        self._opening = asyncio.create_task(self._open_socket())

    async def _open_socket(self) -> None:
        while not self._is_closed:
            ended: list[str] = []
            mine: list[LeanSocket] = []

            def lost(reason: str, mine: list[LeanSocket] = mine) -> None:
                if mine and self._socket is mine[0]:
                    self._lost(reason)
                else:
                    ended.append(reason)  # noqa: B023  # Read before the next turn.

            try:
                socket = await open_lean_socket(
                    self._port(), self._hear, lost, has_small_buffer=self.is_slow
                )
            except OSError:
                await asyncio.sleep(_REOPEN_S)  # Nobody listens; a server is on its way.
                continue
            mine.append(socket)
            if not ended:
                self._begin(socket)
                return

    def _begin(self, socket: LeanSocket) -> None:
        """Say on a new socket all that the server must know, in npm's order."""
        self._socket = socket
        self._heard = time.monotonic()
        self._version = _version(0, 0, 0)
        # What was seen before, on whatever socket, is never taken back.
        self.ts = self.observed_ts
        self.values = {}
        self._identity_version = 0
        observed = {"maxObservedTimestamp": _encode(self.observed_ts)} if self.observed_ts else {}
        self._send(
            "Connect",
            sessionId=self.session_id,
            connectionCount=self.sockets_count,
            lastCloseReason="InitialConnect",
            clientTs=0,
            **observed,
        )
        self.sockets_count += 1
        if self._token is not None:
            self._send_token()
        self._query_set_version = 1
        for query in self.queries.values():
            query.version, query.since = 1, self._heard
        self._send_query_set(0, list(self.queries), ())
        for request in self._requests.values():
            self._send_request(request)

    def _lost(self, reason: str) -> None:
        self._socket = None
        if self._is_closed:
            return
        if not reason.startswith(_HARMLESS_ENDS):
            self._violations.append(f"{self.session_id}: the socket ended with {reason}")
        self._reopen()

    def _watch_over(self) -> None:
        """Give a socket up on which nothing comes although something is asked."""
        pause_s = 1.0 if self.patience_s is None else self.patience_s / 2
        self._watchdog = asyncio.get_running_loop().call_later(pause_s, self._watch_over)
        if self.patience_s is None or self._socket is None or self._is_settled:
            return
        doublings = min(self._given_up_count, _PATIENCE_DOUBLINGS_MAX)
        if time.monotonic() - self._heard > self.patience_s * 2**doublings:
            self._given_up_count += 1
            self.drop()

    # --- Out --------------------------------------------------------------------------------

    def _send(self, kind: str, **fields: Json) -> None:
        assert self._socket is not None
        self._socket.send(orjson.dumps({"type": kind, **fields}))

    def _send_request(self, request: Request) -> None:
        request.sent_count += 1
        self._send("Mutation", requestId=request.number, udfPath=request.path, args=[request.args])

    def _send_query_set(self, base: int, added: Sequence[int], removed: Sequence[int]) -> None:
        adds = [
            {
                "type": "Add",
                "queryId": number,
                "udfPath": self.queries[number].path,
                "args": [self.queries[number].args],
            }
            for number in added
        ]
        removes = [{"type": "Remove", "queryId": number} for number in removed]
        self._send(
            "ModifyQuerySet", baseVersion=base, newVersion=base + 1, modifications=adds + removes
        )

    def _send_token(self) -> None:
        fields = {"tokenType": "None"} if self._token is None else self._token
        self._send("Authenticate", baseVersion=self._identity_version, **fields)
        self._identity_version += 1

    # --- In ---------------------------------------------------------------------------------

    def _hear(self, payload: bytes) -> None:
        self._heard = time.monotonic()
        message = orjson.loads(payload)
        match message["type"]:
            case "Transition":
                self._take_transition(message)
            case "MutationResponse":
                self._take_answer(message)
            case "Ping":
                return
            case _:
                self._violate(f"unexpected message {payload[:200]!r}")
        self._changed.set()

    def _take_transition(self, message: Json) -> None:
        if message["startVersion"] != self._version:
            self._violate(f"after {self._version} comes {message['startVersion']}")
        before = self._version
        self._version = message["endVersion"]
        ts = _decode(self._version["ts"])
        if ts < self.ts:
            self._violate(f"timestamp {ts} comes after {self.ts}")
        self.ts = ts
        self.observed_ts = max(self.observed_ts, ts)
        pushed = Pushed(ts=ts, heard=self._heard)
        for modification in message["modifications"]:
            self._modify(modification, pushed)
        asked = [
            query.since
            for query in self.queries.values()
            if before["querySet"] < query.version <= self._version["querySet"]
        ]
        pushed.started = max(asked, default=pushed.started)
        is_complete = self._version["querySet"] == self._query_set_version
        if is_complete and self.values.keys() != self.queries.keys():
            self._violate(f"shows {sorted(self.values)}, wants {sorted(self.queries)}")
        for request in [one for one in self._requests.values() if one.answered is not None]:
            if request.ts <= ts:
                self._finish(request)
        self.pushed(pushed)

    def _modify(self, modification: Json, pushed: Pushed) -> None:
        number = modification["queryId"]
        match modification["type"]:
            case "QueryUpdated":
                self.values[number] = modification["value"]
            case "QueryFailed":
                self.values[number] = Failed(
                    data=modification.get("errorData"),
                    has_data="errorData" in modification,
                    message=modification["errorMessage"],
                )
            case "QueryRemoved":
                self.values.pop(number, None)
                return
        pushed.changed.append(number)

    def _take_answer(self, message: Json) -> None:
        number, is_success = message["requestId"], message["success"]
        answer = (is_success, message["result"] if is_success else message.get("errorData"))
        known = self._answers.setdefault(number, answer)
        if is_success and known[0] and known != answer:
            self._violate(f"request {number} is answered {answer} after {known}")
        request = self._requests.get(number)
        if request is None:
            return
        is_first = request.answered is None
        if is_first:
            request.answered = self._heard
            first = next(
                one for one in self._requests.values() if one is request or not one.answered
            )
            if first is not request:
                self._violate(f"request {number} is answered before {first.number}")
        request.is_success, request.result = answer
        if not is_success:
            self._finish(request)
            return
        request.ts = _decode(message["ts"])
        self.observed_ts = max(self.observed_ts, request.ts)
        if request.is_writing and is_first and request.sent_count == 1 and request.ts <= self.ts:
            self._violate(f"request {number} was shown at {self.ts} before its answer")

    def _finish(self, request: Request) -> None:
        self._given_up_count = 0
        del self._requests[request.number]
        self._finished[request.number] = request
        if not request.done.done():
            request.done.set_result(request)
        self.finished(request)

    def _violate(self, text: str) -> None:
        self._violations.append(f"{self.session_id}: {text}")


def _version(query_set: int, identity: int, ts: int) -> dict[str, Json]:
    return {"querySet": query_set, "identity": identity, "ts": _encode(ts)}


def _encode(ts: int) -> str:
    return base64.b64encode(ts.to_bytes(8, "little")).decode()


def _decode(text: str) -> int:
    return int.from_bytes(base64.b64decode(text), "little")

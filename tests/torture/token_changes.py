"""S5: sessions sign in by tokens that end: is nothing shown but to the user in force, in time?

Real sessions, real tokens and the real engine, on a clock that is turned by hand. Every frame is
read as a strict client would read it.

Not here: the engine alone (``identity_changes.py``); the app and what it must give
(``tests/simulation/identity_app.py``).
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import orjson

from livefile import ANONYMOUS, AuthConfig, Identity, LivefileError, Update, errors, from_wire
from livefile_server.auth.jwks import parse_key_set
from livefile_server.auth.key_cache import Fetched
from livefile_server.auth.providers import Dialect, Provider
from livefile_server.auth.signed_in import SignedIn
from livefile_server.auth.tokens import Tokens
from livefile_server.sync.client_version import ClientVersion
from livefile_server.sync.effects import ChangeQuerySet, CheckToken, Close, Effect, SendFrame
from livefile_server.sync.session import Session, SessionSettings
from livefile_server.sync.shared_transitions import SharedTransitions
from tests.simulation.identity_app import APP, QUERIES, expect
from tests.stepped_app import SteppedApp
from tests.token_issuer import APPLICATION, ISSUER, TokenIssuer, ed_key, key_set
from tests.torture.figure import Figure, Size

_SEQUENCES_COUNT = {Size.T1: 1_000, Size.T2: 20_000}
_ENDS_COUNT_MIN = {Size.T1: 200, Size.T2: 4_000}  # Of tokens, on sockets that are open.
_STEPS_COUNT = 12
_NPM = ClientVersion(name="npm", version=(1, 48, 0))
_USERS: Sequence[dict[str, object]] = (
    {"sub": "ada"},
    {"sub": "bob"},
    {"sub": "ada", "level": 1},
    {"sub": "ada", "level": True},
)
_SIGNER = TokenIssuer(ed_key(), "EdDSA")


def measure(size: Size, seed: int) -> Figure:
    """Play random sequences, each with new sockets on one deployment."""
    started_s = time.perf_counter()
    dice = Random(seed)
    failures: list[str] = []
    counts = {"transitions": 0, "ends": 0}
    with (
        tempfile.TemporaryDirectory(prefix="livefile-tokens-") as folder,
        SteppedApp(Path(folder), {"demo": APP}, seed=dice.getrandbits(32)) as app,
    ):
        is_locked = False
        for _ in range(_SEQUENCES_COUNT[size]):
            sequence = _Sequence(app, dice, counts, is_locked=is_locked)
            try:
                sequence.play()
            except AssertionError as error:
                failures.append(str(error))
            is_locked = sequence.is_locked
    return Figure(
        id="S5",
        question="Is nothing shown but to the user in force, and nothing after a token's end?",
        cases=counts["ends"],
        cases_min=_ENDS_COUNT_MIN[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started_s,
        note=failures[0] if failures else f"{counts}",
    )


class _Sequence:
    """Three sockets that sign in, watch and are told. ``play`` raises an AssertionError."""

    def __init__(
        self, app: SteppedApp, dice: Random, counts: dict[str, int], *, is_locked: bool
    ) -> None:
        self.is_locked = is_locked
        self._app = app
        self._dice = dice
        provider = Provider(
            dialect=Dialect.OIDC,
            issuer=ISSUER,
            application_id=APPLICATION,
            algorithms=frozenset({"EdDSA"}),
            keys=parse_key_set(key_set(_SIGNER.jwk)),
        )
        self._tokens = Tokens(AuthConfig, app.clock, app.clock.now_ns, _no_network, [provider])
        self._sockets = [_Socket(app, counts) for _ in range(3)]

    def play(self) -> None:
        """Take random steps, and look at everything after each."""
        try:
            for _ in range(_STEPS_COUNT):
                for _ in range(self._dice.choice((1, 1, 2, 3))):
                    self._change(self._dice.choice(self._sockets))
                self._app.step()
                for socket in self._sockets:
                    if self._dice.random() < 0.8:  # Else they come late.
                        socket.take_updates()
                    socket.check(is_locked=self.is_locked)
        finally:
            for socket in self._sockets:
                socket.query_set.close()
            self._app.step()

    def _change(self, socket: "_Socket") -> None:
        dice = self._dice
        match dice.choices(
            ("sign in", "sign out", "answer", "watch", "toggle", "wait", "read", "tick"),
            (4, 1, 3, 4, 3, 3, 2, 2),
        )[0]:
            case "sign in":
                now_s = self._app.clock.now_ns() // 1_000_000_000
                end_s = now_s + dice.choice((1, 3, 5, 20, 100)) - 4 * (dice.random() < 0.05)
                claims = {**dice.choice(_USERS), "iat": now_s, "exp": end_s}
                socket.authenticate(_SIGNER.token(**claims))
                if socket.token is not None and dice.random() < 0.7:
                    socket.token_checked(self._check(socket.token))
            case "sign out":
                socket.authenticate(None)
            case "answer" if socket.token is not None:
                socket.token_checked(self._check(socket.token))
            case "toggle":
                self._app.mutate("demo:toggle")
                self.is_locked = not self.is_locked
            case "wait":
                self._app.clock.advance_ms(dice.choice((300, 1_000, 7_000)))
            case "read":
                socket.take(socket.session.writable_changed(dice.random() < 0.7, socket.now_ns))
            case "tick":
                socket.take(socket.session.tick(socket.now_ns))
            case _:
                socket.watch(dice.choice(QUERIES), float(dice.randrange(3)))

    def _check(self, token: str) -> SignedIn | LivefileError:
        coroutine = self._tokens.check(token)
        try:
            coroutine.send(None)  # With keys that are here it waits for nothing.
        except StopIteration as stop:
            signed_in: SignedIn = stop.value
            return signed_in
        except errors.UnauthenticatedError as error:
            return error
        raise AssertionError("a token was waited for")


class _Socket:
    """One client and its session."""

    def __init__(self, app: SteppedApp, counts: dict[str, int]) -> None:
        self.token: str | None = None
        self._app = app
        self._counts = counts
        self._is_open = True
        self._unread: list[bytes] = []  # Sent while a token is checked.
        self._watched: dict[int, tuple[str, float]] = {}
        self._shown: dict[int, Any] = {}
        self._seen = {"querySet": 0, "identity": 0}
        self._asked_version = 0  # Of the identity, as the client counts.
        self._identities: dict[int, SignedIn] = {0: SignedIn(ANONYMOUS)}
        self._in_force = 0
        settings = SessionSettings(
            latest_ts=lambda: app.livefile.latest_ts,
            check_admin_key=_no_admin,
            wall_ns=app.clock.now_ns,
            transitions=SharedTransitions(),
        )
        self.session = Session(settings, _NPM, self.now_ns)
        # They are taken outside of the engine, which would survive what is raised here.
        self._updates: list[Update] = []
        self.query_set = app.livefile.open_query_set(self._updates.append)

    @property
    def now_ns(self) -> int:
        return self._app.clock.now_ns()

    def authenticate(self, token: str | None) -> None:
        message = {"type": "Authenticate", "baseVersion": self._asked_version}
        kind = {"tokenType": "None"} if token is None else {"tokenType": "User", "value": token}
        self._asked_version += 1
        self._send({**message, **kind})

    def watch(self, name: str, number: float) -> None:
        query_id = len(self._watched)
        self._watched[query_id] = (name, number)
        args = [{"number": number}]
        added = {"type": "Add", "queryId": query_id, "udfPath": f"demo:{name}", "args": args}
        version = {"baseVersion": query_id, "newVersion": query_id + 1}
        self._send({"type": "ModifyQuerySet", **version, "modifications": [added]})

    def token_checked(self, answer: SignedIn | LivefileError) -> None:
        self.token = None
        if isinstance(answer, SignedIn):
            self._identities[self._in_force + 1] = answer
        self.take(self.session.token_checked(answer, self.now_ns))
        self._read_on()

    def take(self, effects: Sequence[Effect]) -> None:
        """Perform what the session wants, and check it."""
        for effect in effects:
            assert self._is_open, f"{effect} after the end"
            match effect:
                case SendFrame():
                    self._read(orjson.loads(effect.payload))
                case ChangeQuerySet():
                    change = effect.change
                    self._in_force = change.identity_version
                    self._identities.setdefault(self._in_force, SignedIn(ANONYMOUS))
                    assert change.identity == self._identities[self._in_force].identity
                    self.query_set.change(change)
                case CheckToken():
                    self.token = effect.token
                case Close():
                    self._is_open = False
                    self.query_set.close()

    def take_updates(self) -> None:
        """Take what the engine has delivered."""
        while self._updates:
            self.take(self.session.updated(self._updates.pop(0), self.now_ns))

    def check(self, *, is_locked: bool) -> None:
        """Check what an open socket shows, once nothing is under way."""
        is_settled = self._seen == {"querySet": len(self._watched), "identity": self._in_force}
        is_quiet = (
            is_settled and not self._unread and not self._updates and self.session._is_writable
        )
        if self._is_open and is_quiet and not self._is_expired:
            assert self._shown.keys() == self._watched.keys()
            self._check_all(is_locked)

    @property
    def _is_expired(self) -> bool:
        expires_ns = self._identities[self._in_force].expires_ns
        return expires_ns is not None and self.now_ns >= expires_ns

    def _send(self, message: dict[str, object]) -> None:
        self._unread.append(orjson.dumps(message))
        self._read_on()

    def _read_on(self) -> None:
        while self._unread and self.token is None:
            self.take(self.session.receive_text(self._unread.pop(0), self.now_ns))

    def _read(self, frame: Any) -> None:
        match frame["type"]:
            case "Transition":
                self._counts["transitions"] += 1
                assert not self._is_expired, "a transition after the end of the token"
                before, after = frame["startVersion"], frame["endVersion"]
                assert {name: before[name] for name in self._seen} == self._seen
                self._seen = {name: after[name] for name in self._seen}
                assert self._seen["identity"] == self._in_force
                for part in frame["modifications"]:
                    self._shown[part["queryId"]] = part.get("value", part.get("errorData"))
                # All of it at one time: no query is left under the identity before.
                reasons = [self._why_not(is_locked) for is_locked in (False, True)]
                assert None in reasons, f"{reasons}"
            case "AuthError":
                is_end = frame["error"] == "Convex token identity expired"
                assert is_end == (not frame["authUpdateAttempted"])
                assert is_end == self._is_expired or not is_end
                self._counts["ends"] += is_end
            case kind:
                assert kind == "Ping", frame

    def _why_not(self, is_locked: bool) -> str | None:
        try:
            self._check_all(is_locked)
        except AssertionError as error:
            return str(error)
        return None

    def _check_all(self, is_locked: bool) -> None:
        identity = self._identities[self._seen["identity"]].identity
        for query_id, shown in self._shown.items():
            name, number = self._watched[query_id]
            wanted = expect(name, number, identity, is_locked=is_locked).value
            assert from_wire(shown) == wanted, f"{name}({number}) shows {shown}, not {wanted}"


def _no_admin(key: str) -> Identity:
    raise errors.UnauthenticatedError("BadAdminKey", "There is no admin here")


async def _no_network(address: str, is_local_allowed: bool) -> Fetched:
    raise AssertionError(f"{address} was asked")

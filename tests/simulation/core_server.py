"""The whole server core in one thread: the engine, the sessions, and the way between them.

It stands where sockets and the event loop stand in the real server: it performs the sessions'
effects and hands them the engine's answers, each when the simulation says so. It says which
functions are slow, and when the slow lane does what. It can die: the file is copied as it is at
that moment, and a new server begins with the copy.

Not here: what happens when (``core_simulation.py``).
"""

import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast

from livefile import (
    ADMIN,
    App,
    Call,
    FunctionKind,
    Identity,
    Livefile,
    LiveQuerySet,
    ManualClock,
    errors,
)
from livefile.functions.runner import Run
from livefile.functions.stepped_lane import SteppedLane
from livefile_server.sync.client_version import ClientVersion
from livefile_server.sync.effects import (
    ChangeQuerySet,
    Close,
    Effect,
    Require,
    RunAction,
    RunMutation,
    SendFrame,
    SendPing,
)
from livefile_server.sync.session import Session, SessionSettings
from livefile_server.sync.shared_transitions import SharedTransitions
from tests.simulation.core_client import ADMIN_KEY

_NPM = ClientVersion(name="npm", version=(1, 48, 0))

# Frames on their way to a client that make it a slow one.
_FRAMES_SENT_MAX = 3


class ServerSocket:
    """The server's end of one connection. ``sent`` is on its way to the client."""

    def __init__(self, server: "CoreServer", settings: SessionSettings) -> None:
        self.sent: deque[bytes] = deque()
        self.close: Close | None = None
        self._is_writable = True
        self._server = server
        self._session = Session(settings, _NPM, server.now_ns)
        self._query_set: LiveQuerySet = server.livefile.open_query_set(
            partial(server.post, self._take, self._session.updated)
        )

    def receive(self, text: bytes) -> None:
        """Take one message of the client."""
        self._take(self._session.receive_text, text)

    def receive_pong(self) -> None:
        """Take the client's word that it is there."""
        self._session.receive_pong(self._server.now_ns)

    def next_frame(self) -> bytes:
        """Take the oldest frame off the way; a client that has read all is slow no longer."""
        frame = self.sent.popleft()
        if not self.sent and not self._is_writable:
            self._is_writable = True
            self._take(self._session.writable_changed, True)
        return frame

    def tick(self) -> None:
        """Let time pass."""
        self._take(self._session.tick)

    def end(self) -> None:
        """Take the news that the connection is gone."""
        self._session.end()
        self._query_set.close()

    def _take(self, method: Callable[..., list[Effect]], *args: object) -> None:
        self._perform(method(*args, self._server.now_ns))

    def _perform(self, effects: Sequence[Effect]) -> None:
        livefile, post = self._server.livefile, self._server.post
        for effect in effects:
            match effect:
                case SendFrame():
                    self.sent.append(effect.payload)
                    if len(self.sent) > _FRAMES_SENT_MAX and self._is_writable:
                        self._is_writable = False
                        self._take(self._session.writable_changed, False)
                case RunMutation():
                    done = partial(
                        post, self._take, self._session.mutation_done, effect.request_number
                    )
                    livefile.submit(effect.call, FunctionKind.MUTATION, done, self._query_set)
                case ChangeQuerySet():
                    self._query_set.change(effect.change)
                case Require():
                    self._query_set.require(effect.ts)
                case Close():
                    self.close = effect
                case SendPing():
                    pass  # The network answers for clients that are there.
                case RunAction():
                    raise AssertionError("no client of the simulation runs actions")


class CoreServer:
    """A server that can be stopped, killed and begun again. ``close`` removes its files' folder."""

    def __init__(self, folder: Path, app: App, clock: ManualClock, random: Random) -> None:
        self.clock = clock
        self.now_ns = clock.now_ns()
        """The time of sessions, which never jumps."""
        self._folder = folder
        self._random = random
        self._app = app
        self._image: Path | None = None
        self._dies_in: dict[str, int] = {}
        self._expires_in = 0
        self._slow: dict[str, None] = {}
        self._files_count = 0
        self._open(folder / "live-0.db")

    @property
    def waiting_count(self) -> int:
        """How many answers of the engine wait for the sessions."""
        return len(self._posted)

    @property
    def is_dying(self) -> bool:
        """Whether the moment of its death has come; nothing counts that it does from here on."""
        return self._image is not None

    def accept(self) -> ServerSocket:
        """Open a socket."""
        return ServerSocket(self, self._settings)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits for the engine, nor the other way round."""
        livefile = self.livefile
        is_engine_idle = livefile._mutations.is_idle and livefile._subscriptions.is_idle
        return is_engine_idle and not self._posted

    @property
    def slow_count(self) -> int:
        """How many pieces of work wait for the slow lane."""
        return len(self._lane._waiting)

    def step(self, piece: int | None = 0) -> None:
        """Let the engine do what waits, and the slow lane one piece of its work, or none."""
        if piece is None:
            with self._hold_lane():
                self.livefile.step()
        else:
            self._lane._waiting.rotate(-piece)
            self.livefile.step()

    def set_slow(self, path: str, *, is_slow: bool) -> None:
        """Let a function be slow from now on, or no longer."""
        if is_slow:
            self._slow[path] = None
        else:
            self._slow.pop(path, None)
        self._lane._slow = set(self._slow)

    def expire(self) -> None:
        """Take away the snapshots of all who read for long."""
        self.livefile._database._connections.readers.cut_off(0)

    def expire_in(self, count: int) -> None:
        """Do so while the ``count``-th function from now runs."""
        self._expires_in = count

    def unless_dead(self, function: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return a function that does nothing if this server is dead when it is called."""
        files_count = self._files_count

        def call(answer: Any) -> None:
            if self._files_count == files_count:
                function(answer)

        return call

    def deliver(self, count: int) -> None:
        """Hand the sessions some of the answers that wait."""
        for _ in range(min(count, len(self._posted))):
            function, args = self._posted.popleft()
            function(*args)

    def post(self, function: Callable[..., None], *args: Any) -> None:
        """Keep an answer of the engine until ``deliver``."""
        self._note("answer")
        self._posted.append((function, args))

    def deploy(self, app: App, *, is_lane_held: bool) -> None:
        """Switch to other code, maybe before the slow lane has done anything."""
        self._app = app
        with self._hold_lane() if is_lane_held else nullcontext():
            self.livefile.deploy(app)

    def die_in(self, moment: str, count: int) -> None:
        """Die at the ``count``-th ``moment`` from now: "run" in a group, or "answer" after it."""
        self._dies_in = {moment: count}

    def kill(self) -> None:
        """Die now, or at the moment that was set if it came, and begin again with the file."""
        self._take_image()
        self._dies_in = {}  # It dies once; what it does while it closes comes to nothing.
        image, self._image = self._image, None
        assert image is not None
        self.livefile.close()
        self._open(image)

    def restart(self) -> None:
        """Stop as a server stops, and begin again."""
        path = self.livefile.path
        self.livefile.close()
        self._open(path)

    def _open(self, path: Path) -> None:
        self._posted: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._dies_in = {}
        self._expires_in = 0
        self.livefile = Livefile.open(
            path,
            self._app,
            clock=self.clock,
            seed=self._random.getrandbits(64),
            has_threads=False,
        )
        # What a stepped lane does when has no public name.
        self._lane = cast(SteppedLane, self.livefile._lane)
        self._lane._slow = set(self._slow)
        for name in ("run", "run_at_head", "run_at_head_at_last"):
            setattr(self._lane, name, self._run)
        self._settings = SessionSettings(
            latest_ts=lambda: self.livefile.latest_ts,
            check_admin_key=_check_admin_key,
            wall_ns=self.clock.now_ns,
            transitions=SharedTransitions(),
        )

    @contextmanager
    def _hold_lane(self) -> Iterator[None]:
        """Let the slow lane get nothing done meanwhile; what comes is behind what waits."""
        held, self._lane._waiting = self._lane._waiting, deque()
        try:
            yield
        finally:
            self._lane._waiting.extendleft(reversed(held))

    def _run(
        self,
        work: Callable[..., Run],
        call: Call,
        kind: FunctionKind,
        *rest: Any,  # What else the runner takes.
    ) -> Run:
        """Run a function, as the lane does, and let happen what is to happen just then."""
        run = work(call, kind, *rest)
        if self._expires_in:
            self._expires_in -= 1
            if not self._expires_in:
                self.expire()
        if kind is FunctionKind.MUTATION:
            self._note("run")
        return run

    def _note(self, moment: str) -> None:
        if moment in self._dies_in:
            self._dies_in[moment] -= 1
            if self._dies_in[moment] == 0:
                self._take_image()

    def _take_image(self) -> None:
        """Copy the file and its log as the machine has them: what a killed process leaves."""
        if self._image is not None:
            return
        self._files_count += 1
        self._image = self._folder / f"live-{self._files_count}.db"
        for suffix in ("", "-wal"):
            source = Path(f"{self.livefile.path}{suffix}")
            if source.exists():
                shutil.copyfile(source, f"{self._image}{suffix}")


def _check_admin_key(key: str) -> Identity:
    if key != ADMIN_KEY:
        raise errors.UnauthenticatedError("BadAdminKey", "That is not the key")
    return ADMIN

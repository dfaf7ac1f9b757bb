"""The whole server core under one seed: clients, connections, slow functions, crashes, deploys.

Every choice is drawn from the seed, everything runs in this thread, so the same seed gives the
same bytes in the same order: ``trace`` is a hash over all of them. First faults are on, then they
are off and everything must come to rest.

Not here: whether what was shown is right (``core_oracle.py``).
"""

import hashlib
import shutil
import tempfile
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from livefile import ManualClock
from tests.simulation.core_app import apps
from tests.simulation.core_asks import CoreAsks
from tests.simulation.core_client import CoreClient
from tests.simulation.core_model import ACCOUNTS, BALANCE, Args
from tests.simulation.core_oracle import check_results
from tests.simulation.core_server import CoreServer, ServerSocket
from tests.simulation.slowness import SLOWNESS, Slow

_CLIENTS = ("ann", "ben", "cid")
_CALLERS = ("nobody", "ann", "ben")
_BOARDS = ("x", "y")
_RANKS = (0.0, 1.0, 2.0, 3.0)
_QUERIES_MAX = 8
_MUTATION_WEIGHTS = {"transfer": 5, "bump": 4, "put": 4, "drop": 2, "move": 2, "claim": 1}
_QUERY_WEIGHTS = {
    "poorer": 3, "richer": 3, "count": 2, "notes": 4, "single": 1, "me": 2, "door": 1, "guest": 2,
    "version": 2,
}  # fmt: skip
_HOUR_MS = 3_600_000
# Far more events than anything that comes to rest takes; only what never does reaches it.
_REST_EVENTS_MAX = 5_000

_WEIGHTS = {
    "request": 12, "watch": 6, "unwatch": 4, "become": 2, "arrive": 30, "read": 30, "step": 14,
    "deliver": 14, "connect": 6, "cut": 1.5, "notice": 2, "stick": 1, "loosen": 1.5, "time": 3,
    "deploy": 1, "restart": 0.3, "kill": 1, "ask": 4, "slow": 0.6, "expire": 0.6,
}  # fmt: skip


class _Link:
    """One connection; ``sending`` is on its way to the server, ``socket.sent`` to the client."""

    def __init__(self, client: CoreClient, socket: ServerSocket) -> None:
        self.client = client
        self.socket = socket
        self.sending: list[bytes] = []
        self.is_stuck = False
        self.is_cut = False

    @property
    def is_readable(self) -> bool:
        """Whether the client can take a frame, or the news of a close."""
        if self.is_stuck or self.is_cut:
            return False
        return bool(self.socket.sent) or self.socket.close is not None


class CoreSimulation:
    """One run. ``run`` raises an AssertionError if the server errs."""

    def __init__(self, seed: int, slow: Slow | None = None) -> None:
        """Take the seed, and what is slow at first; None: it is drawn as well."""
        self.counts: Counter[str] = Counter()
        self._random = Random(seed)
        self.slow = self._random.choice(SLOWNESS) if slow is None else slow
        self._asks = CoreAsks(self._note)
        self._trace = hashlib.sha256()
        self._clock = ManualClock()
        self._clients = [CoreClient(name) for name in _CLIENTS]
        self._links: list[_Link] = []
        self._apps = deque(apps())
        self._deployed_ts = 0
        # Which version alone can be seen after one timestamp, up to another.
        self._versions: list[tuple[float, int, int]] = []
        self._texts_count = 0

    @property
    def trace(self) -> str:
        """A hash over every choice and every byte so far."""
        return self._trace.hexdigest()

    def run(self, events: int = 400) -> None:
        """Run with faults, then without them to the rest, and check everything."""
        memory = Path("/dev/shm")
        folder = Path(tempfile.mkdtemp(prefix="livefile-", dir=memory if memory.is_dir() else None))
        try:
            self._server = CoreServer(folder, self._apps[0], self._clock, self._random)
            names = list(ACCOUNTS)
            self._server.livefile.mutation("core:fill", names=names, balance=BALANCE)
            self._slow_down()
            for _ in range(events):
                self._event()
            self._come_to_rest()
            livefile = self._server.livefile
            self._versions.append((self._version, self._deployed_ts, livefile.latest_ts))
            check_results(livefile, self._clients, self._asks.answered, self._versions)
            self._server.livefile.close()
        finally:
            shutil.rmtree(folder)

    def _event(self) -> None:
        getattr(self, f"_{_drawn(self._random, _WEIGHTS)}")()

    def _note(self, kind: str, *what: object) -> None:
        self.counts[kind] += 1
        self._trace.update(repr((kind, *what)).encode())

    # --- Clients ----------------------------------------------------------------------------

    def _request(self) -> None:
        client = self._random.choice(self._clients)
        name, args = self._mutation(client)
        self._note("request", client.name, name, args)
        client.mutate(name, args)

    def _mutation(self, client: CoreClient) -> tuple[str, Args]:
        random = self._random
        name = _drawn(random, _MUTATION_WEIGHTS)
        board, other = random.choice(_BOARDS), random.choice(_BOARDS)
        match name:
            case "transfer":
                source, target = random.sample(ACCOUNTS, 2)
                amount = float(random.randint(1, 9))
                return name, {"source": source, "target": target, "amount": amount}
            case "bump":
                return name, {"owner": client.name}
            case "put" | "claim":
                self._texts_count += 1
                args: dict[str, Any] = {"board": board, "text": f"text {self._texts_count}"}
                return name, args | ({"rank": random.choice(_RANKS)} if name == "put" else {})
            case "drop":
                low, high = sorted(random.choices(_RANKS, k=2))
                return name, {"board": board, "low": low, "high": high + 1}
        return name, {"board": board, "to_board": other, "to_rank": random.choice(_RANKS)}

    def _watch(self) -> None:
        client = self._random.choice(self._clients)
        if len(client.queries) >= _QUERIES_MAX:
            return
        name, args = self._query()
        if (name, args) in client.queries.values():
            return  # The official client has one query for equal ones.
        self._note("watch", client.name, name, args)
        client.watch(name, args)

    def _query(self) -> tuple[str, Args]:
        random = self._random
        name = _drawn(random, _QUERY_WEIGHTS)
        match name:
            case "count":
                return name, {"owner": random.choice(_CLIENTS)}
            case "notes":
                low, high = sorted(random.choices(_RANKS, k=2))
                args = {"board": random.choice(_BOARDS), "low": low, "high": high}
                wanted, newest = float(random.randint(0, 3)), random.random() < 0.5
                return name, {**args, "wanted": wanted, "newest": newest}
            case "single" | "door" | "guest":
                return name, {"board": random.choice(_BOARDS)}
        return name, {}

    def _unwatch(self) -> None:
        client = self._random.choice(self._clients)
        if client.queries:
            query_id = self._random.choice(list(client.queries))
            self._note("unwatch", client.name, query_id)
            client.unwatch(query_id)

    def _become(self) -> None:
        client, caller = self._random.choice(self._clients), self._random.choice(_CALLERS)
        if caller != client.caller:
            self._note("become", client.name, caller)
            client.become(caller)

    # --- The network ------------------------------------------------------------------------

    def _connect(self) -> None:
        idle = [client for client in self._clients if client.sending is None]
        if not idle:
            return
        client = self._random.choice(idle)
        self._note("connect", client.name)
        link = _Link(client, self._server.accept())
        self._links.append(link)
        client.connect(link.sending)

    def _cut(self) -> None:
        links = [link for link in self._links if not link.is_cut]
        if not links:
            return
        link = self._random.choice(links)
        self._note("cut", link.client.name)
        self._lose(link)
        if self._random.random() < 0.5:
            link.sending.clear()  # Else it still arrives, perhaps after the client is back.

    def _lose(self, link: _Link) -> None:
        link.is_cut = True
        link.client.disconnect()

    def _notice(self) -> None:
        """The server hears of a connection that was cut."""
        links = [link for link in self._links if link.is_cut]
        if links:
            link = self._random.choice(links)
            self._note("notice", link.client.name)
            self._links.remove(link)
            link.socket.end()

    def _stick(self) -> None:
        if self._links:
            self._random.choice(self._links).is_stuck = True
            self._note("stick")

    def _loosen(self) -> None:
        for link in self._links:
            link.is_stuck = False

    def _arrive(self) -> None:
        """The oldest message of a client reaches the server."""
        links = [link for link in self._links if link.sending and link.socket.close is None]
        if links:
            link = self._random.choice(links)
            message = link.sending.pop(0)
            self._note("arrive", link.client.name, message)
            link.socket.receive(message)

    def _read(self) -> None:
        """The oldest frame of the server reaches a client."""
        links = [link for link in self._links if link.is_readable]
        if not links:
            return
        link = self._random.choice(links)
        if link.socket.sent:
            frame = link.socket.next_frame()
            self._note("read", link.client.name, frame)
            link.client.receive(frame)
            return
        close = link.socket.close
        assert close is not None
        self._note("close", link.client.name, close.code, close.reason)
        assert close.reason == "ClientSilent", f"the server closed a socket: {close}"
        self._links.remove(link)
        link.socket.end()
        link.client.disconnect()

    # --- The server -------------------------------------------------------------------------

    def _step(self) -> None:
        count = self._server.slow_count
        # The lane's threads finish in any order, or not for a while.
        piece = self._random.randrange(count) if count and self._random.random() < 0.7 else None
        self._note("step", piece, count)
        self.counts["slowly"] += piece is not None
        self._server.step(piece)
        if self._server.is_dying:
            self._kill_now()

    def _ask(self) -> None:
        random, caller = self._random, self._random.choice(_CALLERS)
        queries = [query for _ in range(random.randint(1, 3)) if (query := self._query())]
        queries = [(name, args) for name, args in queries if name != "version"]
        past_ts = None
        if self._asks.timestamps and random.random() < 0.2:
            past_ts, queries = random.choice(self._asks.timestamps), queries[:1]
        if queries:
            self._note("ask", caller, queries, past_ts)
            self._asks.ask(self._server, caller, queries, past_ts)

    def _slow_down(self) -> None:
        mutations, queries = list(_MUTATION_WEIGHTS), list(_QUERY_WEIGHTS)
        for name in self.slow.functions(mutations, queries, self._random):
            self._server.set_slow(f"core:{name}", is_slow=True)

    def _slow(self) -> None:
        """A function turns slow, or is slow no longer."""
        if self.slow in (Slow.NONE, Slow.ALL):
            return
        name = self._random.choice([*_MUTATION_WEIGHTS, *_QUERY_WEIGHTS])
        is_slow = self._random.random() < 0.6
        self._note("slow", name, is_slow)
        self._server.set_slow(f"core:{name}", is_slow=is_slow)

    def _expire(self) -> None:
        """Snapshots of the slow lane are taken away, before a piece of work or in its midst."""
        count = self._random.randint(0, 3)
        self._note("expire", count)
        if count:
            self._server.expire_in(count)
        else:
            self._server.expire()

    def _deliver(self) -> None:
        self._note("deliver", self._server.waiting_count)
        self._server.deliver(self._random.randint(1, 8))

    def _deploy(self) -> None:
        is_lane_held = self._random.random() < 0.5
        self._note("deploy", is_lane_held)
        livefile = self._server.livefile
        self._versions.append((self._version, self._deployed_ts, livefile.latest_ts))
        self._apps.rotate()
        self._server.deploy(self._apps[0], is_lane_held=is_lane_held)
        self._deployed_ts = livefile.latest_ts
        if self._server.is_dying:
            self._kill_now()

    @property
    def _version(self) -> float:
        return apps().index(self._apps[0]) + 1.0

    def _restart(self) -> None:
        self._note("restart")
        self._server.restart()
        self._lose_all()
        if self._server.is_dying:
            self._kill_now()
        else:
            assert self._asks.is_settled, "the server stopped without an answer"

    def _kill(self) -> None:
        moment = self._random.choice(["now", "run", "answer"])
        if moment == "now":
            self._kill_now()
        else:
            self._server.die_in(moment, self._random.randint(1, 3))

    def _kill_now(self) -> None:
        self._note("kill")
        self._asks.forget()
        self._server.kill()
        self._lose_all()

    def _lose_all(self) -> None:
        for link in self._links:
            if not link.is_cut:
                self._lose(link)
        self._links.clear()

    def _time(self) -> None:
        """The machine's clock jumps; the one of the sessions goes on."""
        jump_ms = self._random.choice([-_HOUR_MS, 0.001, 1, _HOUR_MS])
        passed_ms = self._random.choice([10, 1_000, 50_000])
        self._note("time", jump_ms, passed_ms)
        self._clock.advance_ms(jump_ms)
        self._server.now_ns += passed_ms * 1_000_000
        for link in self._links:
            if not link.is_stuck and not link.is_cut:
                link.socket.receive_pong()
            link.socket.tick()

    def _come_to_rest(self) -> None:
        """Without faults everything is answered, shown, and quiet."""
        self._server.die_in("never", 1)
        for _ in range(_REST_EVENTS_MAX):
            if self._is_at_rest():
                return
            self._loosen()
            self._connect()
            self._notice()
            self._arrive()
            self._step()
            self._server.deliver(1000)
            for _ in range(10):
                self._read()
        raise AssertionError("it does not come to rest")

    def _is_at_rest(self) -> bool:
        is_quiet = self._server.is_idle and all(
            not link.is_cut and not link.sending and not link.is_readable for link in self._links
        )
        is_answered = self._asks.is_settled and all(client.is_settled for client in self._clients)
        return is_quiet and is_answered


def _drawn(random: Random, weights: Mapping[str, float]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]

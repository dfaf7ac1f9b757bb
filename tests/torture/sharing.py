"""P2: are equal queries of many clients run once, and equal transitions encoded once?

Clients watch from a small pool, so that most of their queries are also somebody else's. After each
commit every query may have run once, whoever watches it, and messages that are equal must be one
object, not many.

Not here: who may share with whom (``identity_pairs.py``).
"""

import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

import orjson

from livefile import CallRecord, FunctionKind, ManualClock
from tests.simulation.core_app import apps
from tests.simulation.core_client import CoreClient
from tests.simulation.core_model import ACCOUNTS, BALANCE, Args
from tests.simulation.core_server import CoreServer, ServerSocket
from tests.torture.figure import Figure, Size

_COMMITS_COUNT = {Size.T1: 1_000, Size.T2: 50_000}
_COMMITS_PER_CROWD = 50
_CLIENTS_MAX = 12
_POOL: list[tuple[str, Args]] = [
    ("poorer", {}),
    ("richer", {}),
    ("count", {"owner": "ann"}),
    ("count", {"owner": "ben"}),
    ("me", {}),
    ("door", {"board": "x"}),
    *(
        ("notes", {"board": board, "low": 0.0, "high": 1.0, "wanted": 2.0, "newest": newest})
        for board in ("x", "y")
        for newest in (False, True)
    ),
]


def measure(size: Size, seed: int) -> Figure:
    """Let crowds of clients watch some commits each."""
    started_s = time.perf_counter()
    dice = Random(seed)
    counts: Counter[str] = Counter()
    failures: list[str] = []
    while counts["commits"] < _COMMITS_COUNT[size]:
        drawn = dice.getrandbits(32)
        with tempfile.TemporaryDirectory(prefix="livefile-sharing-") as folder:
            crowd = _Crowd(Path(folder), drawn)
            try:
                crowd.run()
            except AssertionError as error:
                failures.append(f"seed {drawn}: {error}")
            finally:
                crowd.close()
        counts += crowd.counts
        counts["commits"] += bool(failures)  # So that it ends if all fail at once.
    traffic = "{runs} runs and {encoded} messages served {sent} deliveries".format_map(counts)
    return Figure(
        id="P2",
        question="Are equal queries run once and equal messages encoded once?",
        cases=counts["commits"],
        cases_min=_COMMITS_COUNT[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started_s,
        note=failures[0] if failures else traffic,
    )


class _Crowd:
    """Some clients of one server. ``run`` raises an AssertionError if work is done twice."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._dice = Random(seed)
        self._server = CoreServer(folder, apps()[0], ManualClock(), self._dice)
        self._runs: Counter[str] = Counter()
        self._server.livefile.observe_calls(self._observe)
        self._members: list[tuple[CoreClient, ServerSocket, list[bytes]]] = []
        self._server.livefile.mutation("core:fill", names=list(ACCOUNTS), balance=BALANCE)

    def run(self) -> None:
        """Let them come, and write."""
        for number in range(self._dice.randint(2, _CLIENTS_MAX)):
            self._join(CoreClient(f"client {number}"))
        self._settle()
        for number in range(_COMMITS_PER_CROWD):
            self._write(number)

    def close(self) -> None:
        """Close the file."""
        self._server.livefile.close()

    def _observe(self, record: CallRecord) -> None:
        if record.kind is FunctionKind.QUERY and not record.is_cached:
            self._runs[record.path.partition(":")[2]] += 1

    def _join(self, client: CoreClient) -> None:
        # Those with the same queries in the same order get the same messages.
        kinds = self._dice.choice([_POOL[:3], _POOL[3:], self._dice.sample(_POOL, 4)])
        sending: list[bytes] = []
        client.become(self._dice.choice(["nobody", "ann", "ben"]))
        for name, args in kinds:
            client.watch(name, args)
        self._members.append((client, self._server.accept(), sending))
        client.connect(sending)

    def _write(self, number: int) -> None:
        board = self._dice.choice(("x", "y"))
        livefile = self._server.livefile
        self._runs.clear()
        match self._dice.randrange(4):
            case 0:
                livefile.mutation("core:put", board=board, rank=0.0, text=f"text {number}")
            case 1:
                livefile.mutation("core:drop", board=board, low=0.0, high=1.0)
            case 2:
                livefile.mutation("core:bump", owner=self._dice.choice(("ann", "ben")))
            case 3:
                source, target = self._dice.sample(ACCOUNTS, 2)
                livefile.mutation("core:transfer", source=source, target=target, amount=0.25)
        self.counts["commits"] += 1
        self.counts["runs"] += self._runs.total()
        self._check_runs()
        self._server.step()
        self._server.deliver(1_000_000)
        self._check_messages()
        self._settle()

    def _check_runs(self) -> None:
        """Each query ran once at most, or once for each caller if it asks for the caller."""
        asked: set[tuple[str, bytes, str]] = set()
        for client, _, _ in self._members:
            for name, args in client.queries.values():
                caller = client.caller if name in ("me", "door") else ""
                asked.add((name, orjson.dumps(args), caller))
        # Whether it is an admin who acts as a user also makes a difference.
        roles = {client.caller == "nobody" for client, _, _ in self._members}
        distinct = Counter(name for name, _, _ in asked)
        for name, count in self._runs.items():
            assert count <= distinct[name] * len(roles), f"{name} ran {count} times"

    def _check_messages(self) -> None:
        # Results of different queries may be equal by chance, so only equal clients are compared.
        objects: dict[tuple[bytes, bytes], bytes] = {}
        for client, socket, _ in self._members:
            key = orjson.dumps((client.caller, list(client.queries.values())))
            for message in socket.sent:
                assert objects.setdefault((key, message), message) is message, "encoded twice"
                self.counts["sent"] += 1
        self.counts["encoded"] += len(objects)

    def _settle(self) -> None:
        """Let every message arrive on either side."""
        while not all(client.is_settled and not sending for client, _, sending in self._members):
            for client, socket, sending in self._members:
                while sending:
                    socket.receive(sending.pop(0))
                while socket.sent:
                    client.receive(socket.next_frame())
            self._server.step()
            self._server.deliver(1_000_000)
        for client, socket, _ in self._members:
            while socket.sent:
                client.receive(socket.next_frame())

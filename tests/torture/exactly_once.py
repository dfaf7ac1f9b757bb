"""R10: is every mutation applied exactly once, however often and on whatever way it arrives?

Between clients and server is a network that cuts, delays, swallows and doubles; the server is
killed and comes back. Clients send again what was not answered, under the same session and
number, replay what was answered long ago, and some have a twin: a second client with the same
session that asks for the same things. Then the network calms down, and everything must be over
within a bounded time.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random

from tests.torture.chaos_proxy import ChaosProxy, Fate
from tests.torture.figure import Figure, Size
from tests.torture.live_client import LiveClient
from tests.torture.live_records import Json, Request
from tests.torture.restartable_server import RestartableServer, server_outside
from tests.torture.saved_history import save_history
from tests.torture.scratch import scratch_folder

_REQUESTS = {Size.T1: 2_000, Size.T2: 50_000}
_ROUND_REQUESTS = 5_000
_CLIENTS_COUNT = 20
_TWINS_COUNT = 4
_PATIENCE_S = 0.4
CHAOS_DURATION_S_MAX = 120.0
# After the faults: several times what a loaded machine needs.
_CALM_PATIENCE_S = 10.0
_CALM_DURATION_S_MAX = 40.0
_REQUESTS_PER_FAULT_MAX = 20
_REQUESTS_WAITING_MAX = 12
_PAUSE_S_MAX = 0.01
_SLOW_SHARE = 0.2
_PAUSES_UNTIL_SLOW = 120


class ExactlyOnce:
    """One round. ``restarts`` is how often the server dies in it."""

    def __init__(
        self,
        seed: int,
        requests: int,
        restarts: int,
        chaos_duration_s_max: float = CHAOS_DURATION_S_MAX,
    ) -> None:
        self.violations: list[str] = []
        self.finished: dict[LiveClient, list[Request]] = {}
        self.faults_count = 0
        self.accepted_count = 0
        self._random = Random(seed)
        self._requests = requests
        self._restarts = restarts
        self._chaos_duration_s_max = chaos_duration_s_max
        self._twins: dict[LiveClient, LiveClient] = {}
        self._is_over = False
        self._progressed = asyncio.Event()

    @property
    def resent_count(self) -> int:
        """How many requests were sent more than once."""
        everything = [one for finished in self.finished.values() for one in finished]
        return sum(request.sent_count > 1 for request in everything)

    async def run(self, server: RestartableServer) -> None:
        async with ChaosProxy(lambda: server.port, Random(self._random.random())) as proxy:
            clients = [self._client(proxy) for _ in range(_CLIENTS_COUNT)]
            for client in clients[:_TWINS_COUNT]:
                self._twins[client] = self._client(proxy)
                self._twins[client].session_id = client.session_id
            everybody = [*clients, *self._twins.values()]
            try:
                async with asyncio.timeout(self._chaos_duration_s_max):
                    await asyncio.gather(*(client.open() for client in everybody))
                    await asyncio.gather(self._keep_killing(server, proxy), self._work_all(clients))
                self.faults_count = proxy.fates.total() - proxy.fates[Fate.FINE]
                proxy.calm_down()
                for client in everybody:
                    client.patience_s = _CALM_PATIENCE_S
                async with asyncio.timeout(_CALM_DURATION_S_MAX):
                    await asyncio.gather(*(client.settled() for client in everybody))
                    for client in clients:
                        await self._judge(client)
            except TimeoutError:
                waiting = [one for client in everybody for one in client.requests_waiting]
                self.violations.append(f"not over in time, {len(waiting)} wait: {waiting[:3]}")
            finally:
                for client in everybody:
                    client.close()

    def _client(self, proxy: ChaosProxy) -> LiveClient:
        random = Random(self._random.getrandbits(64))
        client = LiveClient(lambda: proxy.port, random, self.violations)
        client.patience_s = _PATIENCE_S
        finished = self.finished[client] = []

        def note(request: Request) -> None:
            finished.append(request)
            self.accepted_count += request.is_success
            self._progressed.set()

        client.finished = note
        return client

    async def _keep_killing(self, server: RestartableServer, proxy: ChaosProxy) -> None:
        for number in range(self._restarts):
            wanted = self._requests * (number + 1) // (self._restarts + 1)
            while self.accepted_count < wanted and not self._is_over:
                self._progressed.clear()
                await self._progressed.wait()
            if not self._is_over:
                proxy.cut_all()  # As a kill does; a server inside would wait for its clients.
                await asyncio.to_thread(server.restart)

    async def _work_all(self, clients: Sequence[LiveClient]) -> None:
        await asyncio.gather(*(self._work(client) for client in clients))
        self._is_over = True
        self._progressed.set()

    async def _work(self, client: LiveClient) -> None:
        random = self._random
        waiting: set[asyncio.Future[Request]] = set()
        while self.accepted_count < self._requests and not self.violations:
            # At its own pace, whatever is under way: their order is the server's to keep.
            waiting.add(self._send(client))
            if random.random() < 0.05 and self.finished[client]:
                client.replay(random.choice(self.finished[client]).number)
            pause_s = random.random() * _PAUSE_S_MAX
            is_full = len(waiting) >= _REQUESTS_WAITING_MAX
            _, waiting = await asyncio.wait(
                waiting,
                timeout=None if is_full else pause_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        if waiting:
            await asyncio.wait(waiting)

    def _send(self, client: LiveClient) -> "asyncio.Future[Request]":
        random = self._random
        name = f"{client.session_id}:{random.getrandbits(64)}"
        args: dict[str, Json] = {"client": client.session_id, "request": name}
        path, kind = "tallies:apply", random.random()
        if kind < 0.05:
            path, args["pauses"] = (
                "tallies:apply_slowly",
                float(random.choice([1, 2, _PAUSES_UNTIL_SLOW])),
            )
        elif kind < 0.1:
            args["is_failing"] = True
        if client in self._twins:
            self._twins[client].mutate(path, args)
        return client.mutate(path, args)

    async def _judge(self, client: LiveClient) -> None:
        """Compare what a client was told with what the server has."""
        args = {"client": client.session_id}
        tally, receipts = client.change([("tallies:count", args), ("tallies:receipts", args)])
        await client.settled()
        finished = sorted(self.finished[client], key=lambda request: request.number)
        told = [request.result for request in finished if request.is_success]
        applied: Counter[str] = Counter(client.values[receipts])
        for name, times in applied.items():
            if times > 1:
                self.violations.append(f"{name} was applied {times} times")
        if applied.keys() != {name for name, _ in told}:
            self.violations.append(f"{client.session_id} was told of other requests than applied")
        if client.values[tally] != len(told):
            text = f"{len(told)} were accepted, the server counts {client.values[tally]}"
            self.violations.append(text)
        if [count for _, count in told] != [float(n + 1) for n in range(len(told))]:
            self.violations.append(f"out of order: {told}")
        for request in finished:
            if request.is_success == bool(request.args.get("is_failing")):
                self.violations.append(f"unexpected: {request}")
        if twin := self._twins.get(client):
            answers = {request.number: request.result for request in self.finished[twin]}
            if any(answers.get(request.number) != request.result for request in finished):
                self.violations.append(f"{client.session_id} and its twin have different answers")


Lend = Callable[[Path], AbstractContextManager[RestartableServer]]


def run_exactly_once(torture: ExactlyOnce, lend: Lend) -> None:
    """Run a round against a server of its own."""
    with scratch_folder() as folder, lend(folder) as server:
        asyncio.run(torture.run(server))


def measure(size: Size, seed: int) -> Figure:
    """Run rounds until as many requests as the size wants were accepted."""
    requests = _REQUESTS[size]
    rounds = max(1, requests // _ROUND_REQUESTS)
    cases, faults, resent = 0, 0, 0
    failures: list[str] = []
    note = ""
    started = time.monotonic()
    for number in range(rounds):
        torture = ExactlyOnce(seed + number, requests // rounds, restarts=3)
        run_exactly_once(torture, server_outside)
        found = torture.violations
        if found:
            lines = [
                [client.session_id, request.number, request.args, request.result]
                for client, finished in torture.finished.items()
                for request in finished
            ]
            note = f"{found[0]}; {save_history('exactly_once', seed + number, lines)}"
        failures += found
        cases += torture.accepted_count
        faults += torture.faults_count
        resent += torture.resent_count
    return Figure(
        id="R10",
        question="Is every mutation applied exactly once?",
        # If too little went wrong, nothing was shown.
        cases=cases if faults * _REQUESTS_PER_FAULT_MAX > cases else 0,
        cases_min=requests,
        failures=len(failures),
        duration_s=time.monotonic() - started,
        note=note or f"{faults} connections with a fault, {resent} requests sent again",
    )

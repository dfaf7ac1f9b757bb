"""R3: does every transition show one state of the bank?

Each client splits the accounts among its two to five live queries and, now and then, splits them
anew. Money only moves, so after every transition the queries of a client add up to one constant:
one that showed two moments at once would not. Some queries and some transfers take so long that
they run aside.
"""

import asyncio
from itertools import pairwise
from random import Random
from typing import Any

from tests.torture.arena import CLIENTS_COUNT, Arena, run_scenario
from tests.torture.figure import Figure, Size
from tests.torture.live_client import LiveClient
from tests.torture.live_records import Failed, Json, Pushed
from tests.torture.saved_history import save_history

_TRANSITIONS = {Size.T1: 5_000, Size.T2: 100_000}
_ROUND_TRANSITIONS = 20_000
_ROUND_DURATION_S_MAX = 120.0
_ACCOUNTS_COUNT = 50
_BALANCE = 100.0
_PAUSES_UNTIL_SLOW = 120


class BankTransitions:
    """One round: transfers, and what every client was shown."""

    def __init__(self, seed: int, transitions: int) -> None:
        self.shown: list[dict[str, Any]] = []
        self.failures: list[str] = []
        self._random = Random(seed)
        self._transitions = transitions

    async def run(self, arena: Arena) -> None:
        clients = await arena.enter(CLIENTS_COUNT)
        founding = {"count": float(_ACCOUNTS_COUNT), "balance": _BALANCE}
        await clients[0].mutate("bank:found", founding)
        for client in clients:
            self._follow(client)
        await clients[0].mutate(*self._transfer("bank:transfer_slowly", _PAUSES_UNTIL_SLOW))
        everything = {"start": 0.0, "end": float(_ACCOUNTS_COUNT)}
        slow = {**everything, "pauses": float(_PAUSES_UNTIL_SLOW)}
        clients[0].change([("bank:total_slowly", slow)])
        await asyncio.gather(*(self._work(client) for client in clients))
        await arena.settle()

    async def _work(self, client: LiveClient) -> None:
        random = self._random
        while len(self.shown) < self._transitions and not self.failures:
            if random.random() < 0.1 or not client.queries:
                client.change(self._split(), removed=list(client.queries))
            if random.random() < 0.005:
                client.drop()
            if random.random() < 0.1:
                request = self._transfer("bank:transfer_slowly", random.randrange(4))
            else:
                request = self._transfer("bank:transfer", 0)
            await client.mutate(*request)

    def _transfer(self, path: str, pauses: int) -> tuple[str, dict[str, Json]]:
        source, target = self._random.sample(range(_ACCOUNTS_COUNT), 2)
        amount = float(self._random.randint(1, 30))
        ends = {"source": float(source), "target": float(target)}
        return path, {**ends, "amount": amount, "pauses": float(pauses)}

    def _split(self) -> list[tuple[str, dict[str, Json]]]:
        """Return queries that together have every account once."""
        cuts = sorted(self._random.sample(range(1, _ACCOUNTS_COUNT), self._random.randint(1, 4)))
        bounds = [0, *cuts, _ACCOUNTS_COUNT]
        return [
            self._query(float(start), float(end), self._random.random())
            for start, end in pairwise(bounds)
        ]

    def _query(self, start: float, end: float, kind: float) -> tuple[str, dict[str, Json]]:
        args = {"start": start, "end": end}
        if kind < 0.08:
            return "bank:total_slowly", {**args, "pauses": float(self._random.randrange(4))}
        return ("bank:total" if kind < 0.5 else "bank:balances"), args

    def _follow(self, client: LiveClient) -> None:
        def pushed(one: Pushed) -> None:
            # Complete are those after which all that was asked for is there, and no more.
            if not client.queries or client.values.keys() != client.queries.keys():
                return
            values = list(client.values.values())
            self.shown.append({"client": client.session_id, "ts": one.ts, "values": values})
            failed = [value for value in values if isinstance(value, Failed)]
            if failed:
                self.failures.append(f"at {one.ts}: {failed[0]}")
                return
            found = sum(sum(one) if isinstance(one, list) else one for one in values)
            if found != _ACCOUNTS_COUNT * _BALANCE:
                self.failures.append(f"{found} in all at {one.ts}: {values}")

        client.pushed = pushed


def measure(size: Size, seed: int) -> Figure:
    """Run rounds until there are as many transitions as the size wants."""
    transitions = _TRANSITIONS[size]
    rounds = max(1, transitions // _ROUND_TRANSITIONS)
    cases, duration_s = 0, 0.0
    failures: list[str] = []
    note = ""
    for number in range(rounds):
        torture = BankTransitions(seed + number, transitions // rounds)
        arena, round_duration_s = run_scenario(seed + number, torture.run, _ROUND_DURATION_S_MAX)
        found = arena.violations + torture.failures
        if found:
            note = f"{found[0]}; {save_history('bank_transitions', seed + number, torture.shown)}"
        failures += found
        cases += len(torture.shown)
        duration_s += round_duration_s
    return Figure(
        id="R3",
        question="Does every transition show one state of the bank?",
        cases=cases,
        cases_min=transitions,
        failures=len(failures),
        duration_s=duration_s,
        note=note,
    )

"""R1: are the histories that websocket clients see strictly serialisable?

Twenty clients read and append to lists, some hot and some cold, each in transactions of up to six
steps; some fail on purpose, some take so long that they run aside on a snapshot. All watch lists
as well: each transition is a transaction that reads them. ``append_checker.py`` judges.
"""

import asyncio
from collections.abc import Iterator
from itertools import count
from random import Random

from tests.torture.append_checker import (
    Append,
    Read,
    Status,
    Transaction,
    check_appends,
)
from tests.torture.arena import CLIENTS_COUNT, Arena
from tests.torture.figure import Figure, Size
from tests.torture.live_client import LiveClient
from tests.torture.live_records import Failed, Pushed, Request
from tests.torture.rounds import measure_rounds

_TRANSACTIONS = {Size.T1: 10_000, Size.T2: 500_000}
_ROUND_TRANSACTIONS = 20_000
_APPENDS_PER_LIST = 40  # A list is read whole, so it gives way to a new one.
_FINAL_KEYS_PER_QUERY = 50

# So long that it is put aside; later calls are put aside for having been slow, however short.
_PAUSES_UNTIL_SLOW = 120


class Lists:
    """The lists of a history: a few dozen at a time, the first ones hot."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._weights = [1 / (1 + slot) for slot in range(random.choice([20, 60, 200]))]
        self._generations = [0] * len(self._weights)
        self._appends = [0] * len(self._weights)
        self._values = count(1)
        self.keys: dict[str, None] = {}

    def pick(self) -> str:
        """Return the key of a list."""
        (slot,) = self._random.choices(range(len(self._weights)), self._weights)
        key = f"{slot}.{self._generations[slot]}"
        self.keys[key] = None
        return key

    def append(self) -> Append:
        """Return a step that appends a new value."""
        key = self.pick()
        slot = int(key.partition(".")[0])
        self._appends[slot] += 1
        if self._appends[slot] % _APPENDS_PER_LIST == 0:
            self._generations[slot] += 1
        return Append(key, float(next(self._values)))


class ListAppend:
    """One round: the load, and the history that it makes."""

    def __init__(self, seed: int, transactions: int) -> None:
        self.history: list[Transaction] = []
        self.surprises: list[str] = []
        self._random = Random(seed)
        self._lists = Lists(self._random)
        self._transactions = transactions

    async def run(self, arena: Arena) -> None:
        clients = await arena.enter(CLIENTS_COUNT)
        for client in clients:
            self._follow(client)
        first = clients[0].mutate("lists:run_slowly", {"steps": [], "pauses": _PAUSES_UNTIL_SLOW})
        await first
        await asyncio.gather(*(self._work(client) for client in clients))
        await arena.settle()
        await self._read_all(clients[0])

    def failures(self) -> list[str]:
        """Return what no serial order explains."""
        return self.surprises + [str(anomaly) for anomaly in check_appends(self.history)]

    async def _work(self, client: LiveClient) -> None:
        random = self._random
        while len(self.history) < self._transactions and not self.surprises:
            if random.random() < 0.15 or not client.queries:
                self._watch_others(client)
            if random.random() < 0.005:
                client.drop()
            requests = [self._mutate(client) for _ in range(random.choice([1, 1, 1, 3]))]
            await asyncio.gather(*requests)

    def _mutate(self, client: LiveClient) -> "asyncio.Future[Request]":
        random = self._random
        steps: list[list[str | float]] = []
        for _ in range(random.randint(1, 6)):
            if random.random() < 0.5:
                steps.append(["read", self._lists.pick()])
            else:
                append = self._lists.append()
                steps.append(["append", append.key, append.value])
        if random.random() < 0.12:
            return client.mutate(
                "lists:run_slowly", {"steps": steps, "pauses": float(random.randrange(6))}
            )
        is_failing = random.random() < 0.04
        return client.mutate("lists:run", {"steps": steps, "is_failing": is_failing})

    def _watch_others(self, client: LiveClient) -> None:
        random = self._random
        added = [
            ("lists:read", {"keys": [self._lists.pick() for _ in range(random.randint(1, 3))]})
            for _ in range(random.randint(1, 2))
        ]
        client.change(added, removed=list(client.queries))

    async def _read_all(self, client: LiveClient) -> None:
        keys = list(self._lists.keys)
        for start in range(0, len(keys), _FINAL_KEYS_PER_QUERY):
            part = keys[start : start + _FINAL_KEYS_PER_QUERY]
            client.change([("lists:read", {"keys": part})], removed=list(client.queries))
            await client.settled()

    def _follow(self, client: LiveClient) -> None:
        def finished(request: Request) -> None:
            assert request.answered is not None
            if not request.is_success and not request.args.get("is_failing"):
                self.surprises.append(f"{request.path} failed: {request.args}: {request.result}")
            results = iter(request.result if request.is_success else ())
            steps: list[Read | Append] = [
                Append(step[1], step[2]) if step[0] == "append" else Read(step[1], next(results))
                for step in request.args["steps"]
                if step[0] == "append" or request.is_success
            ]
            status = Status.COMMITTED if request.is_success else Status.FAILED
            span = (request.started, request.answered)
            self.history.append(Transaction(client.session_id, steps, status, *span))

        def pushed(one: Pushed) -> None:
            if one.changed or self._random.random() < 0.1:
                steps = list(self._reads(client))
                span = (one.started, one.heard)
                self.history.append(Transaction(client.session_id, steps, Status.COMMITTED, *span))

        client.finished = finished
        client.pushed = pushed

    def _reads(self, client: LiveClient) -> Iterator[Read]:
        """Yield all that a client is shown; it is one state, whatever has changed in it."""
        for number, query in client.queries.items():
            value = client.values.get(number, [])
            if isinstance(value, Failed):
                self.surprises.append(f"{query.path} failed: {query.args}: {value}")
                continue
            for key, values in zip(query.args["keys"], value, strict=False):
                yield Read(key, values)


def measure(size: Size, seed: int) -> Figure:
    """Run rounds until there are as many transactions as the size wants."""
    return measure_rounds(
        "list_append",
        "R1",
        "Are histories of lists strictly serialisable?",
        _TRANSACTIONS[size],
        _ROUND_TRANSACTIONS,
        seed,
        ListAppend,
    )

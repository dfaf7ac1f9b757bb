"""R2: does anybody see a phantom, or slip in between a check and a write?

Twenty clients read ranges of lines, and put, move and take things depending on what they saw;
they also claim names and book rooms that only one can have. A part of it takes so long that it
runs aside, on snapshots. ``range_checker.py`` judges the lines, the rows at the end the rest.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import count, pairwise
from random import Random
from typing import Any

from tests.torture.arena import CLIENTS_COUNT, Arena
from tests.torture.figure import Figure, Size
from tests.torture.live_client import LiveClient
from tests.torture.live_records import Failed, Json, Pushed, Request
from tests.torture.range_checker import (
    Deed,
    RangeRead,
    RangeTransaction,
    Sight,
    check_ranges,
)
from tests.torture.rounds import measure_rounds

_TRANSACTIONS = {Size.T1: 5_000, Size.T2: 100_000}
_ROUND_TRANSACTIONS = 10_000
_LINES_COUNT = 5
_PLACES_COUNT = 20
_STONES_PER_LINE = 30  # Then another line takes its place.
_CLAIMS_PER_NAME = 5
_BOOKINGS_PER_ROOM = 40
_BOOKING_START_MAX = 60
_SLOW_SHARE = 0.15
_PAUSES_UNTIL_SLOW = 120


class Phantoms:
    """One round: the load, and the history that it makes."""

    def __init__(self, seed: int, transactions: int) -> None:
        self.history: list[RangeTransaction] = []
        self.granted: list[tuple[str, str]] = []
        self.stored: list[tuple[str, str]] = []
        self.surprises: list[str] = []
        self._random = Random(seed)
        self._transactions = transactions
        self._stones = count()
        self._claims = count()
        self._bookings = count()

    async def run(self, arena: Arena) -> None:
        clients = await arena.enter(CLIENTS_COUNT)
        for client in clients:
            self._follow(client)
        slow = [self._change(True), self._claim(clients[0], True), self._book(True)]
        for client, (path, args) in zip(clients, slow, strict=False):
            await client.mutate(path, {**args, "pauses": float(_PAUSES_UNTIL_SLOW)})
        await asyncio.gather(*(self._work(client) for client in clients))
        await arena.settle()
        await self._read_all(clients[0])

    def failures(self) -> list[str]:
        """Return what no serial order explains."""
        found = [str(anomaly) for anomaly in check_ranges(self.history)]
        doubles = Counter(name for name, _ in self.stored)
        found += [f"{name} is claimed {n} times" for name, n in doubles.items() if n > 1]
        if sorted(self.granted) != sorted(self.stored):
            found.append("claims that were granted are not those that are stored")
        return found + self.surprises

    async def _work(self, client: LiveClient) -> None:
        random = self._random
        while len(self.history) < self._transactions and not self.surprises:
            if random.random() < 0.2 or not client.queries:
                line, low, high = self._range()
                query = ("lines:between", {"line": line, "low": low, "high": high})
                client.change([query], removed=list(client.queries)[:-1])
            is_slow = random.random() < _SLOW_SHARE
            kind = random.random()
            if kind < 0.7:
                path, args = self._change(is_slow)
            elif kind < 0.85:
                path, args = self._claim(client, is_slow)
            else:
                path, args = self._book(is_slow)
            await client.mutate(path, args)

    def _range(self) -> tuple[str, float, float]:
        number = next(self._stones)
        generation = number // (_LINES_COUNT * _STONES_PER_LINE)
        line = f"{self._random.randrange(_LINES_COUNT)}.{generation}"
        low = float(self._random.randrange(_PLACES_COUNT))
        return line, low, low + self._random.randrange(6)

    def _change(self, is_slow: bool) -> tuple[str, dict[str, Json]]:
        line, low, high = self._range()
        deeds = ["put", "put if empty", "move", "move", "take"]
        args = {
            "line": line,
            "low": low,
            "high": high,
            "deed": self._random.choice(deeds),
            "name": f"s{next(self._stones)}",
            "place": float(self._random.randrange(_PLACES_COUNT)),
        }
        return self._paced("lines:change", args, is_slow)

    def _claim(self, client: LiveClient, is_slow: bool) -> tuple[str, dict[str, Json]]:
        number = next(self._claims)
        args = {"name": f"n{number // _CLAIMS_PER_NAME}", "owner": f"o{number}"}
        return self._paced("claims:claim", args, is_slow)

    def _book(self, is_slow: bool) -> tuple[str, dict[str, Json]]:
        start = float(self._random.randrange(_BOOKING_START_MAX))
        room = f"r{next(self._bookings) // _BOOKINGS_PER_ROOM}"
        args = {"room": room, "start": start, "end": start + self._random.randint(1, 10)}
        return self._paced("claims:book", args, is_slow)

    def _paced(
        self, path: str, args: dict[str, Json], is_slow: bool
    ) -> tuple[str, dict[str, Json]]:
        if not is_slow:
            return path, args
        return f"{path}_slowly", {**args, "pauses": float(self._random.randrange(5))}

    async def _read_all(self, client: LiveClient) -> None:
        client.pushed = lambda pushed: None
        numbers = client.change([("claims:owners", {}), ("claims:bookings", {})])
        await client.settled()
        owners, bookings = (client.values[number] for number in numbers)
        self.stored = [(name, owner) for name, owner in owners]
        bookings.sort()
        for (room, start, end), (other, next_start, _) in pairwise(bookings):
            if room == other and next_start < end:
                self.surprises.append(f"{room} is booked twice at {next_start}: since {start}")

    def _follow(self, client: LiveClient) -> None:
        def finished(request: Request) -> None:
            assert request.answered is not None
            if not request.is_success:
                self.surprises.append(f"{request.path} failed: {request.args}: {request.result}")
                return
            span = (request.started, request.answered)
            args = request.args
            if request.path.startswith("claims:claim") and request.result:
                self.granted.append((args["name"], args["owner"]))
            elif request.path.startswith("lines:"):
                before = _range_read(args, request.result["before"])
                deeds = [
                    Deed(args["line"], name, int(version), place)
                    for name, version, place in request.result["written"]
                ]
                self._check_own_writes(before, deeds, request.result["after"])
                self.history.append(RangeTransaction(client.session_id, [before], deeds, *span))

        def pushed(one: Pushed) -> None:
            shown = [
                (query, client.values[number])
                for number, query in client.queries.items()
                if number in client.values
            ]
            self.surprises += [f"{query} failed" for query, value in shown if type(value) is Failed]
            if one.changed and not self.surprises:
                reads = [_range_read(query.args, value) for query, value in shown]
                span = (one.started, one.heard)
                self.history.append(RangeTransaction(client.session_id, reads, (), *span))

        client.finished = finished
        client.pushed = pushed

    def _check_own_writes(
        self, before: RangeRead, deeds: Sequence[Deed], after: Sequence[Any]
    ) -> None:
        """A transaction sees its own deeds in the range."""
        wanted = {sight.name: [sight.name, sight.version, sight.place] for sight in before.sights}
        for deed in deeds:
            wanted.pop(deed.name, None)
            if deed.place is not None and before.low <= deed.place <= before.high:
                wanted[deed.name] = [deed.name, deed.version, deed.place]
        if sorted(wanted.values()) != sorted(after):
            self.surprises.append(f"own writes: after {before} and {deeds} came {after}")


def _range_read(args: Json, told: Sequence[Json]) -> RangeRead:
    sights = [Sight(name, int(version), place) for name, version, place in told]
    return RangeRead(args["line"], args["low"], args["high"], sights)


def measure(size: Size, seed: int) -> Figure:
    """Run rounds until there are as many transactions as the size wants."""
    return measure_rounds(
        "phantoms",
        "R2",
        "Does anybody see a phantom, or slip in between a check and a write?",
        _TRANSACTIONS[size],
        _ROUND_TRANSACTIONS,
        seed,
        Phantoms,
    )

"""R9: does every client, whatever befalls it, end up with what a fresh query returns?

Forty clients watch notes in many ways and write them, lose their connections, change what they
watch and who they are; some read slowly, some queries fail, some take so long that they run aside.
When all is at rest, the last value pushed for every subscription must be that of the same query run
anew. On the way, no timestamp goes back and no link of the chain of versions is missing
(``live_client.py`` sees to that).
"""

import asyncio
from collections.abc import Iterator
from itertools import count
from random import Random

from tests.torture.arena import Arena, run_scenario
from tests.torture.figure import Figure, Size
from tests.torture.live_client import LiveClient
from tests.torture.live_records import Json, Pushed
from tests.torture.saved_history import save_history

_PUSHES = {Size.T1: 20_000, Size.T2: 500_000}
_ROUND_PUSHES = 50_000
_ROUND_DURATION_S_MAX = 90.0
_CLIENTS_COUNT = 40
_SLOW_CLIENTS_COUNT = 4
_QUERIES_MAX = 8
_PAUSE_S_MAX = 0.1
_TITLES_COUNT = 40
_SLOW_SHARE = 0.04
_PAUSES_UNTIL_SLOW = 120
_USERS = ("ada", "bob", "cem")
_TOPICS = (*_USERS, "nobody", "red", "green", "blue")

_FreshQuery = tuple[str, str, str]
"""The user, the function's path, and its arguments as text."""


class Freshness:
    """One round: the load, and what was shown at its end."""

    def __init__(self, seed: int, pushes: int) -> None:
        self.pushes_count = 0
        self.failures: list[str] = []
        self.shown: list[list[Json]] = []
        self._random = Random(seed)
        self._pushes = pushes
        self._salts = count(1)
        self._users: dict[LiveClient, str] = {}
        self._arena: Arena

    async def run(self, arena: Arena) -> None:
        self._arena = arena
        arena.clients = [arena.client() for _ in range(_CLIENTS_COUNT)]
        for client in arena.clients[:_SLOW_CLIENTS_COUNT]:
            client.is_slow = True
        await asyncio.gather(*(client.open() for client in arena.clients))
        for client in arena.clients:
            self._users[client] = ""
            client.pushed = self._count
        slow = {"topic": _TOPICS[0], "pauses": float(_PAUSES_UNTIL_SLOW)}
        arena.clients[-1].change([("notes:mine_slowly", slow)])
        await asyncio.gather(*(self._work(client) for client in arena.clients))
        await arena.settle()
        await self._come_to_rest()
        await self._judge()

    def _count(self, pushed: Pushed) -> None:
        self.pushes_count += len(pushed.changed)

    async def _work(self, client: LiveClient) -> None:
        random = self._random
        while self.pushes_count < self._pushes and not self._arena.violations:
            fate = random.random()
            if not client.queries or fate < 0.15:
                self._watch_others(client)
            elif fate < 0.2:
                client.drop()
            elif fate < 0.3:
                self._become(client, random.choice(["", *_USERS]))
            elif fate < 0.4 and client.is_slow:
                client.pause_reading()
                await asyncio.sleep(random.random() * _PAUSE_S_MAX)
                client.resume_reading()
            await client.mutate(*self._write())

    def _become(self, client: LiveClient, user: str) -> None:
        self._users[client] = user
        if not user:
            client.authenticate(None)
            return
        claims = {"issuer": "https://users.example", "subject": user}
        key = self._arena.server.admin_key
        client.authenticate({"tokenType": "Admin", "value": key, "impersonating": claims})

    def _watch_others(self, client: LiveClient) -> None:
        random = self._random
        added = [self._query(client) for _ in range(random.randint(1, 3))]
        kept_max = random.randint(0, _QUERIES_MAX - len(added))
        removed = random.sample(list(client.queries), max(0, len(client.queries) - kept_max))
        client.change(added, removed)

    def _query(self, client: LiveClient) -> tuple[str, dict[str, Json]]:
        random = self._random
        low = float(random.randrange(6))
        queries: list[tuple[str, dict[str, Json]]] = [
            ("notes:by_topic", {"topic": random.choice(_TOPICS)}),
            ("notes:by_stars", {"low": low, "high": low + random.randrange(3)}),
            ("notes:newest", {"count": float(random.randint(1, 5))}),
            ("notes:only", {"title": self._title()}),
            ("notes:mine", {}),
        ]
        if random.random() < _SLOW_SHARE:
            pauses = float(random.randrange(4))
            return "notes:mine_slowly", {"topic": random.choice(_TOPICS), "pauses": pauses}
        return ("notes:large", {}) if client.is_slow else random.choice(queries)

    def _write(self) -> tuple[str, dict[str, Json]]:
        random = self._random
        note = {
            "title": self._title(),
            "topic": random.choice(_TOPICS),
            "stars": float(random.randrange(6)),
            "text": f"text {next(self._salts)}",
        }
        kind = random.random()
        if kind < 0.35:
            return "notes:put", note
        if kind < 0.65:
            return "notes:change", note
        return "notes:remove", {"title": note["title"], "keeps_one": random.random() < 0.5}

    def _title(self) -> str:
        return f"n{self._random.randrange(_TITLES_COUNT)}"

    async def _come_to_rest(self) -> None:
        """Let every client reach the newest state: it asks for what changes nothing."""
        nothing = {"title": "", "topic": "", "stars": 0.0, "text": ""}
        await asyncio.gather(
            *(client.mutate("notes:change", nothing) for client in self._arena.clients)
        )

    async def _judge(self) -> None:
        """Compare all that is shown with the same queries run anew, for the same user."""
        shown = {client: dict(client.values) for client in self._arena.clients}
        fresh: dict[_FreshQuery, Json] = {}
        judge = self._arena.client()
        self._arena.clients.append(judge)
        await judge.open()
        for user in ("", *_USERS):
            self._become(judge, user)
            wanted = {
                (user, query.path, str(query.args)): query
                for client in shown
                if self._users[client] == user
                for query in client.queries.values()
            }
            asked = [
                (query.path, {**query.args, "salt": float(next(self._salts))})
                for query in wanted.values()
            ]
            numbers = judge.change(asked, removed=list(judge.queries))
            await judge.settled()
            fresh.update(zip(wanted, (judge.values[number] for number in numbers), strict=True))
        for client, values in shown.items():
            self.failures += self._differences(client, values, fresh)

    def _differences(
        self, client: LiveClient, values: dict[int, Json], fresh: dict[_FreshQuery, Json]
    ) -> Iterator[str]:
        user = self._users[client]
        for number, query in client.queries.items():
            wanted = fresh[user, query.path, str(query.args)]
            self.shown.append([user, query.path, query.args, values[number], wanted])
            if values[number] != wanted:
                text = f"{user or 'nobody'} sees {query.path}{query.args} as {values[number]}"
                yield f"{text:.500}, and it is {wanted!r:.500}"


def measure(size: Size, seed: int) -> Figure:
    """Run rounds until there are as many pushes as the size wants."""
    pushes = _PUSHES[size]
    rounds = max(1, pushes // _ROUND_PUSHES)
    cases, subscriptions, duration_s = 0, 0, 0.0
    failures: list[str] = []
    note = ""
    for number in range(rounds):
        torture = Freshness(seed + number, pushes // rounds)
        arena, round_duration_s = run_scenario(seed + number, torture.run, _ROUND_DURATION_S_MAX)
        found = arena.violations + torture.failures
        if found:
            note = f"{found[0]}; {save_history('freshness', seed + number, torture.shown)}"
        failures += found
        cases += torture.pushes_count
        subscriptions += len(torture.shown)
        duration_s += round_duration_s
    return Figure(
        id="R9",
        question="Does every client end up with what a fresh query returns?",
        cases=cases,
        cases_min=pushes,
        failures=len(failures),
        duration_s=duration_s,
        note=note or f"{subscriptions} subscriptions compared at rest",
    )

"""What the benchmarks ask of the app under test: the accounts, and seeded choices among them.

Arguments are JSON already, because encoding them is no part of what is measured.
"""

from collections.abc import Sequence
from random import Random

import orjson

from benchmarks.http_client import open_http_client
from benchmarks.load import Loader

ACCOUNTS_COUNT = 1_000
MUTATION_ROUTE = b"/api/mutation"
QUERY_ROUTE = b"/api/query"
TRANSFER = b"accounts:transfer"
PUT = b"readings:put"
HOT_RATIO_MAX = 1.3  # What hot accounts may cost, compared with all of them alike.
ADD = b"readings:add"
FILL_READINGS = b"readings:fill"
BETWEEN = b"readings:between"
# Less than one mutation may write and return.
_ACCOUNTS_PER_FILL = 5_000
_TRANSFERS_COUNT = 10_000
_HOT_EXPONENT = 1.5


def add_accounts(loader: Loader, port: int, count: int = ACCOUNTS_COUNT) -> list[str]:
    """Add accounts to the server at ``port`` and return their ids."""

    async def add() -> list[str]:
        client = await open_http_client(port, loader.failed)
        ids: list[str] = []
        for start in range(0, count, _ACCOUNTS_PER_FILL):
            args = orjson.dumps({"start": start, "end": min(start + _ACCOUNTS_PER_FILL, count)})
            body = await client.ask(MUTATION_ROUTE, b"accounts:fill", args)
            ids.extend(orjson.loads(body)["value"])
        client.close()
        return ids

    return loader.run(add)


def transfers(seed: int) -> Sequence[bytes]:
    """Return the arguments of transfers between two different accounts each."""
    random = Random(seed)
    return [_transfer(*random.sample(range(ACCOUNTS_COUNT), 2)) for _ in range(_TRANSFERS_COUNT)]


def hot_transfers(seed: int) -> Sequence[bytes]:
    """Return the same, but the account at place n is n ** 1.5 times rarer than the first.

    So 82 % of the transfers have one of the first three accounts in them, 94 % one of ten.
    """
    random = Random(seed)
    weights = [1 / (place + 1) ** _HOT_EXPONENT for place in range(ACCOUNTS_COUNT)]
    chosen: list[bytes] = []
    while len(chosen) < _TRANSFERS_COUNT:
        source, target = random.choices(range(ACCOUNTS_COUNT), weights, k=2)
        if source != target:
            chosen.append(_transfer(source, target))
    return chosen


def reading(place: int, amount: int) -> bytes:
    """Return the arguments of the mutation that puts a reading at a place."""
    return b'{"place":%d,"amount":%d}' % (place, amount)


def _transfer(source: int, target: int) -> bytes:
    return b'{"source":"account-%d","target":"account-%d","amount":1.0}' % (source, target)

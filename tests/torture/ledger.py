"""A bank whose every transfer has a number: the load and the oracle of all tortures of the disk.

A transfer moves money between two accounts and leaves a receipt; a later one removes an old
receipt again. The commit log is complete, so the file can be judged by itself: the log replayed
from nothing must be what is stored, and the numbers in it say which transfers happened.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import apsw
import msgpack

from livefile import (
    App,
    Call,
    DiskFullError,
    FunctionKind,
    Livefile,
    LivefileError,
    ManualClock,
    Outcome,
    StorageFailedError,
    Success,
)
from tests.app_folder import write_app
from tests.integrity import check_connection

ACCOUNTS_COUNT = 8
BALANCE = 100

_SOURCE = """
from livefile import MutationCtx, QueryCtx, Table, index, mutation, query

RECEIPTS_KEPT = 12

class Account(Table, name="accounts"):
    name: str
    balance: float
    by_name = index("name")

class Receipt(Table, name="receipts"):
    number: float
    source: str
    note: str
    by_number = index("number")
    by_source = index("source", "number")

@mutation
def open_accounts(ctx: MutationCtx, count: int, balance: float) -> None:
    for number in range(count):
        ctx.db.insert(Account(name=f"account {number}", balance=balance))

@mutation
def transfer(
    ctx: MutationCtx, number: float, source: str, target: str, amount: float, note: str
) -> None:
    for name, change in ((source, -amount), (target, amount)):
        account = ctx.db.query(Account.by_name.eq(name=name)).unique()
        ctx.db.patch(account.id, balance=account.balance + change)
    ctx.db.insert(Receipt(number=number, source=source, note=note))
    old = ctx.db.query(Receipt.by_number.eq(number=number - RECEIPTS_KEPT)).unique()
    if old is not None:
        ctx.db.delete(old.id)

@query
def total(ctx: QueryCtx) -> float:
    return sum(account.balance for account in ctx.db.query(Account))

@query
def newest(ctx: QueryCtx) -> float:
    receipt = ctx.db.query(Receipt.by_number).order("desc").first()
    return -1.0 if receipt is None else receipt.number
"""


def load_app(folder: Path) -> App:
    """Write the bank's app into the folder and load it."""
    return App.load(write_app(folder, {"bank": _SOURCE}))


@dataclass
class Transfers:
    """Numbered transfers, and what was heard of each. One for each life of a file.

    ``unknown`` are those whose answer was that the outcome is not known.
    """

    random: Random
    next_number: int = 0
    acknowledged: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def open_accounts(self, livefile: Livefile) -> None:
        """Make the accounts; raises what is answered instead of an outcome."""
        livefile.mutation("bank:open_accounts", count=ACCOUNTS_COUNT, balance=BALANCE)

    def run_group(self, livefile: Livefile, size: int) -> None:
        """Submit some transfers and run them as one group. For engines without threads."""
        for _ in range(size):
            self.submit(livefile)
        livefile.step()

    def run_one(self, livefile: Livefile) -> bool:
        """Submit a transfer, wait for its answer, and return whether it was acknowledged."""
        count = len(self.acknowledged)
        answered = threading.Event()
        self.submit(livefile, answered.set)
        answered.wait()
        return len(self.acknowledged) > count

    def submit(self, livefile: Livefile, heard: Callable[[], None] = lambda: None) -> None:
        """Submit the next transfer; ``heard`` is called once its answer was noted."""
        number, self.next_number = self.next_number, self.next_number + 1
        source, target = self.random.sample(range(ACCOUNTS_COUNT), 2)
        call = Call(
            path="bank:transfer",
            args={
                "number": float(number),
                "source": f"account {source}",
                "target": f"account {target}",
                "amount": float(self.random.randint(1, 9)),
                "note": "x" * self.random.choice((10, 200, 200, 6000)),
            },
        )

        def hear(answer: Outcome | LivefileError) -> None:
            self._note(number, answer)
            heard()

        livefile.submit(call, FunctionKind.MUTATION, hear)

    def _note(self, number: int, answer: Outcome | LivefileError) -> None:
        match answer:
            case Success():
                self.acknowledged.append(number)
            case DiskFullError():
                self.refused.append(number)
            case StorageFailedError():
                self.unknown.append(number)
            case _:
                self.failures.append(f"transfer {number}: {answer}")


def open_bank(path: Path, app: App, seed: int) -> Livefile:
    """Open a file that is driven by ``step``, with a clock that stands at the seed's moment."""
    clock = ManualClock(1_700_000_000_000_000_000 + seed % 1_000_000)
    return Livefile.open(path, app, clock=clock, seed=seed, has_threads=False)


def check_bank(
    connection: apsw.Connection,
    acknowledged: Collection[int],
    refused: Collection[int] = (),
    *,
    is_prefix: bool = True,
) -> list[int]:
    """Raise an AssertionError if the file is not what was promised; return the transfers in it.

    ``acknowledged`` transfers must be there and ``refused`` ones must not. With ``is_prefix``
    they are the first ones in their order, as in a bank without threads that refused none: with
    threads, one that took long is overtaken.
    """
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'commits'").get:
        assert not acknowledged, f"the file is empty, with {len(acknowledged)} acknowledged"
        return []
    check_connection(connection)
    numbers: list[int] = []
    stored: dict[tuple[int, bytes], bytes] = {}
    for writes, packed in connection.execute("SELECT writes, call FROM commits ORDER BY ts"):
        call = msgpack.unpackb(packed)
        if call["path"] == "bank:transfer":
            numbers.append(int(call["args"]["number"]))
        for number, internal_id, before, after in msgpack.unpackb(writes):
            assert stored.pop((number, internal_id), None) == before, "the log does not follow"
            if after is not None:
                stored[number, internal_id] = after
    found = connection.execute("SELECT table_number, internal_id, document FROM documents")
    assert stored == {(number, id): packed for number, id, packed in found}, "log and documents"
    lost = set(acknowledged) - set(numbers)
    assert not lost, f"acknowledged, but lost: {sorted(lost)[:5]}"
    written = set(refused) & set(numbers)
    assert not written, f"refused, but there: {sorted(written)[:5]}"
    assert len(numbers) == len(set(numbers)), "a transfer happened twice"
    assert not is_prefix or numbers == list(range(len(numbers))), "a transfer in between is missing"
    _check_balances([msgpack.unpackb(packed) for packed in stored.values()])
    return numbers


def _check_balances(documents: Collection[dict[str, object]]) -> None:
    balances = [float(str(it["balance"])) for it in documents if "balance" in it]
    assert not balances or sum(balances) == ACCOUNTS_COUNT * BALANCE, "money was made or lost"

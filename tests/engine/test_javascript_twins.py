"""The same function in Python and in JavaScript: on random programs both must answer, read, write
and fail alike.

Not here: whether that is right; Python's half is compared with models elsewhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from livefile import ADMIN, App, Call, FunctionKind, Livefile, Success, Value
from livefile.model.annotation import mark_integers
from livefile.model.interval import EVERYTHING, Interval
from livefile.transaction.snapshot import Snapshot
from livefile.transaction.transaction import Transaction
from tests.app_folder import write_app
from tests.engine.pushed_project import push, pushed
from tests.engine.twin_programs import Programs, reads_ahead
from tests.engine.twins_app import TWINS
from tests.pushed import wait_for_host

TWIN = Path(__file__).with_name("twins.js")
PROGRAMS_COUNT = 60
NOW_NS = 5 * 10**18  # After every document that is there.

# Any: programs are values of every kind.


@dataclass(frozen=True)
class Effects:
    """What a run did. ``result`` is JSON."""

    result: str
    writes: list[tuple[bytes, str]]
    journal: str | None
    reads: list[tuple[int, Interval]]
    counts: tuple[int, int]


class Twins:
    """One deployment with both functions, and the ids of documents that programs know."""

    def __init__(self, livefile: Livefile, seed: int) -> None:
        self.livefile = livefile
        self.random = Random(seed)
        self.programs = Programs(self.random)
        self.ids: list[str] = []

    def grow(self) -> None:
        """Let there be other documents. The first one's id stays known, and may be of none."""
        if self.ids:
            self._write(self.programs.program(4, writes=True))
        count = self.random.choice([1, 5, 40])
        self._write([["insert", "things", self.programs.document()] for _ in range(count)])
        with self.livefile._database.snapshot() as snapshot:
            transaction = Transaction(snapshot, 0, seed=0)
            table = transaction.table("things")
            assert table is not None
            index = table.indexes["by_creation_time"]
            rows = transaction.scan(table, index, EVERYTHING)
            self.ids = self.ids[:1] + [str(row["_id"]) for row in rows]

    def effects(
        self, snapshot: Snapshot, path: str, kind: FunctionKind, steps: list[Any]
    ) -> Effects:
        """Run one of the twins on a snapshot; nothing is committed."""
        args: Mapping[str, Value] = {"steps": steps, "ids": [*self.ids], "fails": False}
        call = Call(path=path, args=args, identity=ADMIN, request_id="0")
        transaction = Transaction(snapshot, NOW_NS, seed=0)
        outcome = self.livefile._runner.run(call, kind, transaction, seed=0).outcome
        assert isinstance(outcome, Success), outcome
        writes = [(it.internal_id, repr(it.after)) for it in transaction.writes]
        return Effects(
            result=outcome.json.decode(),
            writes=sorted(writes),
            journal=transaction.journal,
            reads=sorted(transaction.reads, key=lambda it: (it[0], it[1].start)),
            counts=(transaction.documents_read, transaction.documents_written),
        )

    def _write(self, steps: list[Any]) -> None:
        self.livefile.mutation("twins:write", steps=mark_integers(steps), ids=self.ids, fails=False)


@pytest.fixture(scope="module")
def livefile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Livefile]:
    app = App.load(write_app(tmp_path_factory.mktemp("twins"), {"twins": TWINS}))
    with Livefile.open(":memory:", app) as opened:
        pushed(opened, push({"twins_in_js.js": TWIN.read_text(encoding="utf-8")}))
        wait_for_host(opened)
        yield opened


@pytest.mark.parametrize("seed", range(4))
def test_twins_answer_read_write_and_fail_alike(livefile: Livefile, seed: int) -> None:
    twins = Twins(livefile, seed)
    for number in range(PROGRAMS_COUNT):
        if number % 4 == 0:
            twins.grow()
        writes = twins.random.random() < 0.6
        steps = twins.programs.program(5, writes=writes)
        kind = FunctionKind.MUTATION if writes else FunctionKind.QUERY
        with livefile._database.snapshot() as snapshot:
            one = twins.effects(snapshot, "twins:write" if writes else "twins:read", kind, steps)
            other = twins.effects(snapshot, f"twins_in_js:{kind.value.lower()}", kind, steps)

        assert (one.result, one.writes, one.journal) == (
            other.result,
            other.writes,
            other.journal,
        ), f"{seed=} {number=} {steps}"
        if reads_ahead(steps) or '"failed"' in one.result:
            assert all(is_within(it, other.reads) for it in one.reads), f"{seed=} {number=} {steps}"
        else:
            assert (one.reads, one.counts) == (other.reads, other.counts), (
                f"{seed=} {number=} {steps}"
            )


def is_within(read: tuple[int, Interval], reads: list[tuple[int, Interval]]) -> bool:
    index_id, interval = read
    return any(
        index_id == other_id and other.start <= interval.start and interval.end <= other.end
        for other_id, other in reads
    )

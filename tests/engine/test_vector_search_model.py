"""Vector searches in random histories, against a search that compares every document."""

import math
from random import Random
from typing import Any

from livefile import Expression, Table, field, vector_index
from livefile.functions.deploy import Deploy
from livefile.functions.job import runs_at_once
from livefile.model.schema import Schema
from livefile.transaction.transaction import Transaction
from tests.integrity import check_integrity
from tests.ticking_clock import TickingClock
from tests.workbench import NO_CALL, Workbench

SEEDS_COUNT = 12
DIMENSIONS = 3
ROOMS = ("hall", "attic", "roof")
LEVELS = (None, 1.0, 2.0, True)


class PlainNote(Table, name="notes"):
    embedding: list[float] | None
    room: str = "hall"
    level: float | bool | None = None


class Note(Table, name="notes"):
    embedding: list[float] | None
    room: str = "hall"
    level: float | bool | None = None
    by_embedding = vector_index("embedding", dimensions=DIMENSIONS, filters=["room", "level"])


def vector_of(random: Random) -> list[float]:
    """Return a vector; there are few, so that many documents have equal ones."""
    return [float(random.randint(-1, 1)) for _ in range(DIMENSIONS)]


def embedding_of(random: Random) -> list[float] | None:
    """Return a vector, or now and then something that is not indexed."""
    return random.choice([*[vector_of(random) for _ in range(6)], None, [], [1.0], [math.nan] * 3])


def is_indexed(row: dict[str, Any]) -> bool:
    vector = row["embedding"]
    return vector is not None and len(vector) == DIMENSIONS and all(map(math.isfinite, vector))


def cosine(one: list[float], other: list[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


class Story:
    """One random history. Every search in it is compared at once."""

    def __init__(self, bench: Workbench, seed: int) -> None:
        self.bench = bench
        self.random = Random(seed)
        self.searches_count = 0

    def step(self) -> None:
        if self.random.random() < 0.3:
            transaction = self.bench.on_snapshot()
            self.search(transaction)
            self.bench.give_back(transaction)
            return
        transaction = self.bench.head()
        for _ in range(self.random.randint(1, 4)):
            self.write(transaction)
            self.search(transaction)
        fate = self.random.random()
        if fate < 0.8:
            self.bench.commit(transaction)
        if fate < 0.1:
            self.bench.database.committer.roll_back()
        elif fate < 0.9:
            self.bench.settle()

    def write(self, transaction: Transaction) -> None:
        random = self.random
        ids = [row["_id"] for row in self.rows(transaction)]
        fields: dict[str, Any] = {
            "embedding": embedding_of(random),
            "room": random.choice(ROOMS),
            "level": random.choice(LEVELS),
        }
        kind = random.choice(["insert", "insert", "patch", "replace", "delete", "sub"])
        if kind == "insert" or not ids:
            transaction.insert("notes", fields)
        elif kind == "delete":
            transaction.delete(random.choice(ids))
        elif kind == "replace":
            transaction.replace(random.choice(ids), fields)
        elif kind == "patch":
            name = random.choice(list(fields))
            transaction.patch(random.choice(ids), {name: fields[name]})
        else:
            mark = transaction.writes.mark()
            transaction.insert("notes", fields)
            transaction.delete(random.choice(ids))
            transaction.writes.roll_back(mark)

    def search(self, transaction: Transaction) -> None:
        random, reader = self.random, self.bench.reader(transaction)
        vector, limit = vector_of(random), random.choice([1, 3, 10, 256])
        conditions = [
            random.choice([("room", random.choice(ROOMS)), ("level", random.choice(LEVELS))])
            for _ in range(random.choice([0, 0, 1, 3]))
        ]
        found = reader.vector_search(
            Note.by_embedding, vector, limit=limit, filter=expression_of(conditions)
        )
        cosines = {
            row["_id"]: cosine(row["embedding"], vector)
            for row in self.rows(transaction)
            if is_indexed(row)
            and (not conditions or any(same(row[name], thing) for name, thing in conditions))
        }
        self.searches_count += 1

        best = sorted(cosines.values(), reverse=True)[:limit]
        assert len(found) == len(best) == len({match.id for match in found})
        for match, wanted in zip(found, best, strict=True):
            assert abs(match.score - wanted) < 1e-6
            assert abs(match.score - cosines[match.id]) < 1e-6
        assert found == sorted(found, key=lambda match: (-match.score, match.id))

    def rows(self, transaction: Transaction) -> list[dict[str, Any]]:
        table = transaction.table("notes")
        assert table is not None
        rows: list[dict[str, Any]] = [
            note.stored_document for note in self.bench.reader(transaction).query(Note)
        ]
        return rows


def expression_of(conditions: list[tuple[str, Any]]) -> Expression | None:
    joined: Expression | None = None
    for name, thing in conditions:
        equality = field(name) == thing
        joined = equality if joined is None else joined | equality
    return joined


def test_a_search_finds_what_comparing_every_document_finds(seed: int) -> None:
    with Workbench(Note, seed=seed) as bench:
        story = Story(bench, seed)
        for _ in range(50):
            story.step()
        bench.settle()
        check_integrity(bench.database)

        assert story.searches_count > 50


def test_an_index_that_is_built_beside_writes_is_whole(seed: int) -> None:
    with Workbench(PlainNote, seed=seed) as bench:
        random = Random(seed)
        with bench.change() as db:
            for _ in range(200):
                db.insert(PlainNote(embedding=embedding_of(random), room=random.choice(ROOMS)))
        story = Story(bench, seed)
        batches_count = 0

        def write_meanwhile(_: object) -> None:
            nonlocal batches_count
            batches_count += 1
            transaction = bench.head()
            for _ in range(2):
                story.write(transaction)
            bench.commit(transaction)
            bench.settle()

        schema = Schema([Note.__livefile_table__])
        bench.schema = schema
        run_job = runs_at_once(bench.database)
        Deploy(bench.database, TickingClock(), schema, NO_CALL, run_job, write_meanwhile).run()
        check_integrity(bench.database)
        for _ in range(10):
            story.step()
        bench.settle()
        check_integrity(bench.database)

        assert batches_count > 1

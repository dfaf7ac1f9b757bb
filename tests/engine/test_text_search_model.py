"""Searches in random histories, against a search that looks at every document."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, TypeVar

import pytest

from livefile import Table, search_index
from livefile.functions.deploy import Deploy
from livefile.functions.job import nothing, runs_at_once
from livefile.model.schema import Schema
from livefile.model.table import ModelTable
from livefile.transaction.committer import Committer
from livefile.transaction.transaction import Transaction
from tests.integrity import check_integrity
from tests.search_oracle import matches, ranked
from tests.workbench import NO_CALL, Workbench

T = TypeVar("T")

VOCABULARY = [
    "tea",
    "teapot",
    "Tea",
    "ten",
    "Ärger",
    "straße",
    "of",
    "the",
    "then",
    "x",
    "7",
    "日本",
]
SEPARATORS = [" ", ", ", "-", "\n", "'", " · ", "_"]


class PlainNote(Table, name="notes"):
    body: str | None
    room: str = "hall"
    level: float | bool | None = None


class Note(Table, name="notes"):
    body: str | None
    room: str = "hall"
    level: float | bool | None = None
    search_body = search_index("body", filters=["room", "level"])


def text_of(random: Random, words_max: int) -> str:
    words = random.choices(VOCABULARY, k=random.randint(0, words_max))
    return "".join(word + random.choice(SEPARATORS) for word in words)


def search_of(random: Random) -> str:
    text = text_of(random, 4).rstrip()
    return text[: len(text) - random.randint(0, 2)] if random.random() < 0.4 else text


def conditions_of(random: Random) -> dict[str, Any]:
    conditions: dict[str, Any] = {}
    if random.random() < 0.4:
        conditions["room"] = random.choice(["hall", "attic"])
    if random.random() < 0.2:
        conditions["level"] = random.choice([None, True, 1.0])
    return conditions


class Story:
    """One random history. Every search in it is compared at once."""

    def __init__(self, bench: Workbench, seed: int) -> None:
        self.bench = bench
        self.random = Random(seed)
        self.searches_count = 0

    def run(self, steps: int) -> None:
        for _ in range(steps):
            if self.random.random() < 0.7:
                self.bench.clock.advance_ms(self.random.choice([0, 1, 5000]))
            self.step()

    def step(self) -> None:
        if self.random.random() < 0.3:
            transaction = self.bench.on_snapshot()
            self.search(transaction, self.rows(transaction))
            self.bench.give_back(transaction)
            return
        transaction = self.bench.head()
        stored = self.rows(transaction)
        for _ in range(self.random.randint(1, 4)):
            self.write(transaction)
            if self.random.random() < 0.6:
                self.search(transaction, stored)
        fate = self.random.random()
        if fate < 0.8:
            self.bench.commit(transaction)
        if fate < 0.1:
            self.bench.database.committer.roll_back()
        elif fate < 0.9:
            self.bench.settle()

    def write(self, transaction: Transaction) -> None:
        ids = [row["_id"] for row in self.rows(transaction)]
        kind = self.random.choice(["insert", "insert", "patch", "replace", "delete"])
        fields = {
            "body": None if self.random.random() < 0.1 else text_of(self.random, 20),
            "room": self.random.choice(["hall", "attic"]),
            "level": self.random.choice([None, True, 1.0]),
        }
        if kind == "insert" or not ids:
            transaction.insert("notes", fields)
        elif kind == "delete":
            transaction.delete(self.random.choice(ids))
        elif kind == "replace":
            transaction.replace(self.random.choice(ids), fields)
        else:
            name = self.random.choice(list(fields))
            transaction.patch(self.random.choice(ids), {name: fields[name]})

    def search(self, transaction: Transaction, stored: list[dict[str, Any]]) -> None:
        text, conditions = search_of(self.random), conditions_of(self.random)
        search = Note.search_body.search(text).eq(**conditions)
        found = [note.id for note in self.bench.reader(transaction).query(search)]
        self.searches_count += 1

        assert found == ranked(self.rows(transaction), stored, text, conditions), (text, conditions)

    def rows(self, transaction: Transaction) -> list[dict[str, Any]]:
        table = transaction.table("notes")
        assert table is not None
        # By the table's class with or without the index: the documents are the same.
        (definition,) = self.bench.schema.tables.values()
        assert isinstance(definition, ModelTable)  # Narrows the type for mypy.
        reader = self.bench.reader(transaction)
        return [note.stored_document for note in reader.query(definition.model)]


@pytest.mark.parametrize("seed", range(12))
def test_a_search_finds_what_looking_at_every_document_finds(seed: int) -> None:
    with Workbench(Note, seed=seed) as bench:
        story = Story(bench, seed)
        story.run(60)
        check_integrity(bench.database)

        assert story.searches_count > 50


@pytest.mark.parametrize("seed", range(3))
def test_an_index_that_comes_later_finds_the_same(seed: int) -> None:
    with Workbench(PlainNote, seed=seed) as bench:
        story = Story(bench, seed)
        for _ in range(60):
            with bench.change() as db:
                db.insert(PlainNote(body=text_of(story.random, 9)))
        bench.declare(Note)
        story.run(30)
        check_integrity(bench.database)


def test_documents_may_change_while_the_index_is_built() -> None:
    random = Random(3)
    with Workbench(PlainNote) as bench:
        for _ in range(3):
            with bench.change() as db:
                for _ in range(400):
                    db.insert(PlainNote(body=text_of(random, 9)))
        story = Story(bench, 3)
        at_once = runs_at_once(bench.database)
        jobs_count = 0

        def run_job(job: Callable[[Committer], T], undo: Callable[[], None] = nothing) -> T:
            nonlocal jobs_count
            result = at_once(job, undo)
            jobs_count += 1
            for _ in range(5):
                transaction = bench.head()
                story.write(transaction)
                bench.commit(transaction)
            bench.settle()
            return result

        bench.schema = Schema([Note.__livefile_table__])
        Deploy(bench.database, bench.clock, bench.schema, NO_CALL, run_job).run()
        check_integrity(bench.database)
        story.run(3)

        assert jobs_count > 4


HOSTILE = [
    *'"\'()*:^+-{}[]\\%;,.\0\x01\t\n·',
    '"" ', "AND", "OR", "NOT", "NEAR(", "NEAR/2", "words:", "rowid:", "tenant:", "t2", "one", "two",
    "·f", "·2one", "--", "/*", "SELECT", "\ud800", "e\u0301", "\u2028", "o", "tw", "a" * 40,
]  # fmt: skip


def hostile_texts(count: int) -> Iterator[str]:
    random = Random(16)
    for _ in range(count):
        pieces = random.choices(HOSTILE, k=random.randint(1, 12))
        yield random.choice(["", " "]).join(pieces)


def test_ten_thousand_hostile_texts_find_only_what_they_name() -> None:
    with Workbench(Note) as bench:
        with bench.change() as db:
            for room in ("t1", "t2"):
                for body in ("one", "two words", "and or not near", "select tenant", "two one two"):
                    db.insert(Note(body=body, room=room))
        rows = bench.rows(Note)
        found_count = 0
        for number, text in enumerate(hostile_texts(10_000)):
            if number % 500 == 0:
                transaction = bench.on_snapshot()
            search = Note.search_body.search(text).eq(room="t1")
            found = {note.id for note in bench.reader(transaction).query(search)}
            wanted = {row["_id"] for row in rows if row["room"] == "t1" and matches(row, text)}
            found_count += len(found)
            assert found == wanted, text
            if number % 500 == 499:
                bench.give_back(transaction)

        assert found_count > 10_000

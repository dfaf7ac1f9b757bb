"""Transactions that are no calls: committed like others, and nothing written when they fail."""

from collections.abc import Iterator

import pytest

from livefile import DefinitionError, Livefile
from livefile.model.interval import EVERYTHING
from livefile.transaction.transaction import Transaction


@pytest.fixture
def livefile() -> Iterator[Livefile]:
    with Livefile.open(":memory:") as opened:
        yield opened


def insert(transaction: Transaction) -> str:
    return transaction.insert("_storage", {"size": 1.0})


def sizes(transaction: Transaction) -> list[object]:
    table = transaction.table("_storage")
    assert table is not None
    index = table.indexes["by_creation_time"]
    return [row["size"] for row in transaction.scan(table, index, EVERYTHING)]


def test_its_result_is_returned_once_it_is_durable(livefile: Livefile) -> None:
    before = livefile.latest_ts

    id = livefile._system.run("add", insert)

    assert livefile.latest_ts > before
    assert livefile._system.read(lambda transaction: transaction.get(id)) is not None
    assert livefile._system.read(sizes) == [1.0]


def test_what_it_raises_is_raised_and_nothing_is_written(livefile: Livefile) -> None:
    def fail(transaction: Transaction) -> None:
        insert(transaction)
        raise DefinitionError("no")

    with pytest.raises(DefinitionError, match="no"):
        livefile._system.run("fail", fail)
    assert livefile._system.read(sizes) == []


def test_what_a_reading_one_writes_is_forgotten(livefile: Livefile) -> None:
    livefile._system.read(insert)

    assert livefile._system.read(sizes) == []

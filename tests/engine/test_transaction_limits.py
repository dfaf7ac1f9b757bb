"""What a transaction gives its documents, and how much it may read and write."""

import math
from itertools import pairwise

import pytest

from livefile import Id, TransactionLimitError
from livefile.model.document_id import decode_document_id
from livefile.transaction import transaction as transaction_module
from livefile.transaction.transaction import Transaction
from tests.tables import Player
from tests.workbench import Workbench

START_NS = 1_700_000_000_000_000_000
HOUR_MS = 3_600_000


def add_players(db: Workbench, scores: list[int]) -> list[Id[Player]]:
    with db.change() as writer:
        return [writer.insert(Player(name="Ada", score=score)) for score in scores]


# --- Ids and creation times ----------------------------------------------------------------


def test_ids_carry_their_table_and_come_from_the_seed(db: Workbench) -> None:
    def ids(seed: int) -> list[str]:
        with db.database.snapshot() as snapshot:
            transaction = Transaction(snapshot, START_NS, seed)
            return [transaction.insert(table, {}) for table in ("players", "games", "players")]

    numbers = [db.database.catalog.tables[name].number for name in ("players", "games")]
    assert [decode_document_id(id)[0] for id in ids(7)] == [numbers[0], numbers[1], numbers[0]]
    assert ids(7) == ids(7)
    assert len({*ids(7), *ids(8)}) == 6


def creation_times(transaction: Transaction, count: int) -> list[float]:
    """Insert some documents and return their creation times."""
    times: list[float] = []
    for _ in range(count):
        document = transaction.get(transaction.insert("players", {"name": "Ada"}))
        assert document is not None
        time = document["_creationTime"]
        assert isinstance(time, float)
        times.append(time)
    return times


def test_the_creation_time_is_that_of_the_transactions_begin(db: Workbench) -> None:
    db.clock.advance_ms(1234.5)
    transaction = db.head()
    db.clock.advance_ms(HOUR_MS)

    assert creation_times(transaction, 1) == [START_NS / 1e6 + 1234.5]


def test_each_further_document_has_the_next_creation_time(db: Workbench) -> None:
    times = creation_times(db.head(), 4)

    for before, after in pairwise(times):
        assert after == math.nextafter(before, math.inf)


def test_the_creation_time_is_not_before_the_snapshot(db: Workbench) -> None:
    db.clock.advance_ms(HOUR_MS)
    add_players(db, [1])
    db.clock.advance_ms(-HOUR_MS)

    assert creation_times(db.on_snapshot(), 1) == [(START_NS / 1e6) + HOUR_MS]
    assert creation_times(db.head(), 1)[0] >= db.published_ts / 1e6


def test_patch_and_replace_keep_id_and_creation_time(db: Workbench) -> None:
    (ada,) = add_players(db, [1])
    before = db.rows(Player)[0]
    db.clock.advance_ms(HOUR_MS)
    with db.change() as writer:
        writer.patch(ada, score=2)
        writer.replace(ada, Player(name="Bob"))

    after = db.rows(Player)[0]
    assert (after["_id"], after["_creationTime"]) == (ada, before["_creationTime"])
    assert after["name"] == "Bob"


# --- Limits --------------------------------------------------------------------------------


def limit(monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    monkeypatch.setattr(transaction_module, name, value)


def test_a_transaction_reads_a_bounded_number_of_documents(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = add_players(db, list(range(10)))
    limit(monkeypatch, "DOCUMENTS_READ_MAX", 5)
    transaction = db.head()
    assert len(db.reader(transaction).query(Player).take(5)) == 5

    with pytest.raises(TransactionLimitError, match="Too many documents read") as raised:
        transaction.get(ids[0])
    assert raised.value.code == "TooManyDocumentsRead"
    with pytest.raises(TransactionLimitError, match=r"\(limit: 5\)"):
        db.reader(db.head()).query(Player).collect()


def test_a_transaction_reads_a_bounded_number_of_bytes(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_players(db, list(range(10)))
    limit(monkeypatch, "BYTES_READ_MAX", 500)

    with pytest.raises(TransactionLimitError, match="Too many bytes read") as raised:
        db.reader(db.head()).query(Player).collect()
    assert raised.value.code == "TooManyBytesRead"


def test_a_transaction_reads_a_bounded_number_of_ranges(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefile.transaction.read_set.INTERVALS_READ_MAX", 3)
    reader = db.reader(db.head())
    for _ in range(3):
        reader.query(Player).first()

    with pytest.raises(TransactionLimitError, match="Too many reads") as raised:
        reader.query(Player).first()
    assert raised.value.code == "TooManyReads"


def test_a_transaction_writes_a_bounded_number_of_documents(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, "DOCUMENTS_WRITTEN_MAX", 3)
    transaction = db.head()
    ada = transaction.insert("players", {"name": "Ada"})
    transaction.patch(ada, {"score": 1.0})
    transaction.delete(ada)

    with pytest.raises(TransactionLimitError, match=r"Too many writes.*\(limit: 3\)") as raised:
        transaction.insert("players", {"name": "Bob"})
    assert raised.value.code == "TooManyWrites"
    assert not transaction.writes


def test_a_transaction_writes_a_bounded_number_of_bytes(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, "BYTES_WRITTEN_MAX", 300)
    transaction = db.head()
    ada = transaction.insert("players", {"name": "x" * 100})

    with pytest.raises(TransactionLimitError, match="Too many bytes written") as raised:
        transaction.patch(ada, {"team": "y" * 100})
    assert raised.value.code == "TooManyBytesWritten"
    found = transaction.get(ada)
    assert found is not None
    assert "team" not in found

"""The pool of readers: long ones wait for the write-ahead log, and old ones are cut off."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from livefile import StorageFailedError
from livefile.sqlite.connections import Connection, Connections
from livefile.vocabulary.errors import SnapshotExpiredError
from tests.faulty_disk import FaultyDisk
from tests.tables import Player
from tests.workbench import Workbench

COUNT = "SELECT count(*) FROM numbers"


@pytest.fixture
def connections(tmp_path: Path) -> Iterator[Connections]:
    opened = Connections(tmp_path / "live.db")
    opened.begin()
    opened.writer.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)")
    opened.commit()
    yield opened
    opened.close()


def add(connections: Connections, count: int = 1) -> None:
    connections.begin()
    connections.writer.execute(
        "WITH RECURSIVE counter(number) AS (VALUES(1) UNION ALL SELECT number + 1 FROM counter "
        "LIMIT ?) INSERT INTO numbers (text) SELECT hex(zeroblob(1500)) FROM counter",
        (count,),
    )
    connections.commit()


@contextmanager
def expiring(connections: Connections) -> Iterator[Connection]:
    """Lend a long reader; the block must end with what it is told when it was cut off."""
    try:
        with connections.read(is_long=True) as reader:
            yield reader
    except SnapshotExpiredError:
        return
    pytest.fail("the reader was not cut off")


def log_size(connections: Connections) -> int:
    return connections.path.with_name("live.db-wal").stat().st_size


def test_a_long_reader_that_is_cut_off_hears_of_it_at_its_next_read(
    connections: Connections,
) -> None:
    with expiring(connections) as reader:
        assert reader.execute(COUNT).get == 0
        connections.readers.cut_off(0)
        reader.execute(COUNT)

    with connections.read(is_long=True) as reader:
        assert reader.execute(COUNT).get == 0


def test_a_long_reader_that_swallows_it_hears_of_it_at_the_end(connections: Connections) -> None:
    with expiring(connections) as reader:
        connections.readers.cut_off(0)
        with pytest.raises(apsw.ConnectionClosedError):
            reader.execute(COUNT)


def test_a_reader_is_cut_off_in_the_midst_of_a_statement(connections: Connections) -> None:
    add(connections)
    begun = threading.Event()
    raised: list[type[BaseException]] = []

    def begin(*_: object) -> int:
        begun.set()
        return 1

    def read_for_ever() -> None:
        try:
            with connections.read(is_long=True) as reader:
                reader.create_scalar_function("begin", begin)
                reader.execute(
                    "WITH RECURSIVE counter(number) AS (SELECT begin() UNION ALL "
                    "SELECT number + 1 FROM counter) SELECT max(number) FROM counter"
                ).fetchall()
        except SnapshotExpiredError as error:
            raised.append(type(error))

    thread = threading.Thread(target=read_for_ever)
    thread.start()
    begun.wait()
    connections.readers.cut_off(0)
    thread.join()

    assert raised == [SnapshotExpiredError]
    assert not connections.readers.has_long


def test_short_readers_and_young_ones_are_left_alone(connections: Connections) -> None:
    with connections.read(is_long=True) as young:
        connections.readers.cut_off(60_000)
        assert young.execute(COUNT).get == 0
    with connections.read() as short:
        connections.readers.cut_off(0)
        assert short.execute(COUNT).get == 0


def test_a_reader_that_was_cut_off_makes_room_for_another(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefile.sqlite.readers.READERS_MAX", 1)
    for _ in range(3):
        with expiring(connections):
            connections.readers.cut_off(0)

    with connections.read() as other:
        assert other.execute(COUNT).get == 0


def test_while_the_log_is_held_off_long_readers_wait_and_short_ones_do_not(
    connections: Connections,
) -> None:
    connections.readers.hold_off()
    with connections.read() as short:
        assert short.execute(COUNT).get == 0
    begun = threading.Event()

    def read() -> None:
        with connections.read(is_long=True):
            begun.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert not begun.is_set()
    connections.readers.let_in()
    thread.join()

    assert begun.is_set()


def test_a_long_reader_waits_for_a_bounded_time(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefile.sqlite.readers.LOG_RESTART_WAIT_MS_MAX", 1)
    connections.readers.hold_off()

    with connections.read(is_long=True) as reader:
        assert reader.execute(COUNT).get == 0


def test_the_log_begins_anew_although_a_reader_stays(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefile.sqlite.connections.WAL_PAGES_BEFORE_CHECKPOINT", 20)
    monkeypatch.setattr("livefile.sqlite.connections._WAL_PAGES_MAX", 400)
    with expiring(connections) as reader:
        reader.execute(COUNT).fetchall()
        for _ in range(100):
            add(connections, 20)
            connections.checkpoint_if_due()

    assert log_size(connections) < 400 * 4120
    assert not connections.readers.is_holding_off


def test_a_log_that_grew_over_its_limit_is_cut_when_it_begins_anew(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections.writer.pragma("journal_size_limit", 100_000)
    add(connections, 200)
    grown = log_size(connections)
    monkeypatch.setattr("livefile.sqlite.connections.WAL_PAGES_BEFORE_CHECKPOINT", 1)
    connections.checkpoint_if_due()
    add(connections)

    assert grown > 500_000
    assert log_size(connections) <= 100_000


def test_a_read_that_fails_is_an_error_of_the_storage(tmp_path: Path) -> None:
    with FaultyDisk() as disk, Workbench(Player, path=tmp_path / "live.db") as bench:
        with bench.change() as db:
            db.insert(Player(name="Ada"))
        disk.is_unreadable = True
        with pytest.raises(StorageFailedError, match="a read failed"):
            bench.rows(Player)
        disk.is_unreadable = False

        assert len(bench.rows(Player)) == 1


def test_a_read_error_that_a_function_swallows_commits_nothing(tmp_path: Path) -> None:
    with FaultyDisk() as disk:
        with Workbench(Player, path=tmp_path / "live.db") as bench, bench.change() as db:
            ada = db.insert(Player(name="Ada", score=1))
        # Opened anew, so that nothing of it is in memory.
        with Workbench(Player, path=tmp_path / "live.db") as bench:
            ts = bench.published_ts
            transaction = bench.head()
            disk.is_unreadable = True
            with pytest.raises(StorageFailedError):
                bench.writer(transaction).get(ada)
            disk.is_unreadable = False
            bench.writer(transaction).insert(Player(name="Bob"))

            with pytest.raises(StorageFailedError, match="the transaction was ended"):
                bench.commit(transaction)
            assert bench.published_ts == ts

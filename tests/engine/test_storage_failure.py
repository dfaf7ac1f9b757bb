"""Disks that are full or broken: what is promised then, and that nothing is half-written."""

from pathlib import Path

import apsw
import pytest

from livefile import DiskFullError, Id, Livefile, ManualClock, StorageFailedError, Success
from tests.engine.counters import counted, submit, write_app
from tests.faulty_disk import FaultyDisk
from tests.integrity import check_integrity
from tests.tables import Player
from tests.workbench import Workbench


@pytest.fixture(scope="module")
def counters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_app(tmp_path_factory.mktemp("app"))


def add_player(bench: Workbench, score: int) -> Id[Player]:
    bench.clock.advance_ms(1)  # Later players are the younger ones.
    with bench.change() as db:
        return db.insert(Player(name="Ada", score=score))


def fill(db: Workbench) -> int:
    """Let the file grow no more and return how far it may grow by default."""
    writer = db.database._connections.writer
    default = int(writer.pragma("max_page_count"))
    writer.pragma("max_page_count", writer.pragma("page_count"))
    return default


def make_room(db: Workbench, pages: int) -> None:
    db.database._connections.writer.pragma("max_page_count", pages)


def test_a_full_disk_rolls_back_the_whole_group_and_nothing_else(tmp_path: Path) -> None:
    with Workbench(Player, path=tmp_path / "live.db") as bench:
        ada = add_player(bench, score=1)
        ts = bench.published_ts
        before = bench.rows(Player)
        pages = fill(bench)
        small = bench.head()
        bench.writer(small).patch(ada, score=7)
        bench.commit(small)
        large = bench.head()
        bench.writer(large).insert(Player(name="x" * 100_000))

        with pytest.raises(DiskFullError, match="the disk is full; nothing was written"):
            bench.commit(large)
        bench.database.committer.roll_back()
        bench.database.publish()

        assert bench.rows(Player) == before
        assert bench.published_ts == ts
        check_integrity(bench.database)
        make_room(bench, pages)
        with bench.change() as db:
            db.insert(Player(name="x" * 100_000))
        assert len(bench.rows(Player)) == 2
        check_integrity(bench.database)


def test_on_a_full_disk_each_mutation_of_the_group_is_told(counters: Path, tmp_path: Path) -> None:
    with Livefile.open(
        tmp_path / "live.db", app=counters, seed=1, clock=ManualClock(), has_threads=False
    ) as livefile:
        small = submit(livefile, "counters:add", name="a")
        livefile.step()
        connection = livefile._database._connections.writer
        pages = int(connection.pragma("max_page_count"))
        connection.pragma("max_page_count", connection.pragma("page_count"))
        heard = [
            submit(livefile, "counters:add", name="a"),
            submit(livefile, "counters:add", name="x" * 100_000),
            submit(livefile, "counters:add", name="a"),
        ]
        livefile.step()

        assert isinstance(small[0], Success)
        assert [type(outcome) for (outcome,) in heard] == [DiskFullError] * 3
        assert counted(livefile) == {"a": 1.0}
        connection.pragma("max_page_count", pages)
        again = submit(livefile, "counters:add", name="a")
        livefile.step()
        assert isinstance(again[0], Success)
        assert counted(livefile) == {"a": 2.0}
        check_integrity(livefile._database)


def test_a_disk_that_is_full_when_a_table_is_made_is_no_fault_of_the_function(
    counters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Livefile.open(
        tmp_path / "live.db", app=counters, seed=1, clock=ManualClock(), has_threads=False
    ) as livefile:

        def full(*_: object) -> None:
            raise apsw.FullError("the disk is full")

        monkeypatch.setattr("livefile.sqlite.catalog.create_table", full)
        heard = [
            submit(livefile, "counters:add", name="a"),
            submit(livefile, "counters:note", text="a"),
        ]
        livefile.step()

        assert [type(outcome) for (outcome,) in heard] == [DiskFullError] * 2
        assert counted(livefile) == {}
        check_integrity(livefile._database)


def test_a_checkpoint_on_a_full_disk_takes_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefile.sqlite.connections.WAL_PAGES_BEFORE_CHECKPOINT", 1)
    with FaultyDisk() as disk:
        with Workbench(Player, path=tmp_path / "live.db") as bench:
            disk.is_full = True
            add_player(bench, score=1)
            assert [row["score"] for row in bench.rows(Player)] == [1.0]
            disk.is_full = False
            add_player(bench, score=2)
        with Workbench(Player, path=tmp_path / "live.db") as bench:
            assert [row["score"] for row in bench.rows(Player)] == [1.0, 2.0]
            check_integrity(bench.database)


def test_after_a_sync_that_failed_nothing_is_committed_any_more(tmp_path: Path) -> None:
    with FaultyDisk() as disk:
        with Workbench(Player, path=tmp_path / "live.db") as bench:
            add_player(bench, score=1)
            ts = bench.published_ts
            transaction = bench.head()
            bench.writer(transaction).insert(Player(name="Bob", score=2))
            bench.commit(transaction)
            disk.is_broken = True
            with pytest.raises(StorageFailedError):
                bench.settle()
            disk.is_broken = False
            bench.database.committer.roll_back()

            with pytest.raises(StorageFailedError, match="an earlier commit failed; restart"):
                bench.head()
            assert bench.published_ts == ts
        with Workbench(Player, path=tmp_path / "live.db") as bench:
            # Whether the one in doubt is there is not known; what was acknowledged is.
            assert [row["score"] for row in bench.rows(Player)] in ([1.0], [1.0, 2.0])
            check_integrity(bench.database)

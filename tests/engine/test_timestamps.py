"""Timestamps rise, whatever the clock does."""

from pathlib import Path
from random import Random

from livefile.vocabulary.clock import ManualClock
from tests.tables import Player
from tests.workbench import Workbench

SEEDS_COUNT = 5

HOUR_MS = 3_600_000
HOUR_NS = HOUR_MS * 1_000_000


def commit(bench: Workbench) -> int:
    with bench.change() as db:
        db.insert(Player(name="Ada"))
    return bench.published_ts


def test_a_timestamp_is_the_time_in_nanoseconds(db: Workbench) -> None:
    db.clock.advance_ms(0.000_123 * 1000)

    assert commit(db) == db.clock.now_ns()


def test_timestamps_rise_while_the_clock_stands_still(db: Workbench) -> None:
    timestamps = [commit(db) for _ in range(5)]

    assert timestamps == sorted(set(timestamps))


def test_timestamps_rise_inside_of_a_group(db: Workbench) -> None:
    timestamps = []
    for _ in range(5):
        transaction = db.head()
        db.writer(transaction).insert(Player(name="Ada"))
        timestamps.append(db.commit(transaction))

    assert timestamps == sorted(set(timestamps))
    assert db.published_ts < timestamps[0]
    db.settle()
    assert db.published_ts == timestamps[-1]


def test_a_clock_that_jumps_back_an_hour_takes_no_timestamp_back(db: Workbench) -> None:
    before = commit(db)
    db.clock.advance_ms(-HOUR_MS)
    meanwhile = [commit(db) for _ in range(3)]
    db.clock.advance_ms(2 * HOUR_MS)
    after = commit(db)

    timestamps = [before, *meanwhile, after]
    assert timestamps == sorted(set(timestamps))
    assert meanwhile[-1] < before + 1000  # The hour is not spent twice either.
    assert after == db.clock.now_ns()


def test_timestamps_rise_over_restarts_with_the_clock_set_back(tmp_path: Path) -> None:
    timestamps: list[int] = []
    for restart in range(4):
        clock = ManualClock(1_700_000_000_000_000_000 - restart * HOUR_NS)
        with Workbench(Player, path=tmp_path / "live.db", clock=clock, seed=restart) as bench:
            if timestamps:
                assert bench.published_ts == timestamps[-1]
            timestamps += [commit(bench) for _ in range(3)]

    assert timestamps == sorted(set(timestamps))


def test_opening_and_closing_does_not_move_the_time(tmp_path: Path) -> None:
    with Workbench(Player, path=tmp_path / "live.db") as bench:
        ts = commit(bench)
    for _ in range(3):
        clock = ManualClock(ts + HOUR_NS)
        with Workbench(Player, path=tmp_path / "live.db", clock=clock) as bench:
            assert bench.published_ts == ts


def test_a_change_of_the_schema_has_a_timestamp_too(db: Workbench) -> None:
    before = commit(db)
    db.clock.advance_ms(-HOUR_MS)
    db.declare(Player)  # Without games.

    assert db.published_ts > before
    assert db.commits()[-1].ts == db.published_ts


def test_a_snapshot_has_the_timestamp_of_the_newest_commit_in_it(db: Workbench) -> None:
    for _ in range(3):
        ts = commit(db)
        transaction = db.on_snapshot()

        assert transaction.snapshot.ts == ts
        db.give_back(transaction)


def test_a_timestamp_that_was_rolled_back_is_not_published(db: Workbench) -> None:
    before = commit(db)
    transaction = db.head()
    db.writer(transaction).insert(Player(name="undone"))
    undone = db.commit(transaction)
    db.database.committer.roll_back()
    db.database.publish()
    assert db.published_ts == before < undone

    assert commit(db) > before


def test_no_timestamp_goes_back_whatever_happens(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    clock = ManualClock()
    newest = 0
    for restart in range(4):
        with Workbench(
            Player, path=tmp_path / "live.db", clock=clock, seed=restart * 100 + seed
        ) as bench:
            for _ in range(10):
                clock.advance_ms(random.choice([-HOUR_MS, -1, 0, 0.001, 1, HOUR_MS]))
                assert bench.published_ts >= newest
                transaction = bench.head()
                bench.writer(transaction).insert(Player(name="Ada"))
                ts = bench.commit(transaction)
                assert ts > newest
                if random.random() < 0.2:
                    bench.database.committer.roll_back()
                else:
                    bench.settle()
                    newest = ts
                    assert bench.published_ts == ts

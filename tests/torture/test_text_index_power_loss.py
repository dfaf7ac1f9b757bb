"""A power loss at any moment leaves a text index that is that of its documents."""

from pathlib import Path
from random import Random

import apsw
import pytest

from livefile import Table, search_index
from tests.integrity import check_connection
from tests.torture.recording_disk import DiskState, RecordingDisk
from tests.workbench import Workbench

_IMAGES_COUNT = 150
_WORDS = [f"word{number}" for number in range(50)]


class Note(Table, name="notes"):
    body: str
    room: float
    search_body = search_index("body", filters=["room"])


def test_a_text_index_outlives_a_power_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(5)
    monkeypatch.setattr("livefile.sqlite.connections.WAL_PAGES_BEFORE_CHECKPOINT", 60)
    with RecordingDisk() as disk:
        for _ in range(2):
            with Workbench(Note, path=tmp_path / "live.db") as bench:
                _live(bench, random)
    moments = sorted(random.choices(range(len(disk.events) + 1), k=_IMAGES_COUNT - 1))
    state, done, counts = DiskState(), 0, set()
    for moment in [*moments, len(disk.events)]:
        for event in disk.events[done:moment]:
            state.advance(event)
        done = moment
        counts.add(_checked_count(tmp_path / "image", state, random))

    assert len(counts) > 10


def _live(bench: Workbench, random: Random) -> None:
    """Commit a few groups of every kind of write; some are abandoned."""
    for _ in range(40):
        bench.clock.advance_ms(random.choice([0, 1000]))
        for _ in range(random.randint(1, 3)):
            transaction = bench.head()
            db = bench.writer(transaction)
            known = db.query(Note).collect()
            body = " ".join(random.choices(_WORDS, k=random.randint(0, 30)))
            db.insert(Note(body=body, room=float(random.randrange(3))))
            if known:
                db.patch(random.choice(known).id, body=body, room=7.0)
                if random.random() < 0.3:
                    db.delete(random.choice(known).id)
            bench.commit(transaction)
        if random.random() < 0.2:
            bench.database.committer.roll_back()
        bench.settle()


def _checked_count(folder: Path, state: DiskState, random: Random) -> int:
    """Check what a power loss leaves now, and return how many documents are in it."""
    folder.mkdir(exist_ok=True)
    for left_over in folder.iterdir():
        left_over.unlink()
    for name, content in state.lose_power(random).items():
        (folder / Path(name).name).write_bytes(content)
    connection = apsw.Connection(str(folder / "live.db"))
    try:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'tables'").get:
            return 0
        check_connection(connection)
        return int(connection.execute("SELECT count(*) FROM documents").get)
    finally:
        connection.close()

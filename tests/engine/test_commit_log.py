"""The commit log: what its rows hold, what can be rebuilt from them, and what goes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import pytest

from livefile import ADMIN, Call, Livefile, LogTrimmedError, ManualClock, RequestKey, Value
from livefile.functions.call import FunctionKind, Outcome, Success
from livefile.model.value_packed import unpack
from livefile.sqlite import commit_log as commit_log_module
from livefile.sqlite.commit_log import CommitRecord, commits_between
from livefile.transaction.database import Database
from livefile.vocabulary.errors import LivefileError
from tests.engine.counters import write_app
from tests.integrity import check_integrity
from tests.tables import Player
from tests.workbench import Workbench

Images = dict[tuple[int, bytes], bytes]


@pytest.fixture(scope="module")
def counters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_app(tmp_path_factory.mktemp("app"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stepped(counters: Path, clock: ManualClock) -> Iterator[Livefile]:
    with Livefile.open(":memory:", app=counters, clock=clock, seed=1, has_threads=False) as opened:
        yield opened
        check_integrity(opened._database)


def called(livefile: Livefile, call: Call) -> Success:
    heard: list[Outcome | LivefileError] = []
    livefile.submit(call, None, heard.append)
    livefile.step()
    (outcome,) = heard
    assert isinstance(outcome, Success), outcome
    return outcome


def listed_at(livefile: Livefile, ts: int) -> bytes:
    heard: list[Outcome | LivefileError] = []
    livefile.submit_at(Call(path="counters:list", args={}), ts, heard.append)
    while not heard:
        livefile.step()
    (outcome,) = heard
    if isinstance(outcome, LivefileError):
        raise outcome
    assert isinstance(outcome, Success), outcome
    return outcome.json


def commits_of(database: Database) -> list[CommitRecord]:
    with database._connections.read() as connection:
        return list(commits_between(connection, 0, database.published_ts))


def stored(database: Database) -> Images:
    with database._connections.read() as connection:
        rows = connection.execute("SELECT table_number, internal_id, document FROM documents")
        return {(number, internal_id): document for number, internal_id, document in rows}


def image(packed: bytes | None) -> Mapping[str, Value] | None:
    if packed is None:
        return None
    document = unpack(packed)
    assert isinstance(document, dict)
    return {name: item for name, item in document.items() if not name.startswith("_")}


# --- What a row holds ------------------------------------------------------------------------


def test_a_row_holds_the_images_before_and_after(db: Workbench) -> None:
    with db.change() as writer:
        ada = writer.insert(Player(name="Ada"))
        gone = writer.insert(Player(name="gone"))
        writer.delete(gone)
    with db.change() as writer:
        writer.patch(ada, score=3)
        writer.patch(ada, team="a")
    with db.change() as writer:
        writer.delete(ada)
    inserted, patched, deleted = db.commits()[-3:]

    fresh: dict[str, Value] = {"name": "Ada", "team": None, "score": 0.0, "tags": []}
    changed = {**fresh, "score": 3.0, "team": "a"}
    images = [
        [(image(w.before), image(w.after)) for w in commit.writes]
        for commit in (inserted, patched, deleted)
    ]
    assert images == [[(None, fresh)], [(fresh, changed)], [(changed, None)]]
    whole = unpack(inserted.writes[0].after or b"")
    assert isinstance(whole, dict)
    assert whole["_id"] == ada


def test_a_row_holds_the_call_that_made_it(stepped: Livefile) -> None:
    outcome = called(
        stepped,
        Call(
            path="counters:add",
            args={"name": "a", "amount": 2.0},
            identity=ADMIN,
            request_id="0123456789abcdef",
            request_key=RequestKey(session_id="session", request_number=7),
        ),
    )
    commit = commits_of(stepped._database)[-1]

    assert commit.ts == outcome.ts
    call = dict(commit.call)
    assert call["args"] == {"name": "a", "amount": 2.0}
    assert isinstance(call["seed"], int)
    wanted = {
        "path": "counters:add",
        "code": stepped.app.code_hash,
        "is_admin": True,
        "time_ns": ManualClock().now_ns(),
        "request_id": "0123456789abcdef",
        "session": ["session", 7],
    }
    assert {name: call[name] for name in wanted} == wanted


def test_a_mutation_that_writes_nothing_has_no_row(stepped: Livefile) -> None:
    rows_count = len(commits_of(stepped._database))
    heard: list[Outcome | LivefileError] = []
    failing = Call(path="counters:add_and_fail", args={"name": "a"})
    stepped.submit(failing, FunctionKind.MUTATION, heard.append)
    stepped.step()

    assert len(heard) == 1
    assert len(commits_of(stepped._database)) == rows_count


def test_the_log_is_there_after_closing(counters: Path, tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with Livefile.open(path, app=counters) as livefile:
        livefile.mutation("counters:add", name="a")
        before = commits_of(livefile._database)
    with Livefile.open(path, app=counters) as livefile:
        assert commits_of(livefile._database) == before
        livefile.mutation("counters:add", name="a")
        check_integrity(livefile._database)


# --- What can be rebuilt ---------------------------------------------------------------------


def test_every_state_can_be_rebuilt_forwards_and_backwards(stepped: Livefile) -> None:
    random = Random(7)
    listed: dict[int, bytes] = {}
    states: dict[int, Images] = {}
    for _ in range(40):
        name, amount = random.choice("abcd"), float(random.randint(1, 9))
        called(stepped, Call(path="counters:add", args={"name": name, "amount": amount}))
        now = called(stepped, Call(path="counters:list", args={}))
        listed[stepped.latest_ts] = now.json
        states[stepped.latest_ts] = stored(stepped._database)
    commits = commits_of(stepped._database)
    assert len(listed) == 40

    forwards: Images = {}
    for commit in commits:
        for write in commit.writes:
            key = (write.table_number, write.internal_id)
            assert forwards.pop(key, None) == write.before
            if write.after is not None:
                forwards[key] = write.after
        if commit.ts in states:
            assert forwards == states[commit.ts]
            assert listed_at(stepped, commit.ts) == listed[commit.ts]

    backwards = dict(forwards)
    for commit in reversed(commits):
        if commit.ts in states:
            assert backwards == states[commit.ts]
        for write in commit.writes:
            key = (write.table_number, write.internal_id)
            assert backwards.pop(key, None) == write.after
            if write.before is not None:
                backwards[key] = write.before
    assert backwards == {}


def test_a_timestamp_between_two_commits_shows_the_one_before(
    stepped: Livefile, clock: ManualClock
) -> None:
    first = called(stepped, Call(path="counters:add", args={"name": "a"}))
    clock.advance_ms(5)
    second = called(stepped, Call(path="counters:add", args={"name": "a"}))
    assert second.ts > first.ts + 1

    assert listed_at(stepped, first.ts) == listed_at(stepped, second.ts - 1) == b'{"a":1.0}'
    assert listed_at(stepped, second.ts) == b'{"a":2.0}'


def test_the_time_to_come_and_the_time_before_the_file_are_not_kept(stepped: Livefile) -> None:
    called(stepped, Call(path="counters:add", args={"name": "a"}))
    first_ts = commits_of(stepped._database)[0].ts

    assert listed_at(stepped, first_ts) == b"{}"
    for ts in (first_ts - 1, stepped.latest_ts + 1, 0):
        with pytest.raises(LogTrimmedError, match=f"timestamp {ts} is not kept"):
            listed_at(stepped, ts)


# --- What goes -------------------------------------------------------------------------------


def insert(bench: Workbench, name: str = "Ada") -> int:
    bench.clock.advance_ms(1000)
    with bench.change() as db:
        db.insert(Player(name=name))
    return bench.published_ts


def test_commits_go_when_the_log_is_too_large(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_log_module, "COMMIT_LOG_SIZE_BYTES_MAX", 2000)
    timestamps = [insert(db) for _ in range(50)]
    kept = db.commits()

    with db.database._connections.read() as connection:
        size = connection.execute("SELECT sum(length(writes) + length(call)) FROM commits").get
    assert 1000 < size <= 2000
    assert [commit.ts for commit in kept] == timestamps[-len(kept) :]


def test_commits_go_when_they_are_too_old(db: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_log_module, "COMMIT_LOG_AGE_MS_MAX", 5500)
    timestamps = [insert(db) for _ in range(20)]

    assert [commit.ts for commit in db.commits()] == timestamps[-6:]


def test_one_group_removes_a_bounded_number_of_commits(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_log_module, "COMMIT_LOG_TRIM_ROWS_MAX", 3)
    for _ in range(10):
        insert(db)
    monkeypatch.setattr(commit_log_module, "COMMIT_LOG_SIZE_BYTES_MAX", 0)
    rows_count = len(db.commits())
    insert(db)

    assert len(db.commits()) == rows_count + 1 - 3


def test_the_newest_commit_stays_in_any_case(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_log_module, "COMMIT_LOG_SIZE_BYTES_MAX", 0)
    monkeypatch.setattr(commit_log_module, "COMMIT_LOG_AGE_MS_MAX", 0)
    for _ in range(5):
        ts = insert(db, "x" * 1000)

        assert [commit.ts for commit in db.commits()] == [ts]


def test_what_was_removed_is_refused_and_what_is_left_is_right(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_log_module, "COMMIT_LOG_AGE_MS_MAX", 5500)
    timestamps = [insert(db) for _ in range(20)]

    oldest_ts = db.commits()[0].ts
    for count, ts in enumerate(timestamps, start=1):
        if ts < oldest_ts:
            with pytest.raises(LogTrimmedError):
                db.past(ts)
        else:
            past = db.past(ts)
            assert len(db.reader(past).query(Player).collect()) == count
            db.give_back(past)


def test_the_offset_goes_on_over_trims_and_restarts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_log_module, "COMMIT_LOG_SIZE_BYTES_MAX", 1000)
    offsets = []
    for restart in range(4):
        with Workbench(Player, path=tmp_path / "live.db", seed=restart) as bench:
            for _ in range(5):
                insert(bench)
                with bench.database._connections.read() as connection:
                    offsets.append(connection.execute("SELECT max(log_offset) FROM commits").get)
            check_integrity(bench.database)

    assert offsets == sorted(set(offsets))
    assert offsets[-1] > 2 * 1000  # More than is kept at one time.


def test_a_group_that_was_rolled_back_leaves_no_gap(db: Workbench) -> None:
    insert(db)
    undone = db.head()
    db.writer(undone).insert(Player(name="undone"))
    db.commit(undone)
    db.database.committer.roll_back()
    insert(db)

    check_integrity(db.database)
    assert [row["name"] for row in db.rows(Player)] == ["Ada", "Ada"]

"""Migrations: from documents that a new schema refuses to documents that it accepts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from livefile import App, AppError, FunctionError, Livefile, MigrationProgress
from livefile.model.interval import EVERYTHING
from livefile.sqlite import migrations
from tests.app_folder import write_app
from tests.integrity import check_integrity
from tests.ticking_clock import TickingClock
from tests.tidy_source import ROOT

BEFORE = """
    from livefile import *

    class Message(Table, name="messages"):
        body: str
        stars: str = "0"
        by_body = index("body")

    @mutation
    def send(ctx: MutationCtx, body: str, stars: str = "0") -> str:
        return ctx.db.insert(Message(body=body, stars=stars))
"""
# A field is renamed, and another one changes its type.
AFTER = """
    from typing import Any
    from livefile import *

    class Message(Table, name="messages"):
        text: str
        stars: int
        by_text = index("text")

    @migration(Message)
    def to_text(ctx: MigrationCtx, document: dict[str, Any]) -> dict[str, Any] | None:
        if "text" in document:
            return None
        document["text"] = document.pop("body")
        document["stars"] = int(document["stars"])
        return document

    @migration("messages")
    def too_little(ctx: MigrationCtx, document: dict[str, Any]) -> dict[str, Any] | None:
        return {"text": document["body"]}

    @migration("nothing")
    def nothing(ctx: MigrationCtx, document: dict[str, Any]) -> dict[str, Any] | None:
        return None

    @query
    def texts(ctx: QueryCtx) -> list[str]:
        return [f"{m.text} {m.stars}" for m in ctx.db.query(Message.by_text)]
"""
# A migration that shows how often it was given a document; it also writes to another table.
COUNTING = """
    from typing import Any
    from livefile import *

    class Tally(Table, name="tallies"):
        count: int

    @migration("messages")
    def count(ctx: MigrationCtx, document: dict[str, Any]) -> dict[str, Any] | None:
        ctx.db.insert(Tally(count=1))
        return {**document, "body": document["body"] + "!"}
"""
COUNT = 20


class Chat:
    """A file with messages of the old form; it is opened without an app."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "chat.db"
        self.before = App.load(write_app(folder, {"chat": BEFORE}))
        self.after = App.load(write_app(folder, {"chat": AFTER}))
        with self.open(self.before) as livefile:
            for number in range(COUNT):
                livefile.mutation("chat:send", body=f"{number:02}", stars=str(number))
        self.progress: list[MigrationProgress] = []

    def open(self, app: App | None = None) -> Livefile:
        return Livefile.open(self.path, app, clock=TickingClock(), seed=1, has_threads=False)

    def migrate(self, name: str, **options: bool) -> MigrationProgress:
        """Run a migration on the closed file."""
        with self.open() as livefile:
            try:
                return livefile.migrate(self.after, f"chat:{name}", self.progress.append, **options)
            finally:
                check_integrity(livefile._database)

    def rows(self) -> list[dict[str, Any]]:
        """Return the stored messages, oldest first, without their ids."""
        with self.open() as livefile, livefile._database.past(livefile.latest_ts, 0) as transaction:
            table = transaction.table("messages")
            assert table is not None
            everything = transaction.scan(table, table.indexes["by_creation_time"], EVERYTHING)
            return [{n: item for n, item in row.items() if n[0] != "_"} for row in everything]


@pytest.fixture
def chat(tmp_path: Path) -> Chat:
    return Chat(tmp_path)


NEW = [f"{number:02} {number}" for number in range(COUNT)]


def test_a_migration_lets_the_new_schema_in(chat: Chat) -> None:
    with pytest.raises(AppError, match='table "messages"'):
        chat.open(chat.after)
    done = chat.migrate("to_text")

    assert (done.seen, done.changed, done.count) == (COUNT, COUNT, COUNT)
    assert done.is_finished
    assert len(chat.progress) > 3
    with chat.open(chat.after) as livefile:
        assert livefile.query("chat:texts") == NEW
        check_integrity(livefile._database)


def test_a_dry_run_writes_nothing_and_tells_the_first_failure(chat: Chat) -> None:
    before = chat.rows()
    done = chat.migrate("to_text", is_dry_run=True)
    assert (done.seen, done.changed) == (COUNT, COUNT)
    with pytest.raises(FunctionError, match="stopped at document"):
        chat.migrate("too_little", is_dry_run=True)

    assert chat.rows() == before
    with chat.open(chat.before) as livefile:
        livefile.mutation("chat:send", body="old")


def test_what_a_migration_returns_must_match_the_new_schema(chat: Chat) -> None:
    before = chat.rows()
    with pytest.raises(FunctionError) as raised:
        chat.migrate("too_little")

    assert 'table "messages"' in str(raised.value)
    assert "missing the required field `stars`" in str(raised.value)
    assert chat.rows() == before


def test_a_failure_keeps_what_came_before_and_the_next_run_goes_on_there(chat: Chat) -> None:
    with chat.open(chat.before) as livefile:
        bad = livefile.mutation("chat:send", body="bad", stars="many")
    with pytest.raises(FunctionError) as raised:
        chat.migrate("to_text")
    done_before = sum("text" in row for row in chat.rows())
    assert f"document {bad}" in str(raised.value)
    assert "ValueError" in str(raised.value)
    assert 0 <= done_before < COUNT + 1
    mended = AFTER.replace('int(document["stars"])', 'int(document["stars"].strip("many") or 0)')
    chat.after = App.load(write_app(chat.folder, {"chat": mended}))
    done = chat.migrate("to_text")

    assert (done.seen, done.changed) == (COUNT + 1, COUNT + 1)
    with chat.open(chat.after) as livefile:
        assert livefile.query("chat:texts") == [*NEW, "bad 0"]


def test_a_finished_migration_runs_again_only_when_told_to(chat: Chat) -> None:
    chat.migrate("to_text")
    again = chat.migrate("to_text")
    assert (again.has_run_before, again.seen) == (True, COUNT)
    once_more = chat.migrate("to_text", is_again=True)

    assert not once_more.has_run_before
    assert (once_more.seen, once_more.changed) == (COUNT, 0)


def test_half_migrated_documents_are_refused_by_both_schemas(chat: Chat) -> None:
    with chat.open(chat.before) as livefile:
        livefile.mutation("chat:send", body="bad", stars="many")
    with pytest.raises(FunctionError):
        chat.migrate("to_text")

    with pytest.raises(AppError):
        chat.open(chat.after)
    if any("text" in row for row in chat.rows()):
        with pytest.raises(AppError):
            chat.open(chat.before)


def test_a_migration_of_what_is_not_there_says_so(chat: Chat) -> None:
    with pytest.raises(AppError, match="no migration chat:missing; it has chat:nothing, chat:to"):
        chat.migrate("missing")
    with pytest.raises(AppError, match='no table "nothing"'):
        chat.migrate("nothing")


# Counts each message once in another table, and dies at a look at the clock.
MIGRATOR = """
import os, signal, sys
from livefile import App, Livefile
from tests.ticking_clock import TickingClock

class LethalClock(TickingClock):
    looks = 0
    def now_ns(self):
        self.looks += 1
        if self.looks == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().now_ns()

path, app = sys.argv[1:3]
clock = LethalClock()
livefile = Livefile.open(path, clock=clock, has_threads=False)
livefile.migrate(App.load(app), "chat:count")
livefile.close()
print(clock.looks)
"""


def test_a_killed_migration_goes_on_exactly_where_it_stopped(chat: Chat) -> None:
    sources = os.pathsep.join(str(ROOT / folder) for folder in ("engine", "server", "."))

    def migrate(look: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", MIGRATOR, str(chat.path), str(app), str(look)],
            env={**os.environ, "PYTHONPATH": sources},
            capture_output=True,
            text=True,
            check=False,
        )

    app = write_app(chat.folder, {"chat": COUNTING})
    kills = 0
    while (finished := migrate(15 + kills)).returncode:
        assert finished.returncode == -9, finished.stderr
        kills += 1
        assert kills < 30

    assert kills > 2
    assert [row["body"] for row in chat.rows()] == [f"{number:02}!" for number in range(COUNT)]
    with chat.open() as livefile, livefile._database.snapshot() as snapshot:
        assert snapshot.count(snapshot.catalog.tables["tallies"].number) == COUNT
        row = migrations.find(snapshot._connection, "chat:count")
        assert row is not None
        assert (row.documents_seen, row.documents_changed) == (COUNT, COUNT)

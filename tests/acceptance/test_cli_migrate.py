"""``livefile migrate`` as a real process: a schema that is refused, a migration, and the deploy."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.acceptance.cli_process import livefile

BEFORE = """
    from livefile import MutationCtx, Table, mutation

    class Message(Table, name="messages"):
        body: str

    @mutation
    def send(ctx: MutationCtx, body: str) -> str:
        return ctx.db.insert(Message(body=body))
"""
AFTER = """
    from typing import Any
    from livefile import MigrationCtx, QueryCtx, Table, migration, query

    class Message(Table, name="messages"):
        text: str

    @migration(Message)
    def rename_body(ctx: MigrationCtx, document: dict[str, Any]) -> dict[str, Any]:
        print("renaming", document["body"])
        return {"text": document["body"]}

    @query(name="list")
    def list_messages(ctx: QueryCtx) -> list[str]:
        return [message.text for message in ctx.db.query(Message)]
"""
HERE = ("--db", "chat.db")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project whose file has two messages of the old form, and whose code is new."""
    package = tmp_path / "chat"
    package.mkdir()
    source = package / "messages.py"
    source.write_text(dedent(BEFORE))
    for body in ("hi", "there"):
        sent = livefile(
            "run", "messages:send", json.dumps({"body": body}), *HERE, "--app", ".", folder=tmp_path
        )
        assert sent.returncode == 0, sent.stderr
    source.write_text(dedent(AFTER))
    return tmp_path


def test_a_migration_makes_way_for_a_schema_that_was_refused(folder: Path) -> None:
    listing = ("run", "messages:list", *HERE, "--app", ".")
    refused = livefile(*listing, folder=folder)
    assert refused.returncode == 1
    assert 'table "messages" does not match the schema' in refused.stderr
    migrated = livefile("migrate", ".", "messages:rename_body", *HERE, folder=folder)
    assert migrated.returncode == 0, migrated.stderr
    assert migrated.stdout == "messages:rename_body: 2 documents looked at, 2 changed.\n"
    assert "[LOG] renaming hi" in migrated.stderr

    assert json.loads(livefile(*listing, folder=folder).stdout) == ["hi", "there"]


def test_a_dry_run_changes_nothing_and_a_finished_run_is_not_repeated(folder: Path) -> None:
    command = ("migrate", ".", "messages:rename_body", *HERE)
    tried = livefile(*command, "--dry-run", folder=folder)
    assert tried.stdout == "messages:rename_body: 2 documents looked at, 2 would change.\n"
    assert livefile(*command, folder=folder).returncode == 0
    again = livefile(*command, folder=folder)

    assert again.returncode == 0
    assert "finished already; --again" in again.stderr


def test_what_cannot_be_migrated_is_named(folder: Path) -> None:
    unknown = livefile("migrate", ".", "messages:missing", *HERE, folder=folder)
    assert unknown.returncode == 1
    assert "no migration messages:missing; it has messages:rename_body" in unknown.stderr
    nowhere = livefile("migrate", ".", "messages:rename_body", "--db", "no.db", folder=folder)

    assert nowhere.returncode == 2
    assert "no file no.db" in nowhere.stderr
    assert not (folder / "no.db").exists()

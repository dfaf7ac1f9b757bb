"""Pushed code as data, and where a file keeps it."""

import hashlib
from dataclasses import replace

import pytest

from livefile import FunctionKind
from livefile.javascript.pushed_code import EMPTY, Component, PushedCode, load, module_hashes
from livefile.javascript.stored_code import read_code, write_code
from livefile.transaction.database import Database
from livefile.vocabulary.errors import FileError
from tests.pushed import code, definition, module, spec, table
from tests.workbench import Workbench

CHAT = module("chat.js", "export const a = 'ü';", '{"version":3}')
HELPER = module("helper.js", "export const b = 2;")
LIMITER = module("lib.js", "export const c = 3;")
LIB = "../node_modules/limiter"
WHOLE = code(
    replace(
        definition(
            {"chat.js": [spec("send"), spec("list", FunctionKind.QUERY, is_internal=True)]},
            modules=[CHAT, HELPER],
            crons={"tidy": {"name": "chat:send", "args": [{"n": {"$integer": "AA=="}}]}},
            tables=[table("messages", body="string")],
        ),
        routes=(("/hook", "POST"), ("/files/*", "GET")),
    ),
    definition({"lib.js": [spec("check")]}, path=LIB, modules=[LIMITER]),
    root=Component(
        path="",
        definition="",
        children={
            "limiter": Component(
                path="limiter",
                definition=LIB,
                children={"inner": Component(path="limiter/inner", definition=LIB)},
                env={"KEY": {"type": "value", "value": "3"}},
            )
        },
    ),
    auth=({"domain": "https://a.example", "applicationID": "a"},),
    node_dependencies={"left-pad": "1.0.0"},
    node_version="22",
    server_version="1.48.0",
    import_seed="00ff",
    import_time_ms=1.5,
)


def sources(of: PushedCode) -> dict[str, tuple[str, str | None]]:
    return {it.hash: (it.source, it.source_map) for it in of.modules.values()}


@pytest.mark.parametrize("whole", [WHOLE, EMPTY], ids=["whole", "empty"])
def test_code_is_read_back_from_its_manifest_and_sources(whole: PushedCode) -> None:
    assert load(whole.dump(), sources(whole)) == whole


def test_a_manifest_names_its_modules_and_does_not_hold_them() -> None:
    assert module_hashes(WHOLE.dump()) == {CHAT.hash, HELPER.hash, LIMITER.hash}
    assert b"export" not in WHOLE.dump()


def test_the_hash_of_a_module_is_that_of_the_source_and_then_its_map() -> None:
    text = CHAT.source + (CHAT.source_map or "")

    assert CHAT.hash == hashlib.sha256(text.encode()).hexdigest()
    assert HELPER.hash == hashlib.sha256(HELPER.source.encode()).hexdigest()


def test_hashes_change_with_the_code() -> None:
    other = definition(modules=[replace(CHAT, source="other"), HELPER])

    assert definition(modules=[CHAT, HELPER]).code_id == definition(modules=[HELPER, CHAT]).code_id
    assert definition(modules=[CHAT, HELPER]).code_id != other.code_id
    assert len({WHOLE.hash, EMPTY.hash, code(other).hash}) == 3


def test_components_are_found_by_their_paths_parents_first() -> None:
    assert list(WHOLE.components) == ["", "limiter", "limiter/inner"]
    assert WHOLE.definition_of(WHOLE.components["limiter/inner"]).path == LIB


def test_functions_and_tables_are_named_after_their_component() -> None:
    inner = WHOLE.components["limiter/inner"]

    assert inner.table_prefix == "limiter/inner/"
    assert inner.function_path("lib/a.js", "check") == "limiter/inner|lib/a:check"
    assert WHOLE.root.table_prefix == ""
    assert WHOLE.root.function_path("chat.js", "send") == "chat:send"


# --- In a file ------------------------------------------------------------------------------


def stored_hashes(database: Database) -> set[str]:
    with database._connections.read() as connection:
        return {found for (found,) in connection.execute("SELECT hash FROM modules")}


def test_a_file_without_a_push_has_no_code() -> None:
    with Workbench() as bench:
        assert read_code(bench.database) is EMPTY


def test_a_file_keeps_the_code_of_the_last_push_and_no_other() -> None:
    with Workbench() as bench:
        write_code(bench.database.committer, WHOLE)
        bench.settle()
        assert read_code(bench.database) == WHOLE

        newer = code(definition(modules=[CHAT]))
        write_code(bench.database.committer, newer)
        bench.settle()

        assert read_code(bench.database) == newer
        assert stored_hashes(bench.database) == {CHAT.hash}


def test_code_that_was_not_committed_was_never_there() -> None:
    with Workbench() as bench:
        write_code(bench.database.committer, WHOLE)
        bench.settle()
        write_code(bench.database.committer, code(definition(modules=[CHAT])))
        bench.database.committer.roll_back()

        assert read_code(bench.database) == WHOLE
        assert stored_hashes(bench.database) == {CHAT.hash, HELPER.hash, LIMITER.hash}


def test_a_module_that_somebody_removed_is_an_error_of_the_file() -> None:
    with Workbench() as bench:
        write_code(bench.database.committer, WHOLE)
        bench.database.committer.work(
            lambda connection, _: connection.execute(
                "DELETE FROM modules WHERE hash = ?", (CHAT.hash,)
            )
        )
        bench.settle()

        with pytest.raises(FileError, match="1 modules of the pushed code are missing"):
            read_code(bench.database)

"""Pushed code and Python code as one app: what it has, and that either part is replaced alone."""

from pathlib import Path
from typing import Any

import pytest

from livefile import (
    ADMIN,
    ANONYMOUS,
    App,
    AppError,
    Call,
    Failure,
    FunctionKind,
    FunctionNotFoundError,
    Identity,
    Int64,
    Livefile,
    Success,
)
from livefile.functions.auth_config import CustomJwtProvider, OidcProvider
from livefile.javascript.pushed_app import joined, pushed_part, python_part
from livefile.javascript.pushed_code import (
    Component,
    PushedCode,
)
from livefile.javascript.pushed_function import PushedFunction
from livefile.javascript.runtime import JavaScript
from tests.app_folder import write_app
from tests.integrity import check_integrity
from tests.pushed import code, definition, module, push, spec, table, wait_for_host

NOTES = """
    from livefile import *

    class Note(Table, name="notes"):
        text: str
        by_text = index("text")

    @query
    def edition(ctx: QueryCtx) -> int:
        return 1

    @mutation
    def remember(ctx: MutationCtx, text: str) -> Id[Note]:
        return ctx.db.insert(Note(text=text))
"""
# Makes functions and starts no host: that is done at the first call.
MAKE_FUNCTION = JavaScript().make_function
QUERY, MUTATION = FunctionKind.QUERY, FunctionKind.MUTATION
NUMBERS = '{"type":"object","value":{"count":{"fieldType":{"type":"bigint"},"optional":false}}}'
CHAT = {"chat.js": [spec("list", QUERY), spec("send"), spec("tidy", is_internal=True)]}
LIMITER = "../limiter"


def mounted(*tables: Any, crons: Any = None) -> PushedCode:
    """An app with a component in a component, both of one definition."""
    inner = Component(path="limiter/inner", definition=LIMITER)
    limiter = Component(path="limiter", definition=LIMITER, children={"inner": inner})
    return code(
        definition(CHAT, tables=[table("messages", body="string")]),
        definition({"lib.js": [spec("check")]}, path=LIMITER, tables=tables, crons=crons),
        root=Component(path="", definition="", children={"limiter": limiter}),
    )


def joined_empty(pushed: PushedCode) -> App:
    return joined(App.empty(), pushed, MAKE_FUNCTION)


def load(folder: Path, source: str = NOTES) -> App:
    return App.load(write_app(folder, {"notes": source}))


# --- One registry ---------------------------------------------------------------------------


def test_both_parts_are_in_one_registry(tmp_path: Path) -> None:
    python = load(tmp_path)
    app = joined(python, mounted(table("buckets", key="string")), MAKE_FUNCTION)

    assert app.functions.keys() == python.functions.keys() | {
        "chat:list",
        "chat:send",
        "chat:tidy",
        "limiter|lib:check",
        "limiter/inner|lib:check",
    }
    assert list(app.schema.tables) == [
        "limiter/buckets",
        "limiter/inner/buckets",
        "messages",
        "notes",
    ]
    assert app.source_files == python.source_files
    assert app.code_hash != python.code_hash
    assert {it.path for it in app.describe().functions} == app.functions.keys()


def test_the_parts_are_taken_apart_again(tmp_path: Path) -> None:
    python, pushed = load(tmp_path), mounted()
    app = joined(python, pushed, MAKE_FUNCTION)

    assert python_part(app) is python
    assert pushed_part(app) is pushed
    assert pushed_part(python).is_empty
    assert joined(app, code(), MAKE_FUNCTION) is python
    assert app.reload().functions.keys() == python.functions.keys()


def test_internal_and_component_functions_are_for_functions_and_admins_only() -> None:
    app = joined_empty(mounted())

    assert app.find("chat:send", is_internal_allowed=False).kind is MUTATION
    for path in ("chat:tidy", "limiter|lib:check", "limiter/inner|lib:check"):
        assert app.find(path, is_internal_allowed=True).kind is MUTATION
        with pytest.raises(FunctionNotFoundError, match="Could not find public function"):
            app.find(path, is_internal_allowed=False)


def test_a_function_is_found_by_an_older_one() -> None:
    before, after = joined_empty(mounted()), joined_empty(mounted())

    assert after.path_of(before.functions["limiter|lib:check"]) == "limiter|lib:check"
    with pytest.raises(FunctionNotFoundError, match="chat:send is no function of app"):
        joined_empty(code(definition())).path_of(before.functions["chat:send"])


def test_system_functions_stay_with_a_joined_app() -> None:
    app = joined_empty(mounted())
    own = app.functions["chat:list"]
    with_own = app.with_system_functions({"_system/cli/own:default": own})

    assert with_own.find("_system/cli/own:default", is_internal_allowed=True) is own
    assert pushed_part(with_own) is pushed_part(app)
    with pytest.raises(FunctionNotFoundError):
        with_own.find("_system/cli/own:default", is_internal_allowed=False)


@pytest.mark.parametrize(
    ("pushed", "wanted"),
    [
        (code(definition({"notes.js": [spec("edition")]})), "the function notes:edition is in"),
        (code(definition(tables=[table("notes", text="string")])), "the table notes is in"),
    ],
)
def test_one_name_in_both_parts_is_refused(tmp_path: Path, pushed: PushedCode, wanted: str) -> None:
    with pytest.raises(AppError, match=wanted):
        joined(load(tmp_path), pushed, MAKE_FUNCTION)


def test_a_schema_that_cannot_be_names_the_component() -> None:
    with pytest.raises(AppError, match=r"schema of component limiter: .*_b is a reserved"):
        joined_empty(mounted(table("_b", key="string")))


# --- Cron jobs and providers ----------------------------------------------------------------


def cron(name: str = "chat:send", **schedule: object) -> dict[str, object]:
    return {"name": name, "args": [{"count": {"$integer": "AwAAAAAAAAA="}}], "schedule": schedule}


def test_cron_jobs_call_the_functions_of_their_component(tmp_path: Path) -> None:
    pushed = mounted(crons={"sweep": cron("lib:check", type="interval", seconds=30)})
    crons = joined_empty(pushed).crons

    assert crons.keys() == {"limiter/sweep", "limiter/inner/sweep"}
    job = crons["limiter/inner/sweep"]
    assert isinstance(job.function, PushedFunction)
    assert job.function.path == "limiter/inner|lib:check"
    assert job.args == {"count": Int64(3)}
    assert job.schedule == {"type": "interval", "seconds": 30.0}


def test_a_cron_job_without_a_minute_has_one_of_its_own_that_stays() -> None:
    jobs = {f"job {number}": cron(type="daily", hourUTC=3) for number in range(40)}
    minutes = [
        [job.schedule["minuteUTC"] for job in joined_empty(pushed).crons.values()]
        for pushed in (code(definition(CHAT, crons=jobs)), code(definition(CHAT, crons=jobs)))
    ]

    assert minutes[0] == minutes[1]
    assert len(set(minutes[0])) > 1
    assert all(minute in range(60) for minute in minutes[0])


def test_a_cron_job_of_no_function_is_refused() -> None:
    with pytest.raises(AppError, match="'tick' of the pushed code calls chat:gone, which is no"):
        joined_empty(code(definition(CHAT, crons={"tick": cron("chat:gone", type="hourly")})))


def test_cron_jobs_are_in_the_file_after_a_push() -> None:
    with Livefile.open(":memory:", has_scheduler=False) as livefile:
        push(livefile, code(definition(CHAT, crons={"tick": cron(type="interval", hours=1)})))

        with livefile._database.snapshot() as snapshot:
            number = livefile._database.catalog.tables["_cron_jobs"].number
            assert snapshot.count(number) == 1


def test_providers_of_both_parts_are_asked_the_python_ones_first(tmp_path: Path) -> None:
    source = """
        from livefile import *
        config = AuthConfig(OidcProvider(domain="a.example", application_id="a"))
    """
    pushed = code(
        definition(),
        auth=(
            {"domain": "https://b.example", "applicationID": "b"},
            {
                "type": "customJwt",
                "applicationID": None,
                "issuer": "https://c.example",
                "jwks": "https://c.example/keys",
                "algorithm": "ES256",
            },
        ),
    )
    app = joined(load(tmp_path, source), pushed, MAKE_FUNCTION)

    first, second, third = app.auth_config.providers
    assert isinstance(first, OidcProvider)
    assert isinstance(second, OidcProvider)
    assert isinstance(third, CustomJwtProvider)
    assert [first.issuer, second.issuer, third.issuer] == [
        "https://a.example",
        "https://b.example",
        "https://c.example",
    ]


def test_a_provider_that_cannot_be_is_refused() -> None:
    with pytest.raises(AppError, match=r"auth\.config: domain must be an address"):
        joined_empty(code(definition(), auth=({"domain": "a b", "applicationID": "a"},)))


# --- In a deployment ------------------------------------------------------------------------


def test_a_push_keeps_python_and_a_reload_keeps_the_push(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES})
    with Livefile.open(tmp_path / "a.db", App.load(folder)) as livefile:
        watch = livefile.watch("notes:edition")
        assert next(watch) == 1
        push(livefile, mounted())
        assert livefile.query("notes:edition") == 1

        (folder / "notes.py").write_text((folder / "notes.py").read_text().replace("n 1", "n 2"))
        livefile.deploy(livefile.app.reload())
        assert next(watch) == 2
        assert "chat:send" in livefile.app.functions
        assert livefile._database.catalog.tables.keys() > {"notes", "messages"}

        push(livefile, code(definition({"chat.js": [spec("only")]})))
        assert "chat:send" not in livefile.app.functions
        assert livefile.query("notes:edition") == 2
        check_integrity(livefile._database)


@pytest.mark.parametrize("has_app", [True, False], ids=["with Python", "without"])
def test_a_file_is_opened_with_what_was_pushed_to_it(tmp_path: Path, has_app: bool) -> None:
    app = load(tmp_path) if has_app else None
    with Livefile.open(tmp_path / "a.db", app) as livefile:
        push(livefile, mounted(table("buckets", key="string")))
        tables = dict(livefile._database.catalog.tables)

    with Livefile.open(tmp_path / "a.db", app) as livefile:
        assert "limiter/inner|lib:check" in livefile.app.functions
        assert ("notes:edition" in livefile.app.functions) is has_app
        assert livefile._database.catalog.tables == tables


def test_a_file_is_looked_at_without_the_python_part_and_keeps_its_indexes(tmp_path: Path) -> None:
    with Livefile.open(tmp_path / "a.db", load(tmp_path)) as livefile:
        push(livefile, mounted())
    with Livefile.open(tmp_path / "a.db") as livefile:
        assert "by_text" in livefile._database.catalog.tables["notes"].indexes


def test_a_push_with_a_name_of_the_python_part_changes_nothing(tmp_path: Path) -> None:
    with Livefile.open(":memory:", load(tmp_path)) as livefile:
        with pytest.raises(AppError, match="rename one of the two"):
            push(livefile, code(definition(tables=[table("notes", text="string")])))

        assert livefile.query("notes:edition") == 1
        assert pushed_part(livefile.app).is_empty


def test_clients_do_not_reach_component_functions() -> None:
    with Livefile.open(":memory:") as livefile:
        limiter = Component(path="limiter", definition=LIMITER)
        source = "export { check };\n"
        source = 'var check = { isMutation: true, invokeMutation: async () => "3" };\n' + source
        lib = definition(
            {"lib.js": [spec("check")]}, path=LIMITER, modules=[module("lib.js", source)]
        )
        root = Component(path="", definition="", children={"limiter": limiter})
        push(livefile, code(definition(), lib, root=root))
        wait_for_host(livefile)

        def outcome(identity: Identity) -> Success | Failure:
            call = Call(path="limiter|lib:check", args={}, identity=identity)
            found: Success | Failure = livefile._driver.wait_for(
                lambda done: livefile.submit(call, MUTATION, done)
            )
            return found

        refused, reached = outcome(ANONYMOUS), outcome(ADMIN)
        assert isinstance(refused, Failure)
        assert isinstance(refused.error, FunctionNotFoundError)
        assert isinstance(reached, Success)
        assert reached.json == b"3.0"

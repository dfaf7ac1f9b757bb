"""Pushes to an open deployment: what they change, when, and what may come in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import App, Livefile, ManualClock
from livefile.vocabulary.errors import PushConflictError, PushError
from livefile.vocabulary.limits import PUSH_IDLE_MS_MAX, PUSHES_UNDER_WAY_MAX
from tests.app_folder import write_app
from tests.engine.pushed_project import exported, prepared, push, pushed, query, table
from tests.integrity import check_integrity

PYTHON = """
    from livefile import *

    @mutation
    def add(ctx: MutationCtx, name: str) -> str:
        return ctx.db.table("items").insert({"name": name})

    @query
    def version(ctx: QueryCtx) -> int:
        return 1
"""
NAMED = table("items", {"by_name": ["name"]}, name="string")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App.load(write_app(tmp_path, {"notes": PYTHON}))


@pytest.fixture
def livefile(tmp_path: Path, app: App, clock: ManualClock) -> Iterator[Livefile]:
    path = tmp_path / "live.db"
    with Livefile.open(path, app, clock=clock) as opened:
        yield opened
    with Livefile.open(path, app) as again:
        check_integrity(again._database)


def functions(livefile: Livefile) -> set[str]:
    return set(livefile.app.functions)


def test_a_push_changes_nothing_before_its_end(livefile: Livefile) -> None:
    before = functions(livefile)

    started, state = prepared(livefile, push({"items.js": query("list")}, NAMED))
    assert state == {"type": "complete"}
    assert functions(livefile) == before
    assert "items" not in livefile._database.catalog.tables

    livefile.pushes.finish(started, is_dry_run=False)
    assert functions(livefile) == {*before, "items:list"}
    assert "by_name" in livefile._database.catalog.tables["items"].indexes


def test_the_answers_say_what_was_found_and_what_changed(livefile: Livefile) -> None:
    started, _ = prepared(livefile, push({"items.js": query("list")}, NAMED))
    finished = livefile.pushes.finish(started, is_dry_run=False)

    (found,) = started["analysis"][""]["functions"]["items.js"]["functions"]
    assert (found["name"], found["udfType"]) == ("list", "Query")
    assert started["app"]["componentPath"] == ""
    index = {"name": "items.by_name", "type": "database", "fields": ["name"]}
    assert started["schemaChange"]["indexDiffs"][""]["added_indexes"] == [index]
    diff = finished["componentDiffs"][""]
    assert diff["moduleDiff"] == {"added": ["items.js"], "removed": []}
    assert diff["indexDiff"]["added_indexes"] == [index]


def test_only_the_hashes_of_modules_that_stay_are_needed(livefile: Livefile) -> None:
    pushed(livefile, push({"items.js": query("list"), "old.js": query("gone")}))
    hashes = {it["path"]: it for it in livefile.pushes.config_hashes()["moduleHashes"]}
    body = push({"new.js": query("here")})
    kept = hashes["items.js"]
    body["appDefinition"]["unchangedModuleHashes"] = [
        {"path": "items.js", "environment": kept["environment"], "sha256": kept["hash"]}
    ]

    pushed(livefile, body)

    assert functions(livefile) == {"notes:add", "notes:version", "items:list", "new:here"}


def test_what_was_pushed_is_there_when_the_file_is_opened_again(tmp_path: Path, app: App) -> None:
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        pushed(livefile, push({"items.js": query("list")}, NAMED))
        hashes = livefile.pushes.config_hashes()

    with Livefile.open(tmp_path / "live.db", app) as livefile:
        assert "items:list" in functions(livefile)
        assert livefile.pushes.config_hashes() == hashes


def test_a_document_that_does_not_match_fails_the_push(livefile: Livefile) -> None:
    livefile.mutation("notes:add", name="one")

    started, state = prepared(
        livefile, push({"items.js": query("list")}, table("items", size="number"))
    )

    assert (state["type"], state["componentPath"], state["tableName"]) == ("failed", "", "items")
    assert 'of table "items" does not match the schema' in state["error"]
    with pytest.raises(PushError, match="before wait_for_schema said complete"):
        livefile.pushes.finish(started, is_dry_run=False)
    assert "items:list" not in functions(livefile)


def test_a_document_that_comes_after_the_check_fails_the_push(livefile: Livefile) -> None:
    livefile.mutation("notes:add", name="one")
    longer = table("items", name={"type": "union", "value": [{"type": "literal", "value": "one"}]})
    started, state = prepared(livefile, push({"items.js": query("list")}, longer))
    livefile.mutation("notes:add", name="two")

    with pytest.raises(PushError, match="does not match the schema") as caught:
        livefile.pushes.finish(started, is_dry_run=False)

    assert (state["type"], caught.value.code) == ("complete", "InvalidSchema")
    assert "items:list" not in functions(livefile)
    livefile.mutation("notes:add", name="three")


def test_of_two_pushes_the_later_one_wins(livefile: Livefile) -> None:
    livefile.mutation("notes:add", name="one")
    first, _ = prepared(livefile, push({"first.js": query("list")}, NAMED))
    second, _ = prepared(livefile, push({"second.js": query("list")}, NAMED))

    with pytest.raises(PushConflictError, match="has come in between"):
        livefile.pushes.finish(first, is_dry_run=False)
    livefile.pushes.finish(second, is_dry_run=False)

    assert "second:list" in functions(livefile)
    assert livefile.pushes.prepare(first["schemaChange"]) is None


def test_a_push_that_was_begun_before_another_ended_is_overtaken(livefile: Livefile) -> None:
    older = livefile.pushes.start(push({"older.js": query("list")}))
    pushed(livefile, push({"newer.js": query("list")}))

    assert livefile.pushes.prepare(older["schemaChange"]) is None
    with pytest.raises(PushConflictError):
        livefile.pushes.finish(older, is_dry_run=False)


def test_a_variable_that_changes_during_a_push_ends_it(livefile: Livefile) -> None:
    livefile.mutation("notes:add", name="one")
    started, _ = prepared(livefile, push({"items.js": query("list")}, NAMED))
    livefile.change_environment({"MODE": "other"})

    with pytest.raises(PushConflictError, match="environment variables have changed"):
        livefile.pushes.finish(started, is_dry_run=False)

    assert "items:list" not in functions(livefile)
    assert not livefile._database.catalog.tables["items"].building


def test_providers_may_be_at_the_addresses_of_the_deployment(livefile: Livefile) -> None:
    livefile.origins.site = "https://site.example"
    config = "{ providers: [{ domain: process.env.CONVEX_SITE_URL, applicationID: 'app' }] }"

    started = livefile.pushes.start(
        push({"auth.config.js": f"const it = {config};\nexport {{ it as default }};\n"})
    )

    assert started["appAuth"] == [{"domain": "https://site.example", "applicationID": "app"}]
    assert started["environmentVariables"] == {}


def test_variables_that_the_app_requires_must_be_set(livefile: Livefile) -> None:
    variable = {"type": "value", "value": '{"type":"string"}'}
    definition = {
        "definitionType": {"type": "app"},
        "childComponents": [],
        "httpMounts": {},
        "exports": {"type": "branch", "branch": []},
        "envVars": [["KEY", variable], ["OTHER", {**variable, "optional": True}]],
    }
    body = push({"items.js": query("list")}, definition=definition)
    started, _ = prepared(livefile, body)

    with pytest.raises(PushError, match=r"are not set: KEY\.") as caught:
        livefile.pushes.finish(started, is_dry_run=False)

    assert caught.value.code == "MissingEnvironmentVariables"
    livefile.change_environment({"KEY": "k"})
    pushed(livefile, body)


def test_a_push_that_nobody_asks_about_is_given_up(livefile: Livefile, clock: ManualClock) -> None:
    livefile.mutation("notes:add", name="one")
    started, _ = prepared(livefile, push({"items.js": query("list")}, NAMED))
    assert livefile._database.catalog.tables["items"].building

    clock.advance_ms(PUSH_IDLE_MS_MAX)
    livefile.mutation("notes:add", name="two")  # The engine takes a step, and looks what is due.
    livefile.mutation("notes:add", name="three")

    assert not livefile._database.catalog.tables["items"].building
    assert livefile.pushes.prepare(started["schemaChange"]) is None


def test_only_some_pushes_are_remembered(livefile: Livefile) -> None:
    body = push({"items.js": query("list")})
    started = [livefile.pushes.start(body) for _ in range(PUSHES_UNDER_WAY_MAX + 1)]

    assert livefile.pushes.prepare(started[0]["schemaChange"]) is None
    assert livefile.pushes.prepare(started[1]["schemaChange"]) is not None


def test_a_push_that_is_given_up_before_its_turn_leaves_nothing(livefile: Livefile) -> None:
    livefile.mutation("notes:add", name="one")
    started = livefile.pushes.start(push({"items.js": query("list")}, NAMED))
    waiting = livefile.pushes._find(started["schemaChange"])
    assert waiting is not None
    for _ in range(PUSHES_UNDER_WAY_MAX):
        livefile.pushes.start(push({"items.js": query("list")}))

    with pytest.raises(PushConflictError, match="given up"):
        livefile.pushes._prepare(waiting)  # As a thread does once it has time for it.
    assert not livefile._database.catalog.tables["items"].building


def test_a_dry_run_tells_what_would_be_and_changes_nothing(livefile: Livefile) -> None:
    livefile.mutation("notes:add", name="one")
    before_ts = livefile.latest_ts

    fine, state = prepared(livefile, push({"items.js": query("list")}, NAMED, is_dry_run=True))
    _, failed = prepared(livefile, push({}, table("items", size="number"), is_dry_run=True))
    finished = livefile.pushes.finish(fine, is_dry_run=True)

    assert (state["type"], failed["type"]) == ("complete", "failed")
    assert finished["componentDiffs"][""]["moduleDiff"]["added"] == ["items.js"]
    assert "items:list" not in functions(livefile)
    assert livefile.latest_ts == before_ts


def test_a_name_that_python_has_is_refused(livefile: Livefile) -> None:
    with pytest.raises(PushError, match="notes:version is in the Python app") as caught:
        livefile.pushes.start(push({"notes.js": query("version")}))

    assert caught.value.code == "InvalidModules"


def test_new_code_in_python_ends_a_prepared_push_and_keeps_an_older_one(
    livefile: Livefile, app: App
) -> None:
    pushed(livefile, push({"items.js": query("list")}))
    started, _ = prepared(livefile, push({"items.js": query("other")}))
    write_app(app.path.parent, {"notes": PYTHON.replace("return 1", "return 2")}, app.name)

    livefile.deploy(livefile.app.reload())

    with pytest.raises(PushConflictError):
        livefile.pushes.finish(started, is_dry_run=False)
    assert livefile.query("notes:version") == 2
    assert "items:list" in functions(livefile)


def test_how_much_work_a_push_would_be_is_told(livefile: Livefile) -> None:
    livefile.mutation("notes:add", name="one")
    livefile.mutation("notes:add", name="two")
    body = push({"items.js": query("list")}, NAMED, table("others", {"by_x": ["x"]}, x="string"))

    evaluated = livefile.pushes.evaluate_schema(body)["componentSchemaEvaluations"][""]
    changes = livefile.pushes.evaluate_push(body)["schemaChange"]["indexDiffs"][""]

    tables = {it["name"]: (it["outcome"], it["numDocs"]) for it in evaluated["tables"]}
    assert tables == {"items": ("mustWalk", 2), "others": ("supersetOfEnforced", 0)}
    indexes = {it["name"]: (it["change"], it["needsBackfill"]) for it in evaluated["indexes"]}
    assert indexes == {"items.by_name": ("added", True), "others.by_x": ("added", False)}
    assert [it["name"] for it in changes["added_indexes"]] == ["items.by_name", "others.by_x"]


@pytest.mark.parametrize(
    ("modules", "tables", "code", "message"),
    [
        ({"bad.js": 'throw new Error("no start");'}, [], "InvalidModules", "Error: no start"),
        ({"bad.js": "const x = ;"}, [], "InvalidModules", "SyntaxError"),
        ({}, [table("_mine", x="string")], "InvalidSchema", "_mine"),
        ({}, [table("items", {"by_y": ["y"]}, x="string")], "InvalidSchema", '"y" that does not'),
        ({"crons.js": exported({})}, [], "InvalidModules", "cronJobs"),
        ({"my-items.js": query("list")}, [], "InvalidModules", "'my-items' is no name"),
        ({"../items.js": query("list")}, [], "InvalidModules", "'..' is no name"),
        ({"child|items.js": query("list")}, [], "InvalidModules", "not the project's own"),
        ({"_system/cli.js": query("list")}, [], "InvalidModules", "not the project's own"),
    ],
)
def test_code_that_cannot_be_used_is_refused_with_where_and_why(
    livefile: Livefile, modules: dict[str, str], tables: list[Any], code: str, message: str
) -> None:
    with pytest.raises(PushError, match=message) as caught:
        livefile.pushes.start(push(modules, *tables))

    assert caught.value.code == code


def test_a_module_without_functions_may_have_any_name(livefile: Livefile) -> None:
    before = functions(livefile)

    pushed(livefile, push({"my-words.js": "const a = 1;\nexport { a };", "empty.js": ""}))
    assert functions(livefile) == before


def test_a_deployment_closes_in_the_middle_of_a_push(livefile: Livefile) -> None:
    livefile.mutation("notes:add", name="one")
    prepared(livefile, push({"items.js": query("list")}, NAMED))

    livefile.close()

    assert not livefile.path.with_name(f"{livefile.path.name}-wal").exists()

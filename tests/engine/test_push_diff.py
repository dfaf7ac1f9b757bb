"""What a push tells of itself: changes of modules, indexes, crons, providers and components."""

from livefile.javascript.index_changes import Change, index_changes, index_diffs
from livefile.javascript.push_diff import auth_diff, checked_component, component_diffs
from livefile.javascript.pushed_code import EMPTY, Component, Definition, Module, PushedCode, Tree
from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.pushed_table import PushedTable
from livefile.model.schema import Schema
from livefile.model.schema_diff import StoredTable, schema_diff
from livefile.model.validator import ANY

CRON: Tree = {"name": "chat:tidy", "args": [{}], "schedule": {"type": "interval", "seconds": 60}}


def definition(
    path: str = "",
    sources: dict[str, str] | None = None,
    crons: dict[str, Tree] | None = None,
    schema: dict[str, object] | None = None,
) -> Definition:
    modules = {
        name: Module(path=name, source=source, source_map=None, environment="isolate")
        for name, source in (sources or {}).items()
    }
    return Definition(
        path=path,
        modules=modules,
        functions={},
        routes=(("/hook", "POST"),) if not path else None,
        crons=crons or {},
        schema=schema,
        definition={"httpMounts": {"/counter/": "_reference/childComponent/counter"}},
    )


def items_table(name: str) -> PushedTable:
    specs = {
        "k": IndexSpec(fields=("a",)),
        "t": IndexSpec(fields=("text",), kind=IndexKind.TEXT, filters=("a",)),
        "v": IndexSpec(fields=("vector",), kind=IndexKind.VECTOR, dimensions=3),
    }
    return PushedTable(name, ANY, specs)


def code(
    *definitions: Definition, components: tuple[str, ...] = (), version: str = ""
) -> PushedCode:
    children = {name: Component(path=name, definition="counter") for name in components}
    return PushedCode(
        definitions={each.path: each for each in definitions},
        root=Component(path="", definition="", children=children),
        server_version=version,
    )


def test_a_changed_module_is_removed_and_added() -> None:
    before = code(definition(sources={"a.js": "1", "b.js": "1", "c.js": "1"}))
    after = code(definition(sources={"a.js": "1", "b.js": "2", "d.js": "1"}))

    diff = component_diffs(before, after, {}, ())[""]

    assert diff["moduleDiff"] == {"added": ["b.js", "d.js"], "removed": ["b.js", "c.js"]}
    assert diff["diffType"] == {"type": "modify"}
    assert diff["udfConfigDiff"] is None
    assert diff["schemaDiff"] is None


def test_crons_versions_and_schemas_that_change_are_told() -> None:
    hourly = {**CRON, "schedule": {"type": "hourly", "minuteUTC": 1}}
    schema: dict[str, object] = {"tables": [], "schemaValidation": True}
    before = code(definition(crons={"kept": CRON, "moved": CRON, "gone": CRON}), version="1.47.0")
    after = code(
        definition(crons={"kept": CRON, "moved": hourly, "new": CRON}, schema=schema),
        version="1.48.0",
    )

    diff = component_diffs(before, after, {}, ())[""]

    assert diff["cronDiff"] == {"added": ["new"], "updated": ["moved"], "deleted": ["gone"]}
    assert diff["udfConfigDiff"] == {"previous_version": "1.47.0", "next_version": "1.48.0"}
    assert diff["schemaDiff"] == {
        "previous_schema": None,
        "next_schema": '{"schemaValidation":true,"tables":[]}',
    }


def test_components_come_go_and_come_back() -> None:
    counter = definition("counter")
    before = code(definition(), counter, components=("old", "kept"))
    after = code(definition(), counter, components=("kept", "new", "back"))

    diffs = component_diffs(before, after, {}, {"", "kept", "old", "back"})

    assert {path: diff["diffType"]["type"] for path, diff in diffs.items()} == {
        "": "modify",
        "back": "remount",
        "kept": "modify",
        "new": "create",
        "old": "unmount",
    }


def test_the_first_push_is_compared_with_nothing() -> None:
    diff = component_diffs(EMPTY, code(definition(sources={"a.js": "1"}), version="1.48.0"), {}, ())

    assert diff[""]["moduleDiff"] == {"added": ["a.js"], "removed": []}
    assert diff[""]["udfConfigDiff"] is None


def test_providers_are_told_as_json() -> None:
    before = PushedCode(auth=({"domain": "https://a", "applicationID": "x"},))
    after = PushedCode(auth=({"applicationID": "x", "domain": "https://b"},))

    assert auth_diff(before, after) == {
        "added": ['{"applicationID":"x","domain":"https://b"}'],
        "removed": ['{"applicationID":"x","domain":"https://a"}'],
    }
    assert auth_diff(before, before) == {"added": [], "removed": []}


def test_an_instance_names_its_routes_and_children() -> None:
    pushed = code(definition(), definition("counter"), components=("one",))

    tree = checked_component(pushed, pushed.root)

    assert tree["httpRoutes"] == {
        "httpModuleRoutes": [{"path": "/hook", "method": "POST"}],
        "mounts": ["/counter/"],
    }
    assert tree["childComponents"]["one"]["componentPath"] == "one"
    assert tree["childComponents"]["one"]["httpRoutes"]["httpModuleRoutes"] is None


def test_indexes_are_told_by_component_with_what_they_are() -> None:
    kept, dropped = IndexSpec(fields=("a",)), IndexSpec(fields=("b",))
    stored = {
        "one/items": StoredTable(validator='{"type":"any"}', indexes={"k": kept, "d": dropped})
    }
    schema = Schema([items_table("one/items"), items_table("two/items")])

    changes = index_changes(stored, schema, schema_diff(stored, schema))

    diffs = index_diffs(changes, ["", "one", "two"])
    assert diffs[""] == {"added_indexes": [], "removed_indexes": []}
    assert diffs["one"]["removed_indexes"] == [
        {"name": "items.d", "type": "database", "fields": ["b"]}
    ]
    assert diffs["one"]["added_indexes"] == [
        {"name": "items.t", "type": "search", "searchField": "text", "filterFields": ["a"]},
        {
            "name": "items.v",
            "type": "vector",
            "dimensions": 3,
            "vectorField": "vector",
            "filterFields": [],
        },
    ]
    assert [each["name"] for each in diffs["two"]["added_indexes"]] == [
        "items.k",
        "items.t",
        "items.v",
    ]
    assert [each.name for each in changes if each.change is Change.IDENTICAL] == ["k"]

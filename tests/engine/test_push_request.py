"""What the body of a push may be, and how its modules are put together with the stored ones."""

from typing import Any

import pytest

from livefile.javascript.push_request import parse_push
from livefile.javascript.pushed_code import Module
from livefile.vocabulary.errors import PushConflictError, PushError

STORED = Module(path="lib.js", source="export {};", source_map=None, environment="isolate")


def module(path: str, source: str = "export {};") -> dict[str, Any]:
    return {"path": path, "source": source, "environment": "isolate"}


def push(**app: object) -> dict[str, Any]:
    return {
        "adminKey": "k",
        "dryRun": False,
        "functions": "convex/",
        "nodeDependencies": [],
        "componentDefinitions": [],
        "appDefinition": {
            "definition": None,
            "dependencies": [],
            "schema": None,
            "changedModules": [],
            "unchangedModuleHashes": [],
            "udfServerVersion": "1.48.0",
            **app,
        },
    }


def unchanged(**other: str) -> list[dict[str, str]]:
    return [{"path": "lib.js", "environment": "isolate", "sha256": STORED.hash, **other}]


def test_modules_that_did_not_change_are_the_stored_ones() -> None:
    body = push(changedModules=[module("chat.js")], unchangedModuleHashes=unchanged())

    request = parse_push(body, {"lib.js": STORED})

    assert sorted(request.root.modules) == ["chat.js", "lib.js"]
    assert request.root.modules["lib.js"] is STORED


def test_a_module_in_neither_list_is_gone() -> None:
    assert parse_push(push(), {"lib.js": STORED}).root.modules == {}


def test_old_clients_send_every_module_under_another_name() -> None:
    body = push(functions=[module("chat.js")])
    del body["appDefinition"]["changedModules"], body["appDefinition"]["unchangedModuleHashes"]

    assert list(parse_push(body, {}).root.modules) == ["chat.js"]


@pytest.mark.parametrize(
    ("stored", "other", "code"),
    [
        ({}, {}, "MissingExistingModule"),
        ({"lib.js": STORED}, {"sha256": "00"}, "ExistingModuleHashConflict"),
        ({"lib.js": STORED}, {"environment": "node"}, "ExistingModuleEnvConflict"),
    ],
)
def test_a_module_that_was_left_out_must_be_the_stored_one(
    stored: dict[str, Module], other: dict[str, str], code: str
) -> None:
    with pytest.raises(PushConflictError, match=r"^lib\.js was left out") as caught:
        parse_push(push(unchangedModuleHashes=unchanged(**other)), stored)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ({"changedModules": 5}, r"appDefinition\.changedModules must be a list, not 5"),
        ({"changedModules": ["x"]}, r"changedModules\[0\] must be an object, not 'x'"),
        (
            {"changedModules": [{**module("a.js"), "source": None}]},
            r"appDefinition\.changedModules\[0\]\.source must be a string, not None",
        ),
        (
            {"changedModules": [{**module("a.js"), "environment": "deno"}]},
            r"""environment must be "isolate" or "node", not 'deno'""",
        ),
        ({"changedModules": [module("a.js"), module("a.js", "1;")]}, r"'a\.js' is there twice"),
        ({"schema": "x"}, r"appDefinition\.schema must be an object, not 'x'"),
        ({"dependencies": [1]}, r"dependencies\[0\] must be a string, not 1"),
        ({"udfServerVersion": None}, "udfServerVersion must be a string, not None"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(app: dict[str, Any], message: str) -> None:
    with pytest.raises(PushError, match=message):
        parse_push(push(**app), {})


def test_a_request_without_an_app_is_refused() -> None:
    with pytest.raises(PushError, match="appDefinition must be an object, not None"):
        parse_push({"dryRun": False}, {})


def test_components_and_dependencies_are_read() -> None:
    body = push(dependencies=["counter"])
    body["nodeDependencies"] = [{"name": "sharp", "version": "0.33.0"}]
    body["componentDefinitions"] = [
        {
            "definitionPath": "counter",
            "definition": module("convex.config.js"),
            "dependencies": [],
            "schema": module("schema.js"),
            "functions": [module("public.js")],
            "udfServerVersion": "1.48.0",
        }
    ]

    request = parse_push(body, {})

    assert request.node_dependencies == {"sharp": "0.33.0"}
    assert list(request.definitions) == ["", "counter"]
    assert list(request.definitions["counter"].modules) == ["public.js"]


def test_requests_are_equal_if_their_code_is() -> None:
    one = push(changedModules=[module("chat.js")])
    other = {**push(changedModules=[module("chat.js")]), "dryRun": True}

    assert parse_push(one, {}) == parse_push(other, {})
    assert parse_push(one, {}) != parse_push(push(changedModules=[module("b.js")]), {})

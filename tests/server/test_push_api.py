"""The routes of pushes: who may ask, and what is answered to who asks for the wrong thing."""

from typing import Any

import pytest

from tests.server.running_server import RunningServer

ROUTES = [
    "/api/get_config_hashes",
    *(
        f"/api/deploy2/{name}"
        for name in (
            "evaluate_schema",
            "evaluate_push",
            "start_push",
            "wait_for_schema",
            "finish_push",
            "report_push_completed",
        )
    ),
]


def headers(server: RunningServer) -> dict[str, str]:
    return {"Authorization": f"Convex {server.admin_key}"}


@pytest.mark.parametrize("path", ROUTES)
def test_only_the_holder_of_the_admin_key_may_push(server: RunningServer, path: str) -> None:
    without = server.post(path, {"adminKey": server.admin_key})
    with_another = server.post(path, {"adminKey": "other|0123456789"}, headers(server))

    assert (without.status, without.json["code"]) == (401, "BadAdminKey")
    assert (with_another.status, with_another.json["code"]) == (401, "BadAdminKey")


def test_the_addresses_of_the_deployment_are_told(server: RunningServer) -> None:
    answer = server.request("GET", "/api/v1/get_canonical_urls", None, headers(server))

    assert answer.json == {
        "convexCloudUrl": server.address,
        "convexSiteUrl": server.livefile.origins.site,
    }


def test_before_the_first_push_no_module_is_known(server: RunningServer) -> None:
    answer = server.post("/api/get_config_hashes", {"version": "1.48.0"}, headers(server))

    assert answer.json == {
        "config": {"functions": "convex/"},
        "moduleHashes": [],
        "udfServerVersion": None,
        "nodeDependencies": [],
    }


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("start_push", {}, "appDefinition must be an object, not None"),
        ("wait_for_schema", {}, "timeoutMs must be a number, not None"),
        ("wait_for_schema", {"timeoutMs": 1}, "schemaChange must be an object, not None"),
        ("finish_push", {"startPush": 3}, "startPush must be an object, not 3"),
        (
            "finish_push",
            {"startPush": {"schemaChange": {}}},
            "schemaChange.schemaIds must be those of start_push, not None",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_named(
    server: RunningServer, name: str, body: dict[str, Any], message: str
) -> None:
    answer = server.post(f"/api/deploy2/{name}", body, headers(server))

    assert answer.status == 400
    assert answer.json["message"] == message


def test_a_push_that_is_not_known_has_been_overtaken(server: RunningServer) -> None:
    change = {"schemaIds": {"": "0123456789abcdef"}}

    waited = server.post(
        "/api/deploy2/wait_for_schema",
        {"schemaChange": change, "timeoutMs": 10_000},
        headers(server),
    )
    finished = server.post(
        "/api/deploy2/finish_push", {"startPush": {"schemaChange": change}}, headers(server)
    )

    assert waited.json == {"type": "raceDetected"}
    assert (finished.status, finished.json["code"]) == (409, "RaceDetected")


@pytest.mark.parametrize("name", ["prepare_schema", "push_config"])
def test_a_command_line_that_is_too_old_is_told_so(server: RunningServer, name: str) -> None:
    answer = server.post(f"/api/{name}", {"adminKey": server.admin_key}, headers(server))

    assert (answer.status, answer.json["code"]) == (400, "ConvexPackageTooOld")
    assert "npm install convex@latest" in answer.json["message"]


def test_the_command_line_is_not_told_to_ask_again_for_what_is_not_there(
    server: RunningServer,
) -> None:
    by_cli = server.post("/api/nothing", {}, {"Convex-Client": "npm-cli-1.48.0"})
    by_others = server.post("/api/nothing", {})

    assert (by_cli.status, by_others.status) == (400, 404)
    assert by_cli.json["code"] == by_others.json["code"] == "NotFound"

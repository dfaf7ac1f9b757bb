from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.observed_app import admin, observed_server
from tests.server.running_server import Answer, RunningServer
from tests.server.socket_client import open_socket, run_scenario
from tests.server.sync_client import add, connect, modify

LIST = "/api/list_environment_variables"
UPDATE = "/api/update_environment_variables"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with observed_server(tmp_path_factory.mktemp("shop"), redacts_errors=False) as running:
        yield running


@pytest.fixture(autouse=True)
def clean(server: RunningServer) -> None:
    server.livefile.change_environment(dict.fromkeys(server.livefile.environment()))


def update(server: RunningServer, *changes: object) -> Answer:
    return server.post(UPDATE, {"changes": list(changes)}, admin(server))


def variables(server: RunningServer) -> object:
    return server.request("GET", LIST, headers=admin(server)).json["environmentVariables"]


def call(server: RunningServer, kind: str, path: str) -> Answer:
    return server.post(f"/api/{kind}", {"path": path, "args": {}, "format": "json"})


def test_variables_are_set_and_removed_together(server: RunningServer) -> None:
    assert update(server, {"name": "A", "value": "1"}, {"name": "B", "value": "2"}).body == b"{}"
    changes = [{"name": "A", "value": None}, {"name": "C", "value": ""}]
    answer = server.post(
        f"/api/v1{UPDATE.removeprefix('/api')}", {"changes": changes}, admin(server)
    )

    assert answer.status == 200
    assert variables(server) == {"B": "2", "C": ""}
    assert server.request(
        "GET", f"/api/v1{LIST.removeprefix('/api')}", headers=admin(server)
    ).json == {"environmentVariables": {"B": "2", "C": ""}}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ([{"name": "9", "value": "x"}], "EnvironmentVariableNameInvalid"),
        ([{"name": "CONVEX_SITE_URL", "value": "x"}], "EnvVarNameForbidden"),
        ([{"name": "D", "value": "1"}, {"name": "D", "value": "2"}], "EnvVarNameNotUnique"),
        ([{"name": "D", "value": "x" * 8193}], "EnvironmentVariableValueTooLarge"),
        ([{"name": "D", "value": 1}], "BadJsonBody"),
        ([{"value": "x"}], "BadJsonBody"),
        (["D"], "BadJsonBody"),
        ("D", "BadJsonBody"),
        (None, "BadJsonBody"),
    ],
)
def test_a_bad_change_changes_nothing(server: RunningServer, changes: object, code: str) -> None:
    if isinstance(changes, list):
        changes = [{"name": "GOOD", "value": "1"}, *changes]
    answer = server.post(UPDATE, {"changes": changes}, admin(server))

    assert (answer.status, answer.json["code"]) == (400, code)
    assert variables(server) == {}


@pytest.mark.parametrize("key", [None, "Convex livefile|wrong", "Bearer a.b.c", "Convex"])
def test_only_an_admin_sees_and_changes_them(server: RunningServer, key: str | None) -> None:
    headers = {} if key is None else {"Authorization": key}
    answers = [
        server.request("GET", LIST, headers=headers),
        server.post(UPDATE, {"changes": [{"name": "A", "value": "1"}]}, headers),
    ]

    assert [(each.status, each.json["code"]) for each in answers] == [(401, "BadAdminKey")] * 2
    assert variables(server) == {}


def test_functions_of_every_kind_look_them_up(server: RunningServer) -> None:
    update(server, {"name": "API_KEY", "value": "12345"})

    assert call(server, "query", "shop:key_length").json["value"] == 5
    assert call(server, "mutation", "shop:keep_key_length").json["value"] == 5
    assert call(server, "action", "shop:read_key_length").json["value"] == 5
    assert call(server, "query", "shop:address").json["value"] == server.address


def test_a_missing_one_says_how_to_set_it(server: RunningServer) -> None:
    for kind, path in (("mutation", "shop:keep_key_length"), ("action", "shop:read_key_length")):
        text = call(server, kind, path).json["errorMessage"]
        assert "environment variable API_KEY is not set" in text
        assert "`livefile env set API_KEY`" in text


def test_a_live_query_runs_again_when_its_variable_changes(server: RunningServer) -> None:
    seen: list[object] = []

    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await client.send(connect())
            await client.send(modify(0, 1, add(1, "shop:key_length")))
            await client.read_until("Transition")
            seen.append(client.values[1])
            for value in ("123", "1234567", None):
                server.livefile.submit_environment({"API_KEY": value}, lambda error: None)
                await client.read_until("Transition")
                seen.append(client.values[1])

    run_scenario(server, scenario)

    assert seen == [0.0, 3.0, 7.0, 0.0]


def test_variables_survive_a_restart_and_stay_in_the_file(tmp_path: Path) -> None:
    with observed_server(tmp_path, redacts_errors=False) as running:
        update(running, {"name": "API_KEY", "value": "123"})
    with observed_server(tmp_path, redacts_errors=False) as running:
        assert call(running, "query", "shop:key_length").json["value"] == 3

"""Components: four published ones, used as their READMEs say, and one of our own.

The project is ``fixtures/convex-components``. It is pushed once; each test keeps to names of its
own. What is expected of our own component is in Convex's documentation, "Components" and
"Authoring Components".
"""

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.conftest import connected_client
from tests.acceptance.convex_project import ConvexProject
from tests.acceptance.node_client import NodeClient, NodeFunctionError
from tests.acceptance.server_process import (
    POLL_SECONDS,
    REQUEST_SECONDS_MAX,
    ROOT,
    ServerProcess,
)

pytestmark = pytest.mark.node

PROJECT = ROOT / "fixtures" / "convex-components"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ConvexProject:
    return ConvexProject(PROJECT, tmp_path_factory.mktemp("components") / "project", PROJECT)


@pytest.fixture(scope="module")
def deployment(
    project: ConvexProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    with ServerProcess(None, tmp_path_factory.mktemp("deployment")) as server:
        project.push(server)
        yield server


@pytest.fixture(scope="module")
def client(deployment: ServerProcess) -> Iterator[NodeClient]:
    with connected_client(deployment.url) as client:
        yield client


def query(client: NodeClient, path: str, **args: object) -> Any:
    return client.call("httpQuery", path=path, args=args)


def mutate(client: NodeClient, path: str, **args: object) -> Any:
    return client.call("httpMutation", path=path, args=args)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + REQUEST_SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


# --- @convex-dev/rate-limiter ---------------------------------------------------------------------


def test_a_fixed_window_lets_its_rate_pass_and_no_more(client: NodeClient) -> None:
    assert [mutate(client, "limits:signUp") for _ in range(3)] == [True, True, False]


def test_a_token_bucket_counts_for_each_key(client: NodeClient) -> None:
    assert mutate(client, "limits:send", user="ada", count=3)["ok"]
    refused = mutate(client, "limits:send", user="ada")

    assert not refused["ok"]
    assert 0 < refused["retryAfter"] <= 60 * 60 * 1000
    assert query(client, "limits:check", user="ada") is False
    assert query(client, "limits:check", user="bob") is True
    assert query(client, "limits:value", user="bob") == 3


def test_a_limit_that_throws_undoes_the_mutation_and_tells_when_to_come_back(
    client: NodeClient,
) -> None:
    mutate(client, "limits:logIn", user="eve")
    with pytest.raises(NodeFunctionError) as caught:
        mutate(client, "limits:logIn", user="eve")
    mutate(client, "limits:forgive", user="eve")
    mutate(client, "limits:logIn", user="eve")

    assert caught.value.is_convex_error
    data = caught.value.data
    assert data is not None
    assert (data["kind"], data["name"]) == ("RateLimited", "failedLogins")
    assert query(client, "pool:notes").count("log in of eve") == 2


def test_a_limit_in_shards_passes_what_a_shard_has(client: NodeClient) -> None:
    assert mutate(client, "limits:sharded", count=1) is True


def test_updates_that_are_asynchronous_arrive(client: NodeClient) -> None:
    assert mutate(client, "limits:spend", count=4) is True

    wait_until(lambda: bool(6 <= query(client, "limits:budget") < 7))


# --- @convex-dev/aggregate ------------------------------------------------------------------------


def test_aggregates_follow_the_documents_of_a_table(client: NodeClient) -> None:
    ids = [
        mutate(client, "scores:add", game=game, player=player, score=score)
        for game, player, score in [
            ("chess", "ada", 40),
            ("chess", "bob", 65),
            ("go", "ada", 70),
            ("chess", "ada", 90),
        ]
    ]
    mutate(client, "scores:change", id=ids[0], score=80)
    mutate(client, "scores:remove", id=ids[2])

    assert query(client, "scores:overall") == {
        "count": 3,
        "sum": 235,
        "above65": 2,
        "max": 90,
        "rankOf65": 0,
    }
    assert query(client, "scores:at", offset=1) == 80
    assert query(client, "scores:ofGame", game="chess", player="ada") == {"all": 3, "own": 2}
    assert query(client, "scores:ofGame", game="go", player="ada") == {"all": 0, "own": 0}


# --- @convex-dev/workpool -------------------------------------------------------------------------


def test_work_in_a_pool_is_done_and_its_end_is_told(client: NodeClient) -> None:
    works = mutate(client, "pool:enqueue", text="work")

    wait_until(lambda: {"work", "WORK", "work: WORK"} <= set(query(client, "pool:notes")))
    wait_until(lambda: all(query(client, "pool:status", id=work) == "finished" for work in works))


def test_an_action_that_fails_is_tried_again_and_its_failure_is_told(client: NodeClient) -> None:
    mutate(client, "pool:enqueue", text="fail")

    wait_until(lambda: "fail: failed" in query(client, "pool:notes"))


# --- @convex-dev/workflow -------------------------------------------------------------------------


def test_a_workflow_goes_through_its_steps_and_waits_for_its_event(client: NodeClient) -> None:
    workflow = mutate(client, "flow:begin", name="Ada")
    first, second = "Hello Ada. Hello back.", "Anybody? Hello back."
    wait_until(lambda: {first, second} <= set(query(client, "pool:notes")))
    assert query(client, "flow:status", id=workflow) == "inProgress"
    mutate(client, "flow:approve", id=workflow, by="Bob")

    wait_until(lambda: "workflow: Ada, approved by Bob" in query(client, "pool:notes"))
    wait_until(lambda: query(client, "flow:status", id=workflow) == "completed")


# --- A component of our own -----------------------------------------------------------------------


def greetings(client: NodeClient, part: str) -> list[str]:
    """Return what the component has written down, of those with ``part`` in them."""
    return [text for text in query(client, "greeting:list") if part in text]


def test_a_component_has_tables_and_variables_of_its_own(client: NodeClient) -> None:
    written = mutate(client, "greeting:greet", name="tables")

    assert greetings(client, "tables") == ["Good day, tables"]
    assert "Good day, tables" not in query(client, "pool:notes")
    assert query(client, "greeting:foreign", id=written) == [None, written]


def test_what_a_component_wrote_before_it_failed_is_undone_and_nothing_else(
    client: NodeClient,
) -> None:
    assert "the greeter fails" in mutate(client, "greeting:greetAndCatch", name="undone")

    assert greetings(client, "undone") == ["Good day, undone"]


def test_a_stale_query_sees_what_was_there_before_the_mutation(client: NodeClient) -> None:
    before, after = mutate(client, "greeting:before", name="stale")

    assert after == [*before, "Good day, stale"]


def test_a_live_query_follows_the_documents_of_a_component(client: NodeClient) -> None:
    client.call("subscribe", name="live", path="greeting:list", args={})
    mutate(client, "greeting:greet", name="live")

    client.wait_for(
        lambda event: (
            event["event"] == "update"
            and event["name"] == "live"
            and "Good day, live" in event["value"]
        )
    )


def test_the_user_is_not_passed_into_a_component(deployment: ServerProcess) -> None:
    user = base64.b64encode(json.dumps({"issuer": "https://i", "subject": "ada"}).encode())
    headers = {"Authorization": f"Convex {deployment.admin_key}:{user.decode()}"}
    status, answer = deployment.post("/api/query", {"path": "greeting:who", "args": {}}, headers)

    assert status == 200
    assert answer["value"] == ["ada", None]


def test_pages_are_refused_in_a_component(client: NodeClient) -> None:
    with pytest.raises(NodeFunctionError, match=r"paginate\(\) is not supported in components"):
        query(client, "greeting:pages")


def test_a_component_schedules_functions_of_its_own(client: NodeClient) -> None:
    mutate(client, "greeting:later", text="scheduled")

    wait_until(lambda: greetings(client, "scheduled") == ["scheduled"])


def test_a_cron_job_of_a_component_calls_its_function(client: NodeClient) -> None:
    wait_until(lambda: greetings(client, "begins") == ["The day begins"])


def test_a_component_calls_back_through_a_handle(client: NodeClient) -> None:
    before = len(query(client, "greeting:list"))

    assert mutate(client, "greeting:callBack", text="called back") == before
    assert "called back" in query(client, "pool:notes")


def test_a_handle_is_the_same_each_time_and_no_path_for_clients(client: NodeClient) -> None:
    handle = query(client, "greeting:handle")

    assert handle == query(client, "greeting:handle")
    assert handle.startswith("function://")
    with pytest.raises(NodeFunctionError):
        mutate(client, handle, text="not this way")


def test_an_action_calls_a_component(client: NodeClient) -> None:
    listed = client.call("httpAction", path="greeting:fromAction", args={"name": "action"})

    assert "Good day, action" in listed


@pytest.mark.parametrize("path", ["greeter|lib:list", "lib:list", "greeter/lib:list"])
def test_clients_cannot_call_a_component(client: NodeClient, path: str) -> None:
    with pytest.raises(NodeFunctionError, match=r"Could not find|is no function path"):
        query(client, path)


def test_an_admin_calls_a_component(
    project: ConvexProject, deployment: ServerProcess, client: NodeClient
) -> None:
    mutate(client, "greeting:greet", name="admin")
    done = project.convex(deployment, "run", "--component", "greeter", "lib:list", "{}")

    assert done.returncode == 0, done.stderr
    assert "Good day, admin" in json.loads(done.stdout)


def test_routes_of_a_component_answer_below_its_prefix(
    deployment: ServerProcess, client: NodeClient
) -> None:
    mutate(client, "greeting:greet", name="route")
    with urllib.request.urlopen(f"{deployment.url}/http/greeter/list") as answer:
        listed = json.load(answer)

    assert "Good day, route" in listed


def test_all_of_it_is_there_after_a_restart_without_the_project(
    deployment: ServerProcess, client: NodeClient
) -> None:
    mutate(client, "greeting:greet", name="restart")
    deployment.restart()

    assert "Good day, restart" in deployment.query("greeting:list", {})

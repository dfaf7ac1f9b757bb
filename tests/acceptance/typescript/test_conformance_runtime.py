"""What TypeScript functions find around them: time, chance, globals, console, environment, limits.

The pages of Convex's documentation are "Runtimes", "Environment Variables", "Limits".
"""

import json
import re
import time
import urllib.request

import pytest

from tests.acceptance.convex_project import set_environment
from tests.acceptance.node_client import NodeClient, NodeFunctionError
from tests.acceptance.server_process import REQUEST_SECONDS_MAX, ServerProcess
from tests.token_issuer import TokenIssuer

pytestmark = pytest.mark.node


def failure(client: NodeClient, operation: str, path: str, **args: object) -> NodeFunctionError:
    with pytest.raises(NodeFunctionError) as caught:
        client.call(operation, path=path, args=args)
    return caught.value


def test_time_stands_still_in_a_query(shared_client: NodeClient) -> None:
    # "Runtimes": Date.now is fixed at the beginning of a query or mutation.
    times = shared_client.call("query", path="determinism:times")

    assert len(set(times)) == 1
    assert times[0] > 1_600_000_000_000
    assert shared_client.call("query", path="determinism:snapshot")


@pytest.mark.parametrize("name", ["chances", "uuid"])
def test_chance_is_new_in_each_call(shared_client: NodeClient, name: str) -> None:
    one, other = (
        shared_client.call("query", path=f"determinism:{name}", args={"round": round})
        for round in (1, 2)
    )

    assert one != other
    if name == "chances":
        assert len({*one, *other}) == 6
        assert all(0 <= chance < 1 for chance in (*one, *other))


@pytest.mark.parametrize(
    ("name", "shown"),
    [("fetch", "fetch()"), ("setTimeout", "setTimeout"), ("setInterval", "setInterval")],
)
@pytest.mark.parametrize(
    ("operation", "path"),
    [("query", "determinism:forbidden"), ("mutation", "determinism:forbiddenMutation")],
)
def test_queries_and_mutations_have_no_fetch_and_no_timers(
    shared_client: NodeClient, operation: str, path: str, name: str, shown: str
) -> None:
    error = failure(shared_client, operation, path, name=name)

    assert f"Can't use {shown} in queries and mutations." in str(error)


def test_actions_have_timers_and_a_running_clock(shared_client: NodeClient) -> None:
    assert shared_client.call("action", path="determinism:timer") > 0


def test_nothing_of_a_call_reaches_the_next(shared_client: NodeClient) -> None:
    shared_client.call("mutation", path="determinism:poison")

    for round in (1, 2):
        args = {"round": round}
        assert shared_client.call("query", path="determinism:callsInModule", args=args) == 1
        found = shared_client.call("query", path="determinism:unharmed", args=args)
        assert found == [2, "b", '{"a":1}', False]


def test_the_globals_of_the_web_are_there(shared_client: NodeClient) -> None:
    assert shared_client.call("query", path="determinism:globals") == {
        "digest": [0xBA, 0x78, 0x16, 0xBF],
        "decoded": "ä",
        "url": "https://example.com/b?x=1#y",
        "search": "a=1+2",
        "base64": ["YWJj", "abc"],
        "clone": {"a": [1]},
        "header": "b",
        "streamed": ["of a stream", True],
        "intl": "1,234.5",
        # "Runtimes": the default runtime is not Node.js.
        "absent": ["undefined", "undefined"],
    }


def log_lines(server: ServerProcess, kind: str, path: str) -> list[str]:
    _, answer = server.post(f"/api/{kind}", {"path": path, "args": {}, "format": "json"})
    found: list[str] = answer["logLines"]
    return found


def test_console_lines_are_shown_as_they_were_printed(conformance: ServerProcess) -> None:
    assert log_lines(conformance, "query", "printing:lines") == [
        "[LOG] 'plain' 1 true null undefined",
        "[INFO] { a: 1, b: [ 'x', { c: 2n } ] }",
        "[WARN] [ 1, 2 ]",
        "[ERROR] true 1.5",
        # Convex puts nothing into the place of "%s".
        "[DEBUG] '100%' '%s'",
    ]
    assert log_lines(conformance, "query", "printing:lineAndError") == ["[LOG] 'before the error'"]
    assert log_lines(conformance, "action", "printing:linesOfAction") == [
        "[LOG] 'from an action'",
        "[ERROR] 'and again'",
    ]


def test_console_times_and_counts_are_those_of_one_call(conformance: ServerProcess) -> None:
    for _ in range(2):
        assert log_lines(conformance, "query", "printing:timesAndCounts") == [
            "[WARN] Timer 'wash' already exists",
            "[INFO] wash: 0ms 'rinse' 2",
            "[INFO] wash: 0ms",
            "[WARN] Timer 'wash' does not exist",
            "[LOG] plate: 1",
            "[LOG] plate: 2",
        ]


@pytest.mark.parametrize(("operation", "name"), [("query", "inQuery"), ("action", "inAction")])
def test_a_module_is_imported_while_a_function_runs(
    shared_client: NodeClient, operation: str, name: str
) -> None:
    for _ in range(2):
        found = shared_client.call(operation, path=f"importing:{name}")
        assert found == ["refusals", 1, 2, True]
    assert "import" in str(failure(shared_client, "action", "importing:unknown", name="./lib/x"))


def test_too_many_console_lines_are_cut(conformance: ServerProcess) -> None:
    # "Limits": 256 lines of one call.
    lines = log_lines(conformance, "query", "printing:many")

    assert lines[:2] == ["[LOG] 0", "[LOG] 1"]
    assert 256 <= len(lines) <= 257


def test_environment_variables_are_live(own_client: NodeClient, conformance: ServerProcess) -> None:
    args = {"name": "CONFORMANCE_WORD"}
    own_client.call("subscribe", name="word", path="environment:read", args=args)
    own_client.wait_for_update("word", "unset")

    set_environment(conformance, {"CONFORMANCE_WORD": "set"})
    own_client.wait_for_update("word", "set")
    assert own_client.call("action", path="environment:readFromAction", args=args) == "set"
    set_environment(conformance, {"CONFORMANCE_WORD": None})
    own_client.wait_for_update("word", "unset", after=len(own_client.events) - 1)


@pytest.mark.parametrize(
    ("operation", "path"),
    [("query", "environment:read"), ("action", "environment:readFromAction")],
)
def test_the_deployments_addresses_are_in_the_environment(
    shared_client: NodeClient, conformance: ServerProcess, operation: str, path: str
) -> None:
    def read(name: str) -> str:
        found: str = shared_client.call(operation, path=path, args={"name": name})
        return found

    assert read("CONVEX_CLOUD_URL") == conformance.url
    assert read("CONVEX_SITE_URL").startswith("http://")
    # What the server's own process has is nobody's business.
    assert read("PATH") == "unset"


# --- Limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["large document", "long array", "many fields", "deep value"])
def test_a_value_that_is_too_large_is_refused(shared_client: NodeClient, name: str) -> None:
    # "Limits": documents of 1 MiB, arrays of 8192 elements, objects of 1024 fields, 64 levels.
    error = str(failure(shared_client, "mutation", "limits:store", name=name))

    assert re.search(r"too (large|long|nested|many)|maximum|limit", error), error


def test_one_mutation_schedules_a_thousand_functions_at_most(shared_client: NodeClient) -> None:
    before = shared_client.call("query", path="scheduling:pending")

    failure(shared_client, "mutation", "limits:scheduleMany", count=1001)

    assert shared_client.call("query", path="scheduling:pending") == before


@pytest.mark.parametrize("name", ["endless", "recursion"])
def test_a_runaway_function_ends_alone(shared_client: NodeClient, name: str) -> None:
    failure(shared_client, "query", f"limits:{name}")

    assert shared_client.call("query", path="values:echo", args={"value": 1}) == 1


# --- Metadata -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"), [("query", "ofQuery"), ("mutation", "ofMutation"), ("action", "ofAction")]
)
def test_a_function_knows_its_name(shared_client: NodeClient, kind: str, name: str) -> None:
    assert shared_client.call(kind, path=f"metadata:{name}") == {
        "name": f"metadata:{name}",
        "componentPath": "",
        "type": kind,
        "visibility": "public",
    }


def test_a_mutation_knows_what_it_has_used(shared_client: NodeClient) -> None:
    args = {"topic": "metrics"}
    shared_client.call("mutation", path="notes:add", args={**args, "text": "read later"})

    metrics = shared_client.call("mutation", path="metadata:metrics", args=args)

    assert metrics["documentsWritten"]["used"] == 2
    assert metrics["documentsRead"]["used"] >= 1
    for name in ("bytesRead", "bytesWritten", "databaseQueries", "functionsScheduled"):
        assert metrics[name]["used"] >= 0
        assert metrics[name]["remaining"] > 0


def test_a_function_knows_its_request(own_client: NodeClient) -> None:
    for operation, name in (
        ("mutation", "request"),
        ("action", "requestOfAction"),
        ("httpMutation", "request"),
        ("httpAction", "requestOfCalled"),
    ):
        request = own_client.call(operation, path=f"metadata:{name}")
        assert request["ip"] == "127.0.0.1"
        assert request["scheduledFunctionId"] is None
        assert request["authToken"] is None
        assert re.fullmatch("[0-9a-f]{16}", request["requestId"])

    own_client.call("subscribe", name="job", path="notes:list", args={"topic": "job"})
    job = own_client.call("mutation", path="metadata:scheduleNote", args={"topic": "job"})
    own_client.wait_for_update("job", [job])


def test_a_function_knows_the_program_and_the_token_of_its_request(
    conformance: ServerProcess, own_client: NodeClient, issuer: TokenIssuer
) -> None:
    now = int(time.time())
    token = issuer.token(iat=now, exp=now + 3600, sub="ada")
    headers = {"User-Agent": "Test/1.0", "Authorization": f"Bearer {token}"}

    nobody = own_client.call("mutation", path="metadata:request")
    own_client.call("setAuth", token=token)
    over_socket = own_client.call("mutation", path="metadata:request")
    asked = urllib.request.Request(f"{conformance.url}/http/request", headers=headers)
    with urllib.request.urlopen(asked, timeout=REQUEST_SECONDS_MAX) as response:
        over_http = json.load(response)

    assert (over_socket["authToken"], nobody["authToken"]) == (token, None)
    assert (over_http["userAgent"], over_http["authToken"]) == ("Test/1.0", token)


def test_the_snapshot_of_a_transaction_has_one_timestamp(shared_client: NodeClient) -> None:
    one, other = shared_client.call("query", path="metadata:snapshots")

    assert one == other
    assert set(one) == {"$integer"}

"""TypeScript functions as functions: errors, nested calls, handles, schedules.

The pages of Convex's documentation are "Error Handling", "Actions", "Internal Functions",
"Scheduled Functions", "Cron Jobs".
"""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.convex_project import ConvexProject
from tests.acceptance.node_client import NodeClient, NodeFunctionError
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.node


def failure(client: NodeClient, operation: str, path: str, **args: object) -> NodeFunctionError:
    with pytest.raises(NodeFunctionError) as caught:
        client.call(operation, path=path, args=args)
    return caught.value


def notes(client: NodeClient, topic: str) -> list[str]:
    found: list[str] = client.call("query", path="notes:list", args={"topic": topic})
    return found


# --- Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [None, "text", 1.5, {"code": "full", "left": [0]}])
@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("query", "failures:withData"),
        ("mutation", "failures:withDataMutation"),
        ("action", "failures:withDataAction"),
        ("httpQuery", "failures:withData"),
        ("httpMutation", "failures:withDataMutation"),
        ("httpAction", "failures:withDataAction"),
    ],
)
def test_the_data_of_a_convex_error_arrive(
    shared_client: NodeClient, operation: str, path: str, data: object
) -> None:
    error = failure(shared_client, operation, path, data=data)

    assert error.is_convex_error
    assert error.data == data


@pytest.mark.parametrize(
    ("operation", "path", "place"),
    [
        ("query", "failures:plain", "Q"),
        ("httpQuery", "failures:plain", None),
        ("action", "failures:plainAction", "A"),
        ("httpAction", "failures:plainAction", None),
    ],
)
def test_a_plain_error_shows_where_it_was_thrown(
    shared_client: NodeClient,
    conformance_project: ConvexProject,
    operation: str,
    path: str,
    place: str | None,
) -> None:
    source = (conformance_project.functions / "failures.ts").read_text().splitlines()
    lines = [number for number, line in enumerate(source, start=1) if "the plain error" in line]
    line = lines[0 if "Query" in operation or operation == "query" else 1]

    error = failure(shared_client, operation, path)

    assert not error.is_convex_error
    frame = rf"\n    at handler \(\.\./convex/failures\.ts:{line}:\d+\)"
    assert re.search("Uncaught TypeError: the plain error" + frame, str(error)), str(error)
    assert "node_modules" not in str(error)
    if place is not None:
        assert str(error).startswith(f"[CONVEX {place}({path})] [Request ID: ")


def test_every_frame_is_mapped_to_its_source(
    shared_client: NodeClient, conformance_project: ConvexProject
) -> None:
    error = str(failure(shared_client, "query", "failures:deep"))

    line = conformance_project.line_of("lib/refusal.ts", "throw new Error")
    caller = conformance_project.line_of("failures.ts", 'refuse("deep")')
    assert "Uncaught Error: refused: deep" in error
    # Paths are those of the source maps: beside the bundle that holds the code.
    assert re.search(rf"\n    at refuse \((\.\./)+convex/lib/refusal\.ts:{line}:", error), error
    assert f"    at handler (../convex/failures.ts:{caller}:" in error


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("query", "withData"),
        ("action", "withDataAction"),
        ("query", "withDataNested"),
        ("action", "withDataNestedAction"),
    ],
)
def test_values_of_every_type_are_data_of_an_error(
    conformance: ServerProcess, kind: str, name: str
) -> None:
    data = {"integer": {"$integer": "ewAAAAAAAAA="}, "bytes": {"$bytes": "AP8="}, "float": 2.0}
    call = {"path": f"failures:{name}", "args": [{"data": data}], "format": "convex_encoded_json"}

    _, answer = conformance.post(f"/api/{kind}", call)

    assert answer["errorData"] == data


def test_frames_of_a_nested_call_come_before_those_of_its_caller(
    shared_client: NodeClient, conformance_project: ConvexProject
) -> None:
    error = str(failure(shared_client, "query", "failures:callOfNameless"))

    thrown = conformance_project.line_of("failures.ts", "in a function without a name")
    called = conformance_project.line_of("failures.ts", "await ctx.runQuery(api.failures.nameless)")
    inner = rf"    at <anonymous> \(\.\./convex/failures\.ts:{thrown}:\d+\)"
    outer = rf"    at async <anonymous> \(\.\./convex/failures\.ts:{called}:\d+\)"
    assert re.search(rf"in a function without a name\n{inner}\n\n{outer}", error), error


@pytest.mark.parametrize(
    ("name", "text"),
    [("ofDatabase", 'ctx.db.get("no id"'), ("ofIndexRange", 'withIndex("absent"')],
)
def test_an_error_of_the_database_shows_who_asked(
    shared_client: NodeClient, conformance_project: ConvexProject, name: str, text: str
) -> None:
    error = str(failure(shared_client, "query", f"failures:{name}"))

    line = conformance_project.line_of("failures.ts", text)
    assert f"    at async handler (../convex/failures.ts:{line}:" in error


def test_whatever_is_thrown_is_told(shared_client: NodeClient) -> None:
    assert "only a text" in str(failure(shared_client, "query", "failures:thrownText"))
    error = failure(shared_client, "query", "failures:subclass")
    assert error.data == {"code": "refused"}
    error = failure(shared_client, "query", "failures:unhandled")
    assert "nobody waits for this" in str(error)


def test_a_promise_that_cannot_resolve_is_an_error(shared_client: NodeClient) -> None:
    error = failure(shared_client, "query", "failures:neverResolves")

    assert "will never resolve" in str(error)


@pytest.mark.parametrize(
    ("operation", "path", "text"),
    [
        ("query", "failures:absent", "Could not find public function for 'failures:absent'."),
        ("query", "absent:absent", "Could not find public function for 'absent:absent'."),
        # "Internal Functions": clients cannot call them.
        (
            "query",
            "failures:hiddenQuery",
            "Could not find public function for 'failures:hiddenQuery'.",
        ),
        (
            "mutation",
            "failures:hiddenMutation",
            "Could not find public function for 'failures:hiddenMutation'.",
        ),
        (
            "query",
            "failures:notRegistered",
            "Could not find public function for 'failures:notRegistered'.",
        ),
        (
            "mutation",
            "failures:plain",
            "Trying to execute failures.js:plain as Mutation, but it is defined as Query.",
        ),
        (
            "query",
            "failures:plainAction",
            "Trying to execute failures.js:plainAction as Query, but it is defined as Action.",
        ),
    ],
)
def test_a_wrong_name_or_kind_is_answered_with_convexs_text(
    shared_client: NodeClient, operation: str, path: str, text: str
) -> None:
    assert text in str(failure(shared_client, operation, path))


# --- Nested calls and handles ---------------------------------------------------------------------


def test_a_query_calls_a_query(shared_client: NodeClient) -> None:
    args = {"topic": "query from query"}
    shared_client.call("mutation", path="notes:add", args={**args, "text": "x"})

    assert shared_client.call("query", path="calls:queryFromQuery", args=args) == ["called", "x"]


def test_a_live_query_follows_what_its_called_queries_read(own_client: NodeClient) -> None:
    args = {"topic": "followed"}
    own_client.call("subscribe", name="live", path="calls:queryFromQuery", args=args)
    own_client.wait_for_update("live", ["called"])

    own_client.call("mutation", path="notes:add", args={**args, "text": "new"})

    own_client.wait_for_update("live", ["called", "new"])


def test_mutations_at_once_lose_nothing(
    conformance: ServerProcess, shared_client: NodeClient
) -> None:
    args = {"topic": "counter"}

    def increment(_: int) -> None:
        conformance.mutation("notes:increment", args)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(increment, range(40)))

    assert notes(shared_client, "counter") == ["40"]


def test_called_functions_are_part_of_the_mutation(shared_client: NodeClient) -> None:
    args = {"topic": "one transaction"}

    found = shared_client.call("mutation", path="calls:insideOneTransaction", args=args)

    assert found == ["one", "two"]


def test_a_called_mutation_that_throws_is_rolled_back_alone(shared_client: NodeClient) -> None:
    topic = "catch and go on"

    caught = shared_client.call("mutation", path="calls:catchAndGoOn", args={"topic": topic})

    assert caught == {"topic": topic}
    assert notes(shared_client, topic) == ["before", "after"]


def test_an_error_that_nobody_catches_rolls_everything_back(shared_client: NodeClient) -> None:
    error = failure(shared_client, "mutation", "calls:letThrough", topic="let through")

    assert error.data == {"topic": "let through"}
    assert notes(shared_client, "let through") == []


def test_what_a_mutation_does_not_await_happens_as_well(own_client: NodeClient) -> None:
    own_client.call("subscribe", name="notes", path="notes:list", args={"topic": "unawaited"})
    args = {"topic": "unawaited"}

    assert own_client.call("mutation", path="notes:addWithoutWaiting", args=args) == "returned"

    own_client.wait_for_update("notes", ["first and then", "scheduled"])


def test_what_fails_without_being_awaited_fails_the_mutation(shared_client: NodeClient) -> None:
    error = failure(shared_client, "mutation", "notes:addWronglyWithoutWaiting", topic="unheard")

    assert "does not match the schema" in str(error)
    assert notes(shared_client, "unheard") == []


def test_calls_of_an_action_are_transactions_of_their_own(shared_client: NodeClient) -> None:
    args = {"topic": "from action"}
    expected = {"caught": args, "notes": ["kept"]}
    assert shared_client.call("action", path="calls:fromAction", args=args) == expected

    args = {"topic": "action from action"}
    expected = {"caught": args, "notes": ["kept"]}
    found = shared_client.call("action", path="calls:actionFromAction", args=args)
    assert found == ["outer", expected]


def test_an_action_calls_many_at_once(shared_client: NodeClient) -> None:
    args = {"topic": "together", "count": 25}

    found = shared_client.call("action", path="calls:together", args=args)

    assert found == list(range(25))


def test_calls_may_nest_but_not_without_end(shared_client: NodeClient) -> None:
    assert shared_client.call("query", path="calls:deeper", args={"levels": 5}) == 5
    failure(shared_client, "query", "calls:deeper", levels=1000)
    assert shared_client.call("query", path="calls:deeper", args={"levels": 2}) == 2


def test_a_function_is_not_called_as_another_kind(shared_client: NodeClient) -> None:
    error = failure(shared_client, "mutation", "calls:ofAnotherKind")

    assert "as Mutation, but it is defined as Query." in str(error)


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("mutation", "handles:callFromMutation"),
        ("action", "handles:callFromAction"),
        ("mutation", "handles:schedule"),
    ],
)
def test_a_handle_stands_for_its_function(
    own_client: NodeClient, operation: str, path: str
) -> None:
    handle = own_client.call("query", path="handles:ofInternal")
    assert handle.startswith("function://")
    assert own_client.call("query", path="handles:ofInternal") == handle
    assert own_client.call("query", path="handles:ofQuery") != handle

    own_client.call("subscribe", name="notes", path="notes:list", args={"topic": path})
    args = {"handle": handle, "topic": path, "text": "by handle"}
    own_client.call(operation, path=path, args=args)
    own_client.wait_for_update("notes", ["by handle"])


# --- Schedules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "name", "text"),
    [
        ("mutation", "soon", "ran"),
        ("mutation", "atPastTime", "ran"),
        ("mutation", "atDate", "ran"),
        ("action", "fromAction", "an action ran"),
    ],
)
def test_a_scheduled_function_runs_once(
    own_client: NodeClient, operation: str, name: str, text: str
) -> None:
    own_client.call("subscribe", name="notes", path="notes:list", args={"topic": name})

    job = own_client.call(operation, path=f"scheduling:{name}", args={"topic": name})

    own_client.wait_for_update("notes", [text])
    own_client.call("subscribe", name="job", path="scheduling:state", args={"id": job})
    done = own_client.wait_for(
        lambda event: (
            event.get("name") == "job"
            and event["event"] == "update"
            and event["value"]["state"] == "success"
        )
    )
    function = "scheduling.js:work" if name == "fromAction" else "notes.js:addInternally"
    assert done["value"]["name"] == function
    assert done["value"]["args"][0]["topic"] == name
    assert notes(own_client, name) == [text]


@pytest.mark.parametrize("operation", ["mutation", "action"])
def test_a_canceled_function_does_not_run(shared_client: NodeClient, operation: str) -> None:
    topic = f"canceled by {operation}"
    job = shared_client.call("mutation", path="scheduling:later", args={"topic": topic})

    def state() -> str:
        found = shared_client.call("query", path="scheduling:state", args={"id": job})
        told: str = found["state"]
        return told

    assert state() == "pending"
    name = "cancel" if operation == "mutation" else "cancelFromAction"
    shared_client.call(operation, path=f"scheduling:{name}", args={"id": job})

    assert state() == "canceled"
    assert notes(shared_client, topic) == []


def test_a_mutation_that_throws_schedules_nothing(shared_client: NodeClient) -> None:
    before = shared_client.call("query", path="scheduling:pending")

    failure(shared_client, "mutation", "scheduling:thenThrow", topic="then throw")

    assert shared_client.call("query", path="scheduling:pending") == before


def test_a_scheduled_function_that_fails_is_marked(own_client: NodeClient) -> None:
    job = own_client.call("mutation", path="scheduling:failSoon")

    own_client.call("subscribe", name="job", path="scheduling:state", args={"id": job})
    expected = {"name": "scheduling.js:fail", "args": [{}], "state": "failed"}
    own_client.wait_for_update("job", expected)


def test_a_negative_delay_is_refused(shared_client: NodeClient) -> None:
    assert "delayMs" in str(failure(shared_client, "mutation", "scheduling:negativeDelay"))


def test_a_cron_job_runs(own_client: NodeClient) -> None:
    own_client.call("subscribe", name="cron", path="notes:list", args={"topic": "cron"})

    own_client.wait_for_update("cron", ["ticked"])

"""The unmodified npm ``ConvexHttpClient`` on Node.js."""

import pytest

from tests.acceptance.node_client import NodeClient, NodeFunctionError
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.node


def test_a_call_over_http_reads_what_it_wrote(client: NodeClient) -> None:
    args = {"name": "http"}

    assert client.call("httpMutation", path="counters:add", args=args) == 1
    assert client.call("httpMutation", path="counters:add", args={**args, "amount": 2.5}) == 3.5
    assert client.call("httpQuery", path="counters:get", args=args) == 3.5


def test_an_action_over_http_returns_its_value(client: NodeClient) -> None:
    args = {"name": "http action", "times": 2, "pause_ms": 0}

    assert client.call("httpAction", path="counters:add_slowly", args=args) == 2


def test_consistent_queries_all_see_the_first_ones_time(
    client: NodeClient, server: ServerProcess
) -> None:
    args = {"name": "consistent"}
    server.mutation("counters:add", args)

    before = client.call("httpConsistentQuery", path="counters:get", args=args)
    server.mutation("counters:add", args)
    after = client.call("httpConsistentQuery", path="counters:get", args=args)
    assert (before, after) == (1, 1)
    assert client.call("httpQuery", path="counters:get", args=args) == 2


def test_mutations_over_http_are_applied_in_the_order_sent(client: NodeClient) -> None:
    texts = [str(number) for number in range(20)]
    calls = [
        client.send("httpMutation", path="journal:append", args={"topic": "http", "text": text})
        for text in texts
    ]
    for call in calls:
        call.result()

    assert client.call("httpQuery", path="journal:entries", args={"topic": "http"}) == texts


def test_any_function_can_be_called_by_an_admin(client: NodeClient, server: ServerProcess) -> None:
    args = {"name": "admin"}
    server.mutation("counters:add", args)
    client.call("setAdminAuth", key=server.admin_key)

    assert client.call("httpFunction", path="counters:get", args=args) == 1
    assert client.call("httpFunction", path="counters:reset", args=args) is None
    assert client.call("httpFunction", path="counters:add", args=args) == 1
    slowly = {**args, "times": 1, "pause_ms": 0}
    assert client.call("httpFunction", path="counters:add_slowly", args=slowly) == 2


def test_function_is_refused_without_an_admin_key(client: NodeClient) -> None:
    with pytest.raises(NodeFunctionError) as caught:
        client.call("httpFunction", path="counters:get", args={"name": "n"})

    assert '"code":"' in str(caught.value).replace(" ", "")


def test_a_wrong_admin_key_is_refused(client: NodeClient, server: ServerProcess) -> None:
    client.call("setAdminAuth", key=server.admin_key[:-1] + "!")

    with pytest.raises(NodeFunctionError, match="BadAdminKey"):
        client.call("httpFunction", path="counters:get", args={"name": "n"})


def test_an_admin_reaches_internal_functions_over_the_socket(
    client: NodeClient, server: ServerProcess
) -> None:
    server.mutation("counters:add", {"name": "internal"})
    client.call("setAdminAuth", key=server.admin_key)

    assert client.call("mutation", path="counters:reset", args={"name": "internal"}) is None
    assert client.call("query", path="counters:get", args={"name": "internal"}) == 0

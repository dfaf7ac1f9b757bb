"""Live queries, optimistic updates and log lines through the unmodified npm client on Node.js.

The numbers are those of the rule list in the protocol's fact sheet.
"""

import pytest

from tests.acceptance.node_client import Event, NodeClient, NodeFunctionError
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.node


def test_a_subscription_shows_each_change(client: NodeClient, server: ServerProcess) -> None:
    client.call("subscribe", name="live", path="counters:get", args={"name": "live"})
    client.wait_for_update("live", 0)
    server.mutation("counters:add", {"name": "live"})
    client.wait_for_update("live", 1)
    server.mutation("counters:add", {"name": "live", "amount": 4})
    client.wait_for_update("live", 5)

    assert client.updates("live") == [0, 1, 5]


def test_a_subscription_goes_from_a_value_to_an_error(
    client: NodeClient, server: ServerProcess
) -> None:
    args = {"topic": "failing"}
    client.call("subscribe", name="failing", path="errors:raise_when_written", args=args)
    client.wait_for_update("failing", 0)
    server.mutation("journal:append", {"topic": "failing", "text": "broken"})

    told = client.wait_for(lambda event: event["event"] == "failure")
    assert told["error"]["isConvexError"]
    assert told["error"]["data"] == "broken"


def test_an_ended_subscription_is_quiet(client: NodeClient, server: ServerProcess) -> None:
    args = {"name": "ended"}
    for name in ("ended", "witness"):
        client.call("subscribe", name=name, path="counters:get", args=args)
        client.wait_for_update(name, 0)
    client.call("unsubscribe", name="ended")
    server.mutation("counters:add", args)
    client.wait_for_update("witness", 1)

    assert client.updates("ended") == [0]


def test_rule_1_a_long_chain_of_transitions_never_breaks(client: NodeClient) -> None:
    for number in range(20):
        args = {"name": f"chain {number % 4}"}
        client.call("subscribe", name=f"chain {number}", path="counters:get", args=args)
        client.send("mutation", path="counters:add", args=args)
        if number % 3 == 2:
            client.call("unsubscribe", name=f"chain {number}")
    client.call("subscribe", name="last", path="counters:get", args={"name": "chain 3"})

    client.wait_for_update("last", 5)


def test_rule_2_a_mutation_that_changes_nothing_is_answered(client: NodeClient) -> None:
    assert client.call("mutation", path="values:echo_mutation", args={"value": 1}) == 1
    client.call("subscribe", name="still", path="counters:get", args={"name": "still"})
    client.wait_for_update("still", 0)

    assert client.call("mutation", path="values:echo_mutation", args={"value": 2}) == 2


def test_rule_3_an_optimistic_update_is_replaced_in_one_step(client: NodeClient) -> None:
    query = {"path": "journal:entries", "args": {"topic": "optimistic"}}
    client.call("subscribe", name="entries", **query)
    client.wait_for_update("entries", [])
    for number in range(10):
        client.call(
            "mutation",
            path="journal:append",
            args={"topic": "optimistic", "text": f"text {number}"},
            optimistic={**query, "append": f"guess {number}"},
        )

    client.wait_for_update("entries", [f"text {number}" for number in range(10)])
    for shown in client.updates("entries"):
        *settled, last = shown or [""]
        count = len(settled)
        assert settled == [f"text {number}" for number in range(count)], shown
        assert last in ("", f"text {count}", f"guess {count}"), shown


def test_rule_3_a_failed_mutation_takes_its_optimistic_update_back(client: NodeClient) -> None:
    query = {"path": "journal:entries", "args": {"topic": "refused"}}
    client.call("subscribe", name="entries", **query)
    client.wait_for_update("entries", [])

    with pytest.raises(NodeFunctionError, match="the plain error"):
        client.call(
            "mutation",
            path="errors:raise_plain_mutation",
            args={"topic": "refused"},
            optimistic={**query, "append": "guess"},
        )
    assert client.updates("entries") == [[], ["guess"], []]


def test_rule_8_a_failure_leaves_the_client_alive(client: NodeClient) -> None:
    for path in ("errors:raise_plain", "no/such:function", "errors:raise_data"):
        with pytest.raises(NodeFunctionError):
            client.call("query", path=path)

    assert client.call("query", path="values:echo", args={"value": "alive"}) == "alive"
    assert not [line for line in client.console() if "FATAL" in line]


def test_rule_12_mutations_are_applied_in_the_order_sent(client: NodeClient) -> None:
    texts = [str(number) for number in range(100)]
    calls = [
        client.send("mutation", path="journal:append", args={"topic": "order", "text": text})
        for text in texts
    ]
    for call in calls:
        call.result()

    assert client.call("query", path="journal:entries", args={"topic": "order"}) == texts


def test_actions_run_beside_mutations(client: NodeClient) -> None:
    args = {"name": "slow", "times": 3, "pause_ms": 100}
    action = client.send("action", path="counters:add_slowly", args=args)

    assert client.call("mutation", path="values:echo_mutation", args={"value": "first"}) == "first"
    assert action.result() == 3


def test_rule_17_a_huge_result_arrives_in_chunks(client: NodeClient, server: ServerProcess) -> None:
    args = {"topic": "huge", "size": 12_000_000}
    client.call("subscribe", name="huge", path="results:live_blob", args=args)
    client.wait_for_update("huge", "0:".ljust(12_000_000, "x"))
    server.mutation("journal:append", {"topic": "huge", "text": "one"})

    client.wait_for_update("huge", "1:".ljust(12_000_000, "x"))


# --- Log lines ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "path", "letter"),
    [
        ("query", "logs:print_line", "Q"),
        ("mutation", "logs:print_line_mutation", "M"),
        ("action", "logs:print_line_action", "A"),
    ],
)
def test_rule_5_a_printed_line_reaches_the_console(
    client: NodeClient, operation: str, path: str, letter: str
) -> None:
    client.call(operation, path=path, args={"line": "a printed line"})

    told = wait_for_console(client, "a printed line")
    assert f"[CONVEX {letter}({path})]" in told["text"]
    assert "[LOG]" in told["text"]


def test_rule_5_every_line_carries_its_level(client: NodeClient) -> None:
    client.call("query", path="logs:log_levels", args={"topic": "levels"})

    for level, text in (("INFO", "information"), ("WARN", "warning"), ("ERROR", "error")):
        told = wait_for_console(client, f"levels: {text}")
        assert f"[{level}]" in told["text"]
    assert not [line for line in client.console() if "Could not parse" in line]


def wait_for_console(client: NodeClient, text: str) -> Event:
    return client.wait_for(lambda event: event["event"] == "console" and text in event["text"])

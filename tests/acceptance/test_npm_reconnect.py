"""The unmodified npm client and a server that is killed: exactly once, nothing lost."""

from itertools import groupby

import pytest

from tests.acceptance.conftest import connected_client
from tests.acceptance.muting_proxy import MutingProxy
from tests.acceptance.node_client import NodeClient, NodeFunctionError, PendingCall
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.node

JOURNAL = {"topic": "kill"}


def append(client: NodeClient, text: str) -> PendingCall:
    return client.send("mutation", path="journal:append", args={**JOURNAL, "text": text})


def test_rule_11_mutations_around_a_kill_are_applied_exactly_once(
    own_server: ServerProcess,
) -> None:
    texts = [str(number) for number in range(60)]
    with connected_client(own_server.url) as client:
        first = append(client, texts[0])
        first.result()
        around = [append(client, text) for text in texts[1:30]]
        around[0].result()  # The others are somewhere between sent and answered.
        own_server.kill()
        meanwhile = [append(client, text) for text in texts[30:]]
        own_server.start()
        ids = [call.result() for call in [first, *around, *meanwhile]]

        stored = own_server.query("journal:documents", JOURNAL)
        assert [(entry["_id"], entry["text"]) for entry in stored] == list(
            zip(ids, texts, strict=True)
        )


def test_rule_11_a_committed_mutation_without_an_answer_is_not_applied_again(
    own_server: ServerProcess,
) -> None:
    args = {"name": "unanswered"}
    with MutingProxy(own_server.url) as proxy, connected_client(proxy.url) as client:
        assert client.call("mutation", path="counters:add", args=args) == 1
        proxy.is_muted = True
        unanswered = client.send("mutation", path="counters:add", args=args)
        own_server.wait_for_value("counters:get", args, 2)
        assert not unanswered.is_answered
        own_server.kill()
        proxy.is_muted = False
        own_server.start()

        assert unanswered.result() == 2
        assert own_server.query("counters:get", args) == 2


def test_rule_10_a_client_goes_on_after_restarts(own_server: ServerProcess) -> None:
    with connected_client(own_server.url) as client:
        client.call("subscribe", name="count", path="counters:get", args={"name": "restart"})
        client.wait_for_update("count", 0)
        for number in range(1, 4):
            assert client.call("mutation", path="counters:add", args={"name": "restart"}) == number
            client.wait_for_update("count", number)
            seen = len(client.events)
            own_server.restart()
            client.wait_for_connection(False, after=seen)
            client.wait_for_connection(True, after=seen)
        own_server.mutation("counters:add", {"name": "restart"})
        client.wait_for_update("count", 4)

        # A reconnection may repeat the value that is shown; it never goes back.
        assert [value for value, _ in groupby(client.updates("count"))] == [0, 1, 2, 3, 4]


def test_a_subscription_catches_up_after_a_kill(own_server: ServerProcess) -> None:
    with connected_client(own_server.url) as client:
        client.call("subscribe", name="entries", path="journal:entries", args=JOURNAL)
        client.wait_for_update("entries", [])
        seen = len(client.events)
        own_server.kill()
        client.wait_for_connection(False, after=seen)
        own_server.start()
        own_server.mutation("journal:append", {**JOURNAL, "text": "while away"})

        client.wait_for_update("entries", ["while away"])


def test_an_action_cut_off_by_a_kill_fails_and_is_not_repeated(own_server: ServerProcess) -> None:
    with connected_client(own_server.url) as client:
        client.call("subscribe", name="count", path="counters:get", args={"name": "cut off"})
        client.wait_for_update("count", 0)
        args = {"name": "cut off", "times": 1000, "pause_ms": 20}
        action = client.send("action", path="counters:add_slowly", args=args)
        client.wait_for(lambda event: event["event"] == "update" and event["value"] >= 1)
        own_server.kill()
        own_server.start()

        with pytest.raises(NodeFunctionError, match="Connection lost while action was in flight"):
            action.result()
        count = own_server.query("counters:get", {"name": "cut off"})
        assert count >= 1
        assert client.call("query", path="values:echo", args={"value": count}) == count
        assert own_server.query("counters:get", {"name": "cut off"}) == count


def test_acknowledged_mutations_survive_a_kill(own_server: ServerProcess) -> None:
    with connected_client(own_server.url) as client:
        calls = [append(client, str(number)) for number in range(200)]
        calls[100].result()
        own_server.kill()
        acknowledged = [
            str(number) for number, call in enumerate(calls) if number <= 100 or call.is_answered
        ]

    own_server.start()
    stored = own_server.query("journal:entries", JOURNAL)
    assert stored == [str(number) for number in range(len(stored))]
    assert set(acknowledged) <= set(stored)


def test_rule_7_a_refused_token_leaves_the_client_anonymous_and_alive(
    own_server: ServerProcess,
) -> None:
    with connected_client(own_server.url) as client:
        client.call("setAuth", token="no.such.token")
        told = client.wait_for(lambda event: event["event"] == "auth")

        assert told["isAuthenticated"] is False
        assert client.call("query", path="values:echo", args={"value": "alive"}) == "alive"

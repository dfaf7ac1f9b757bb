"""The rules of the protocol that the unmodified PyPI client shows, websocket and HTTP.

The numbers are those of the rule list in the protocol's fact sheet. Its calls block without a
limit, so each runs in a thread that the test does not wait for longer than it should.
"""

import math
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import pytest
from convex import ConvexClient, ConvexError, ConvexInt64
from convex.http_client import ConvexExecutionError, ConvexHttpClient

from tests.acceptance.server_process import ServerProcess

CALL_SECONDS_MAX = 60.0
Result = TypeVar("Result")
Client = ConvexClient | ConvexHttpClient
Arguments = dict[str, Any]  # Any: the client's own type for values is not generic enough.

VALUES: dict[str, Any] = {  # Any: values of every type that the client knows.
    "null": None,
    "booleans": [True, False],
    "numbers": [0.0, -0.0, 1.0, -1.5, 1e300, 5e-324, math.inf, -math.inf],
    "integers": [ConvexInt64(0), ConvexInt64(-1), ConvexInt64(2**63 - 1), ConvexInt64(-(2**63))],
    "strings": ["", "plain", "\x00\u2028\ud7ff\uffff", "smile \U0001f600"],
    "bytes": [b"", b"\x00\xff"],
    "containers": [[], {}, [[[]]], {"": {"_nested": [{"a b": 1.0}]}}],
}


def within_time(call: Callable[[], Result]) -> Result:
    """Return what ``call`` returns, raise what it raises, or give up."""
    outcomes: SimpleQueue[tuple[Result | None, Exception | None]] = SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((call(), None))
        except Exception as error:  # Whatever it is, it is raised again below.
            outcomes.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = outcomes.get(timeout=CALL_SECONDS_MAX)
    except Empty:
        raise TimeoutError(f"no answer in {CALL_SECONDS_MAX} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # None only where Result has it.


@pytest.fixture(params=["websocket", "http"])
def client(request: pytest.FixtureRequest, server: ServerProcess) -> Client:
    return ConvexClient(server.url) if request.param == "websocket" else http_client(server)


@pytest.fixture
def socket_client(server: ServerProcess) -> ConvexClient:
    return ConvexClient(server.url)


def http_client(server: ServerProcess) -> ConvexHttpClient:
    return ConvexHttpClient(server.url)


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("query", "values:echo"),
        ("mutation", "values:echo_mutation"),
        ("action", "values:echo_action"),
    ],
)
def test_rule_13_every_value_comes_back_as_it_went(
    client: Client, kind: str, path: str, name: str
) -> None:
    value = VALUES[name]
    returned = within_time(lambda: getattr(client, kind)(path, {"value": value}))

    assert repr(returned) == repr(value)  # Tells 0.0 from -0.0, and a float from an integer.


def test_not_a_number_comes_back(client: Client) -> None:
    returned = within_time(lambda: client.query("values:echo", {"value": math.nan}))

    assert math.isnan(returned)


@pytest.mark.parametrize("path", ["values:default", "values.js:default", "values"])
def test_rule_14_a_path_may_be_spelt_in_several_ways(client: Client, path: str) -> None:
    assert within_time(lambda: client.query(path, {"value": "here"})) == "here"


def test_rules_2_and_3_a_mutation_is_read_back_at_once(client: Client) -> None:
    args: Arguments = {"name": f"read back {type(client).__module__}"}
    for number in range(1, 11):
        assert within_time(lambda: client.mutation("counters:add", args)) == number
        assert within_time(lambda: client.query("counters:get", args)) == number


def test_an_action_returns_its_value(client: Client) -> None:
    args: Arguments = {"name": f"action {type(client).__module__}", "times": 2, "pause_ms": 1}

    assert within_time(lambda: client.action("counters:add_slowly", args)) == 2


@pytest.mark.parametrize(
    ("kind", "path", "args"),
    [
        ("query", "errors:raise_plain", {}),
        ("mutation", "errors:raise_plain_mutation", {"topic": "python"}),
        ("action", "errors:raise_plain_action", {}),
    ],
)
def test_rules_4_and_16_a_plain_error_is_an_exception_with_the_text(
    client: Client, kind: str, path: str, args: Arguments
) -> None:
    with pytest.raises(Exception, match="Uncaught ValueError: the plain error") as caught:
        within_time(lambda: getattr(client, kind)(path, args))

    assert not isinstance(caught.value, ConvexError)
    assert re.match(r"\[Request ID: [0-9a-f]{16}\] Server Error\n", str(caught.value))


@pytest.mark.parametrize("data", [None, "text", 1.5, {"code": "full", "left": [0.0]}])
@pytest.mark.parametrize(
    ("kind", "path", "extra"),
    [
        ("query", "errors:raise_data", {}),
        ("mutation", "errors:raise_data_mutation", {"topic": "python"}),
        ("action", "errors:raise_data_action", {}),
    ],
)
def test_rule_4_the_data_of_a_convex_error_arrive(
    client: Client, kind: str, path: str, extra: Arguments, data: object
) -> None:
    with pytest.raises(ConvexError) as caught:
        within_time(lambda: getattr(client, kind)(path, {**extra, "data": data}))

    assert caught.value.data == data


def test_rule_8_a_failure_leaves_the_client_alive(client: Client) -> None:
    for path in ("errors:raise_plain", "no:such"):
        with pytest.raises(Exception, match="Server Error"):
            within_time(partial(client.query, path))

    assert within_time(lambda: client.query("values:echo", {"value": "alive"})) == "alive"


def test_rule_16_a_function_error_is_no_http_error(server: ServerProcess) -> None:
    with pytest.raises(ConvexExecutionError, match="Could not find public function for 'no:such'"):
        http_client(server).query("no:such")


def test_a_subscription_shows_each_change(
    socket_client: ConvexClient, server: ServerProcess
) -> None:
    args: Arguments = {"name": "python live"}
    values = subscribe(socket_client, "counters:get", args)
    assert within_time(lambda: next(values)) == 0
    for number in range(1, 4):
        server.mutation("counters:add", args)

        assert wait_for(values, number) == number


def test_a_subscription_goes_from_a_value_to_an_error(
    socket_client: ConvexClient, server: ServerProcess
) -> None:
    args: Arguments = {"topic": "python failing"}
    values = subscribe(socket_client, "errors:raise_when_written", args)
    assert within_time(lambda: next(values)) == 0
    server.mutation("journal:append", {**args, "text": "broken"})

    with pytest.raises(ConvexError) as caught:
        wait_for(values, "never")
    assert caught.value.data == "broken"


def test_rule_9_many_mutations_leave_one_session(socket_client: ConvexClient) -> None:
    topic: Arguments = {"topic": "python order"}
    expected = [str(number) for number in range(50)]
    for text in expected:
        args: Arguments = {**topic, "text": text}
        within_time(partial(socket_client.mutation, "journal:append", args))

    assert within_time(lambda: socket_client.query("journal:entries", topic)) == expected


def test_rule_10_a_client_goes_on_after_a_kill(own_server: ServerProcess) -> None:
    client = ConvexClient(own_server.url)
    args: Arguments = {"name": "python kill"}
    values = subscribe(client, "counters:get", args)
    assert within_time(lambda: next(values)) == 0
    for number in range(1, 4):
        assert within_time(lambda: client.mutation("counters:add", args)) == number
        own_server.restart()

    own_server.mutation("counters:add", args)
    assert wait_for(values, 4) == 4


def test_rules_16b_and_17_huge_results_arrive_whole(own_server: ServerProcess) -> None:
    client = ConvexClient(own_server.url)
    large: Arguments = {"topic": "python huge", "size": 10_000_000}
    larger: Arguments = {"topic": "python huge", "size": 11_000_000}
    first = subscribe(client, "results:live_blob", large)
    second = subscribe(client, "results:live_blob", larger)
    assert len(within_time(lambda: next(first))) == 10_000_000
    assert len(within_time(lambda: next(second))) == 11_000_000
    # Both queries change at once, so one message of 21 MB carries both.
    own_server.mutation("journal:append", {"topic": "python huge", "text": "one"})

    assert wait_for(first, "1:".ljust(10_000_000, "x")).startswith("1:")
    assert wait_for(second, "1:".ljust(11_000_000, "x")).startswith("1:")


def test_an_admin_reaches_internal_functions(server: ServerProcess, client: Client) -> None:
    args: Arguments = {"name": f"admin {type(client).__module__}"}
    server.mutation("counters:add", args)
    with pytest.raises(Exception, match="Could not find public function for 'counters:reset'"):
        within_time(lambda: client.mutation("counters:reset", args))
    client.set_admin_auth(server.admin_key)

    assert within_time(lambda: client.mutation("counters:reset", args)) is None
    assert within_time(lambda: client.query("counters:get", args)) == 0


def test_a_printed_line_reaches_the_clients_output(
    socket_client: ConvexClient, capfd: pytest.CaptureFixture[str]
) -> None:
    within_time(lambda: socket_client.query("logs:print_line", {"line": "rule 5 in Python"}))

    assert "[LOG] rule 5 in Python" in capfd.readouterr().out


def subscribe(client: ConvexClient, path: str, args: Arguments) -> Iterator[Any]:
    return iter(within_time(lambda: client.subscribe(path, args)))


def wait_for(values: Iterator[Any], wanted: object) -> Any:
    """Return ``wanted`` as soon as it comes; the client may repeat what it had before."""
    while (value := within_time(lambda: next(values))) != wanted:
        pass
    return value

from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import Failure, Outcome, Success, limits
from livefile_server.sync import wire
from livefile_server.sync.shared_transitions import SharedTransitions
from livefile_server.sync.state import Version
from tests.conftest import Golden
from tests.server.sync_client import version

START = Version(query_set=1, identity=0, ts=1000)
END = Version(query_set=2, identity=1, ts=2000)
NS = 1_700_000_000_000_000_000
LINES = ("[LOG] 'hé'", '[ERROR] "two"')
SUCCESS = Success(json=b'{"n":1.0}', log_lines=LINES, ts=2000)
FAILURE = Failure(message="[Request ID: 00] Server Error\nno", log_lines=LINES, ts=2000)
APPLICATION_FAILURE = Failure(message="ConvexError", data_json=b'{"why":"none"}', ts=2000)
NULL_DATA_FAILURE = Failure(message="ConvexError", data_json=b"null", ts=2000)
OUTCOMES: dict[int, Outcome | None] = {
    1: SUCCESS,
    2: FAILURE,
    3: APPLICATION_FAILURE,
    4: NULL_DATA_FAILURE,
    5: None,
}


def test_every_server_message_is_as_clients_read_it(golden: Golden) -> None:
    messages = {
        "ping": wire.PING,
        "transition that answers a change": wire.encode_transition(START, END, OUTCOMES, NS, -12),
        "transition": wire.encode_transition(START, END, {}, NS),
        "transition chunk": wire.cut_transition(wire.encode_transition(START, END, {}, NS))[0],
        "mutation response": wire.encode_mutation_response(1, SUCCESS),
        "mutation response, failed": wire.encode_mutation_response(2, FAILURE),
        "mutation response, ConvexError": wire.encode_mutation_response(3, APPLICATION_FAILURE),
        "mutation response, ConvexError null": wire.encode_mutation_response(4, NULL_DATA_FAILURE),
        "action response": wire.encode_action_response(1, SUCCESS),
        "action response, failed": wire.encode_action_response(2, FAILURE),
        "action response, ConvexError": wire.encode_action_response(3, APPLICATION_FAILURE),
        "auth error of an update": wire.encode_auth_error("no", 3, is_update=True),
        "auth error of a request": wire.encode_auth_error("no", 3, is_update=False),
        "fatal error": wire.encode_fatal_error('say "no"'),
    }
    lines = [f"# {name}\n{message.decode()}\n" for name, message in messages.items()]

    golden.check("server_messages.txt", "\n".join(lines))
    for message in messages.values():
        assert orjson.loads(message)["type"]


@pytest.mark.parametrize(
    "outcome",
    [
        Success(json=b"1.0", journal='end "of" page'),
        Failure(message="no", journal='end "of" page'),
        Failure(message="no", data_json=b"{}", journal='end "of" page'),
    ],
)
def test_a_query_carries_its_journal(outcome: Outcome) -> None:
    assert orjson.loads(wire.encode_modification(3, outcome))["journal"] == 'end "of" page'


def test_what_is_too_large_for_a_client_keeps_its_journal() -> None:
    failure = wire.fit_outcome(Success(json=b"1.0", journal="end"), "The result")

    assert failure.journal == "end"


def test_a_transition_names_both_its_ends() -> None:
    transition = orjson.loads(wire.encode_transition(START, END, {}, NS))

    assert transition == {
        "type": "Transition",
        "startVersion": version(1, 0, 1000),
        "endVersion": version(2, 1, 2000),
        "modifications": [],
        "serverTs": NS,
    }


def test_error_data_is_there_only_for_application_errors() -> None:
    modifications = [orjson.loads(wire.encode_modification(1, o)) for o in OUTCOMES.values()]

    assert ["errorData" in modification for modification in modifications] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert modifications[3]["errorData"] is None


@pytest.mark.parametrize("outcome", [Success(json=b"1.0"), Failure(message="no")])
def test_log_lines_are_always_a_list(outcome: Outcome) -> None:
    for payload in (
        wire.encode_modification(1, outcome),
        wire.encode_mutation_response(1, outcome),
        wire.encode_action_response(1, outcome),
    ):
        assert orjson.loads(payload)["logLines"] == []


@given(st.text(max_size=20), st.lists(st.text(max_size=10), max_size=3), st.integers(0, 2**32 - 1))
def test_any_text_survives(text: str, lines: list[str], number: int) -> None:
    failure = Failure(message=text, log_lines=tuple(lines))
    response = orjson.loads(wire.encode_mutation_response(number, failure))

    assert response["result"] == text
    assert response["logLines"] == lines
    assert response["requestId"] == number


def test_a_long_transition_is_cut_between_characters() -> None:
    # An odd offset, so that a cut at the exact size would split a character of two bytes.
    text = "x" + "é" * (limits.TRANSITION_CHUNK_SIZE_BYTES // 2 * 2)
    transition = wire.encode_transition(START, END, {1: Success(json=orjson.dumps(text))}, NS)

    chunks = [orjson.loads(chunk) for chunk in wire.cut_transition(transition)]

    assert [chunk["partNumber"] for chunk in chunks] == list(range(len(chunks)))
    assert len(chunks) == 3
    assert {chunk["totalParts"] for chunk in chunks} == {3}
    assert {chunk["transitionId"] for chunk in chunks} == {str(len(transition))}
    sizes = [len(chunk["chunk"].encode()) for chunk in chunks]
    assert max(sizes) <= limits.TRANSITION_CHUNK_SIZE_BYTES
    assert "".join(chunk["chunk"] for chunk in chunks).encode() == transition


def test_only_the_largest_outcomes_give_way_until_a_transition_fits() -> None:
    half = Success(json=b'"%b"' % (b"x" * (limits.MESSAGE_SIZE_BYTES_MAX // 2)), ts=5)
    outcomes: Mapping[int, Outcome | None] = {1: SUCCESS, 2: half, 3: half, 4: None}

    fitting = wire.fit_outcomes(outcomes)

    assert fitting[1] is SUCCESS
    assert fitting[4] is None
    failures = [outcome for outcome in fitting.values() if isinstance(outcome, Failure)]
    assert len(failures) == 1
    assert failures[0].message.startswith("The result of this query is too large")
    payload = wire.encode_transition(START, END, fitting, NS)
    assert len(payload) <= limits.MESSAGE_SIZE_BYTES_MAX


def test_equal_transitions_are_encoded_once() -> None:
    shared = SharedTransitions()
    end = Version(query_set=1, identity=0, ts=2000)

    first = shared.encode(START, end, {1: SUCCESS}, NS)
    second = shared.encode(START, end, {1: SUCCESS}, NS + 5)

    assert first is second
    assert first == wire.encode_transition(START, end, {1: SUCCESS}, NS)


def test_transitions_that_differ_are_not_shared() -> None:
    shared = SharedTransitions()
    end = Version(query_set=1, identity=0, ts=2000)
    variants: list[tuple[Version, Version, dict[int, Outcome | None]]] = [
        (START, end, {1: SUCCESS}),
        (START, end, {2: SUCCESS}),
        (START, end, {1: Success(json=b"2.0")}),
        (START, end, {1: SUCCESS, 2: None}),
        (START, end, {}),
        (Version(query_set=1, identity=0, ts=999), end, {1: SUCCESS}),
        (Version(query_set=1, identity=0, ts=999), Version(1, 0, 2001), {1: SUCCESS}),
        (Version(query_set=2, identity=0, ts=1000), Version(2, 0, 2001), {1: SUCCESS}),
        (Version(query_set=1, identity=1, ts=1000), Version(1, 1, 2001), {1: SUCCESS}),
    ]
    for start, variant_end, outcomes in [*variants, *variants]:
        assert shared.encode(start, variant_end, outcomes, NS) == wire.encode_transition(
            start, variant_end, outcomes, NS
        )


def test_shared_transitions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRANSITIONS_SHARED_MAX", 2)
    shared = SharedTransitions()
    end = Version(query_set=1, identity=0, ts=2000)
    first = shared.encode(START, end, {1: SUCCESS}, NS)
    for query_id in (2, 3):
        shared.encode(START, end, {query_id: SUCCESS}, NS)

    again = shared.encode(START, end, {1: SUCCESS}, NS)

    assert again is not first
    assert again == first

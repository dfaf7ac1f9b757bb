import pytest

from livefile import ANONYMOUS, LivefileError, QuerySetChange, WatchQuery
from livefile_server.sync.effects import ChangeQuerySet, Close, SendFrame
from livefile_server.sync.phase import Phase
from livefile_server.sync.shared_transitions import SharedTransitions
from tests.server.sync_client import (
    LATEST_TS,
    NOW_NS,
    ROWS,
    SECOND_NS,
    action,
    add,
    connect,
    connected_session,
    frame,
    message,
    modify,
    mutation,
    new_session,
    remove,
    request_id,
    update,
    version,
    watching_session,
)


def test_a_connect_is_not_answered() -> None:
    session = new_session()

    assert session.receive_text(connect(), NOW_NS) == []
    assert session.phase is Phase.CONNECTED


def test_a_second_connect_is_a_bug_of_the_client() -> None:
    effects = connected_session().receive_text(connect(), NOW_NS)

    assert frame(effects) == {
        "type": "FatalError",
        "error": "Connect was sent to a socket that is connected",
    }
    assert effects[-1] == Close(code=1000)


def test_a_client_that_saw_the_future_must_come_again() -> None:
    session = new_session()
    future = version(0, 0, LATEST_TS + 1)["ts"]

    effects = session.receive_text(connect(maxObservedTimestamp=future), NOW_NS)

    assert effects == [Close(code=1011, reason="InternalServerError")]


def test_a_client_that_saw_the_newest_state_goes_on() -> None:
    session = new_session()
    newest = version(0, 0, LATEST_TS)["ts"]

    assert session.receive_text(connect(maxObservedTimestamp=newest), NOW_NS) == []


def test_a_change_of_the_query_set_goes_to_the_engine() -> None:
    session = connected_session()

    effects = session.receive_text(
        modify(0, 1, add(1, "messages.js:list", [{"n": 1}]), {**add(2, "users"), "journal": "end"}),
        NOW_NS,
    )

    change = QuerySetChange(
        query_set_version=1,
        identity_version=0,
        identity=ANONYMOUS,
        added=(
            WatchQuery(query_id=1, path="messages:list", args={"n": 1.0}),
            WatchQuery(query_id=2, path="users:default", args={}, journal="end"),
        ),
        removed=(),
    )
    assert effects == [ChangeQuerySet(change)]


def test_an_update_becomes_a_transition() -> None:
    session = connected_session()
    session.receive_text(modify(0, 1, add(1)), NOW_NS)

    transition = frame(session.updated(update(LATEST_TS, 1, q1=ROWS), NOW_NS + 7))

    assert transition == {
        "type": "Transition",
        "startVersion": version(0, 0, 0),
        "endVersion": version(1, 0, LATEST_TS),
        "modifications": [
            {
                "type": "QueryUpdated",
                "queryId": 1,
                "value": [1.0],
                "logLines": ["[LOG] 'a'"],
                "journal": None,
            }
        ],
        "serverTs": NOW_NS + 7,
    }


def test_transitions_form_a_chain() -> None:
    session = watching_session()

    second = frame(session.updated(update(LATEST_TS + 1, 1, q1=ROWS), NOW_NS))
    session.receive_text(modify(1, 2, remove(1)), NOW_NS)
    third = frame(session.updated(update(LATEST_TS + 1, 2, q1=None), NOW_NS))

    assert second["startVersion"] == version(1, 0, LATEST_TS)
    assert second["endVersion"] == third["startVersion"] == version(1, 0, LATEST_TS + 1)
    assert third["endVersion"] == version(2, 0, LATEST_TS + 1)
    assert third["modifications"] == [{"type": "QueryRemoved", "queryId": 1}]


def test_the_clock_skew_is_told_only_with_the_answer_to_a_change() -> None:
    session = new_session()
    client_ms = NOW_NS // 1_000_000 - 250
    session.receive_text(connect(clientTs=client_ms), NOW_NS)
    session.receive_text(modify(0, 1, add(1)), NOW_NS)

    answer = frame(session.updated(update(LATEST_TS, 1, q1=ROWS), NOW_NS))
    push = frame(session.updated(update(LATEST_TS + 1, 1, q1=ROWS), NOW_NS))

    assert answer["clientClockSkew"] == -250
    assert "clientClockSkew" not in push


def test_two_clients_get_the_same_bytes() -> None:
    transitions = SharedTransitions()
    pushes = []
    for _ in range(2):
        session = new_session(transitions=transitions)
        session.receive_text(modify(0, 1, add(1)), NOW_NS)
        session.updated(update(LATEST_TS, 1, q1=ROWS), NOW_NS)
        pushes.append(session.updated(update(LATEST_TS + 1, 1, q1=ROWS), NOW_NS))

    (first,), (second,) = pushes
    assert isinstance(first, SendFrame)
    assert isinstance(second, SendFrame)
    assert first.payload is second.payload


def test_a_change_with_a_wrong_base_is_a_bug_of_the_client() -> None:
    effects = connected_session().receive_text(modify(1, 2), NOW_NS)

    assert frame(effects) == {
        "type": "FatalError",
        "error": "ModifyQuerySet has base version 1, expected 0",
    }
    assert effects[-1] == Close(code=1000)


def test_a_query_added_twice_closes_the_socket() -> None:
    effects = connected_session().receive_text(modify(0, 1, add(1), add(1)), NOW_NS)

    assert effects == [Close(code=1011, reason="InternalServerError")]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (add(2, "no path:at all"), "no path"),
        (add(2, args=[{}, {}]), "Expected to receive a single object as the function's argument."),
        (add(2, args=7), "Expected to receive an object as the function's argument."),
        (add(2, args=[{"n": {"$integer": "x"}}]), "Invalid arguments for messages.js:list: "),
        ({**add(2), "componentPath": "a b"}, "'a b' is no name of a component"),
    ],
)
def test_a_malformed_query_fails_alone(query: dict[str, object], text: str) -> None:
    session = connected_session()

    effects = session.receive_text(modify(0, 1, add(1), query), NOW_NS)
    transition = frame(session.updated(update(LATEST_TS, 1, q1=ROWS), NOW_NS))

    assert isinstance(effects[0], ChangeQuerySet)
    assert [watched.query_id for watched in effects[0].change.added] == [1]
    updated, failed = transition["modifications"]
    assert (updated["type"], updated["queryId"]) == ("QueryUpdated", 1)
    assert (failed["type"], failed["queryId"]) == ("QueryFailed", 2)
    first_line, second_line = failed["errorMessage"].split("\n", 1)
    assert first_line == f"[Request ID: {request_id('s1|query|2')}] Server Error"
    assert text in second_line
    assert "errorData" not in failed


def test_a_malformed_query_waits_for_the_answer_to_its_own_change() -> None:
    session = watching_session()
    session.receive_text(modify(1, 2, add(2, "no path:at all")), NOW_NS)

    push = frame(session.updated(update(LATEST_TS + 1, 1, q1=ROWS), NOW_NS))
    answer = frame(session.updated(update(LATEST_TS + 1, 2), NOW_NS))
    later = frame(session.updated(update(LATEST_TS + 2, 2, q1=ROWS), NOW_NS))

    assert [part["queryId"] for part in push["modifications"]] == [1]
    assert [part["type"] for part in answer["modifications"]] == ["QueryFailed"]
    assert [part["queryId"] for part in later["modifications"]] == [1]


def test_a_malformed_query_can_be_removed() -> None:
    session = connected_session()
    session.receive_text(modify(0, 1, add(2, "no path:at all")), NOW_NS)
    session.updated(update(LATEST_TS, 1), NOW_NS)

    (change,) = session.receive_text(modify(1, 2, remove(2)), NOW_NS)
    transition = frame(session.updated(update(LATEST_TS, 2), NOW_NS))

    assert isinstance(change, ChangeQuerySet)
    assert change.change.removed == ()
    assert transition["modifications"] == [{"type": "QueryRemoved", "queryId": 2}]


def test_a_query_added_and_removed_at_once_is_only_removed() -> None:
    session = connected_session()

    (change,) = session.receive_text(modify(0, 1, add(1), remove(1)), NOW_NS)
    transition = frame(session.updated(update(LATEST_TS, 1), NOW_NS))

    assert isinstance(change, ChangeQuerySet)
    assert change.change.added == ()
    assert change.change.removed == ()
    assert transition["modifications"] == [{"type": "QueryRemoved", "queryId": 1}]


def test_a_frame_that_is_no_message_ends_the_client() -> None:
    effects = connected_session().receive_text(b"{", NOW_NS)

    assert frame(effects)["type"] == "FatalError"
    assert frame(effects)["error"].startswith("Received Invalid JSON on websocket: ")
    assert effects[-1] == Close(code=1000)


def test_a_binary_message_ends_the_client() -> None:
    effects = connected_session().receive_binary(NOW_NS)

    assert frame(effects) == {"type": "FatalError", "error": "Unexpected message type: binary"}


def test_events_are_not_answered() -> None:
    event = message("Event", eventType="ClientConnect", event=None)

    assert connected_session().receive_text(event, NOW_NS) == []


def test_nothing_follows_a_close() -> None:
    session = watching_session()
    session.receive_text(mutation(1), NOW_NS)
    session.receive_text(action(2), NOW_NS)
    session.receive_text(b"{", NOW_NS)

    assert session.phase is Phase.CLOSED
    assert session.receive_text(mutation(3), NOW_NS) == []
    assert session.receive_binary(NOW_NS) == []
    assert session.mutation_done(1, ROWS, NOW_NS) == []
    assert session.action_done(2, ROWS, NOW_NS) == []
    assert session.updated(update(LATEST_TS + 1, 1, q1=ROWS), NOW_NS) == []
    assert session.writable_changed(True, NOW_NS) == []
    assert session.tick(NOW_NS + 1000 * SECOND_NS) == []
    assert session.fail(LivefileError("x")) == []


def test_a_session_whose_socket_is_gone_does_nothing_more() -> None:
    session = watching_session()
    session.end()

    assert session.updated(update(LATEST_TS + 1, 1, q1=ROWS), NOW_NS) == []

import orjson

from livefile import Success, limits
from livefile_server.sync.effects import Close, Effect, SendPing
from livefile_server.sync.phase import Phase
from tests.server.sync_client import (
    LATEST_TS,
    NOW_NS,
    PYTHON,
    ROWS,
    SECOND_NS,
    action,
    add,
    connected_session,
    frame,
    frames,
    modify,
    mutation,
    update,
    version,
    watching_session,
)


def test_a_slow_client_gets_answers_first_and_then_only_the_newest_state() -> None:
    session = watching_session()
    session.receive_text(mutation(1), NOW_NS)
    session.receive_text(mutation(2), NOW_NS)
    newest = Success(json=b"[2.0]")

    assert session.writable_changed(False, NOW_NS) == []
    assert session.updated(update(LATEST_TS + 1, 1, q1=ROWS), NOW_NS) == []
    assert session.mutation_done(1, Success(json=b"1.0", ts=LATEST_TS + 2), NOW_NS) == []
    assert session.updated(update(LATEST_TS + 2, 1, q1=newest), NOW_NS) == []
    assert session.mutation_done(2, Success(json=b"2.0", ts=LATEST_TS + 3), NOW_NS) == []
    sent = frames(session.writable_changed(True, NOW_NS))

    assert [part["type"] for part in sent] == ["MutationResponse", "MutationResponse", "Transition"]
    assert [part["requestId"] for part in sent[:2]] == [1, 2]
    assert sent[2]["startVersion"] == version(1, 0, LATEST_TS)
    assert sent[2]["endVersion"] == version(1, 0, LATEST_TS + 2)
    assert [part["value"] for part in sent[2]["modifications"]] == [[2.0]]


def test_a_client_that_caught_up_without_news_gets_nothing() -> None:
    session = watching_session()
    session.writable_changed(False, NOW_NS)

    assert session.writable_changed(True, NOW_NS) == []


def test_a_client_that_leaves_its_answers_unread_is_closed() -> None:
    session = connected_session()
    session.writable_changed(False, NOW_NS)
    effects: list[Effect] = []
    for number in range(limits.ANSWERS_HELD_PER_CLIENT_MAX + 1):
        session.receive_text(mutation(number), NOW_NS)
        effects = session.mutation_done(number, ROWS, NOW_NS)

    assert effects == [Close(code=1013, reason="TooManyConcurrentRequests")]


LARGE = Success(json=b'"%b"' % (b"x" * limits.TRANSITION_CHUNK_SIZE_BYTES), ts=LATEST_TS)
HUGE = Success(json=b'"%b"' % (b"x" * limits.MESSAGE_SIZE_BYTES_MAX), ts=LATEST_TS)


def test_npm_gets_a_large_transition_in_parts() -> None:
    session = connected_session()
    session.receive_text(modify(0, 1, add(1)), NOW_NS)

    sent = frames(session.updated(update(LATEST_TS, 1, q1=LARGE), NOW_NS))

    assert [part["type"] for part in sent] == ["TransitionChunk"] * 2
    whole = orjson.loads("".join(part["chunk"] for part in sent))
    assert whole["modifications"][0]["value"] == orjson.loads(LARGE.json)


def test_python_gets_a_large_transition_whole() -> None:
    session = connected_session(PYTHON)
    session.receive_text(modify(0, 1, add(1)), NOW_NS)

    assert frame(session.updated(update(LATEST_TS, 1, q1=LARGE), NOW_NS))["type"] == "Transition"


def test_a_result_that_python_cannot_take_fails_instead() -> None:
    session = connected_session(PYTHON)
    session.receive_text(modify(0, 1, add(1), add(2)), NOW_NS)

    transition = frame(session.updated(update(LATEST_TS, 1, q1=HUGE, q2=ROWS), NOW_NS))

    failed, fine = transition["modifications"]
    assert failed["type"] == "QueryFailed"
    assert "too large" in failed["errorMessage"]
    assert fine["type"] == "QueryUpdated"


def test_an_answer_that_python_cannot_take_fails_instead() -> None:
    session = connected_session(PYTHON)
    session.receive_text(mutation(1), NOW_NS)
    session.receive_text(action(2), NOW_NS)

    mutation_response = frame(session.mutation_done(1, HUGE, NOW_NS))
    action_response = frame(session.action_done(2, HUGE, NOW_NS))

    assert mutation_response["success"] is False
    assert mutation_response["result"].startswith("The mutation was committed, but its result is")
    assert action_response["success"] is False


def test_the_socket_is_pinged_while_it_is_busy() -> None:
    session = watching_session()
    ping_ns = limits.WEBSOCKET_PING_INTERVAL_MS * 1_000_000
    session.updated(update(LATEST_TS + 1, 1), NOW_NS + ping_ns)

    assert session.tick(NOW_NS + ping_ns - 1) == []
    assert session.tick(NOW_NS + ping_ns) == [SendPing()]
    assert session.tick(NOW_NS + ping_ns + 1) == []


def test_an_idle_client_gets_a_message_it_can_see() -> None:
    session = watching_session()
    idle_ns = limits.IDLE_PING_INTERVAL_MS * 1_000_000

    effects = session.tick(NOW_NS + idle_ns)

    assert frame(effects) == {"type": "Ping"}
    assert frames(session.tick(NOW_NS + idle_ns + SECOND_NS)) == []
    assert frame(session.tick(NOW_NS + 2 * idle_ns)) == {"type": "Ping"}


def test_any_message_sent_puts_off_the_idle_ping() -> None:
    session = watching_session()
    idle_ns = limits.IDLE_PING_INTERVAL_MS * 1_000_000
    session.updated(update(LATEST_TS + 1, 1, q1=ROWS), NOW_NS + SECOND_NS)

    assert frames(session.tick(NOW_NS + idle_ns)) == []


def test_a_slow_client_is_not_sent_pings_on_top() -> None:
    session = watching_session()
    session.writable_changed(False, NOW_NS)

    assert frames(session.tick(NOW_NS + 60 * SECOND_NS)) == []


def test_a_silent_client_is_given_up() -> None:
    session = watching_session()
    silence_ns = limits.CLIENT_SILENCE_MS_MAX * 1_000_000

    assert session.phase is Phase.CONNECTED
    session.tick(NOW_NS + silence_ns)
    effects = session.tick(NOW_NS + silence_ns + 1)

    assert effects == [Close(code=1000, reason="ClientSilent")]


def test_a_pong_is_a_sign_of_life() -> None:
    session = watching_session()
    silence_ns = limits.CLIENT_SILENCE_MS_MAX * 1_000_000
    session.receive_pong(NOW_NS + silence_ns)

    effects = session.tick(NOW_NS + silence_ns + SECOND_NS)

    assert not any(isinstance(effect, Close) for effect in effects)

import pytest

from livefile import (
    ANONYMOUS,
    Call,
    Caller,
    Failure,
    LivefileError,
    RequestKey,
    Success,
    errors,
    limits,
)
from livefile_server.sync.effects import Close, Require, RunAction, RunMutation
from livefile_server.sync.phase import Phase
from tests.server.sync_client import (
    LATEST_TS,
    NOW_NS,
    ROWS,
    action,
    connected_session,
    frame,
    mutation,
    new_session,
    request_id,
    version,
)


def test_a_mutation_becomes_a_call() -> None:
    effects = connected_session().receive_text(mutation(7, "m.js:send", [{"n": 1}]), NOW_NS)

    call = Call(
        path="m:send",
        args={"n": 1.0},
        identity=ANONYMOUS,
        request_id=request_id("s1|7"),
        request_key=RequestKey(session_id="s1", request_number=7),
        caller=Caller(),
    )
    assert effects == [RunMutation(request_number=7, call=call)]


def test_mutations_are_run_in_the_order_in_which_they_come() -> None:
    session = connected_session()

    effects = [session.receive_text(mutation(number), NOW_NS)[0] for number in range(5)]

    numbers = [effect.request_number for effect in effects if isinstance(effect, RunMutation)]
    assert numbers == [0, 1, 2, 3, 4]


def test_before_connect_nothing_makes_a_mutation_unique() -> None:
    (effect,) = new_session().receive_text(mutation(7), NOW_NS)

    assert isinstance(effect, RunMutation)
    assert effect.call.request_key is None


def test_a_mutation_is_answered_with_its_result() -> None:
    session = connected_session()
    session.receive_text(mutation(7), NOW_NS)

    effects = session.mutation_done(7, Success(json=b'"id"', ts=2000), NOW_NS)

    assert len(effects) == 1
    assert frame(effects) == {
        "type": "MutationResponse",
        "requestId": 7,
        "success": True,
        "result": "id",
        "ts": version(0, 0, 2000)["ts"],
        "logLines": [],
    }


def test_a_failed_mutation_is_answered_with_its_error() -> None:
    session = connected_session()
    session.receive_text(mutation(7), NOW_NS)

    response = frame(session.mutation_done(7, Failure(message="no", data_json=b"1.0"), NOW_NS))

    assert response == {
        "type": "MutationResponse",
        "requestId": 7,
        "success": False,
        "result": "no",
        "ts": None,
        "logLines": [],
        "errorData": 1.0,
    }


def test_an_action_is_answered_and_followed_by_an_update() -> None:
    session = connected_session()
    (run,) = session.receive_text(action(3), NOW_NS)

    effects = session.action_done(3, Success(json=b"null"), NOW_NS)

    assert isinstance(run, RunAction)
    assert run.call.request_key is None
    assert frame(effects)["type"] == "ActionResponse"
    assert effects[-1] == Require(ts=LATEST_TS)


@pytest.mark.parametrize("request_text", [mutation(7, "no path:at all"), action(7, args=[])])
def test_a_malformed_request_fails_alone(request_text: bytes) -> None:
    session = connected_session()

    effects = session.receive_text(request_text, NOW_NS)

    response = frame(effects)
    assert response["success"] is False
    assert response["result"].startswith(f"[Request ID: {request_id('s1|7')}] Server Error\n")
    assert effects[-1] == Require(ts=LATEST_TS)
    assert session.phase is Phase.CONNECTED


@pytest.mark.parametrize(
    ("error", "close"),
    [
        (errors.ConflictError("x"), Close(code=1013, reason="OptimisticConcurrencyControlFailure")),
        (
            errors.OverloadedError("ExecuteFullError", "x"),
            Close(code=1013, reason="ExecuteFullError"),
        ),
        (errors.LogTrimmedError("x"), Close(code=1013, reason="OutOfRetention")),
        (errors.DiskFullError("x"), Close(code=1013, reason="DiskFull")),
        (errors.ClosedError("x"), Close(code=1000, reason="ClientDisconnect")),
        (errors.StorageFailedError("x"), Close(code=1011, reason="InternalServerError")),
        (LivefileError("x"), Close(code=1011, reason="InternalServerError")),
    ],
)
def test_a_call_that_could_not_run_closes_the_socket_unanswered(
    error: LivefileError, close: Close
) -> None:
    session = connected_session()
    session.receive_text(mutation(7), NOW_NS)

    assert session.mutation_done(7, error, NOW_NS) == [close]
    assert session.phase is Phase.CLOSED


def test_too_many_waiting_mutations_close_the_socket() -> None:
    session = connected_session()
    for number in range(limits.MUTATIONS_QUEUED_PER_CLIENT_MAX):
        session.receive_text(mutation(number), NOW_NS)

    effects = session.receive_text(mutation(9999), NOW_NS)

    assert effects == [Close(code=1013, reason="TooManyConcurrentMutations")]


def test_answered_mutations_make_room() -> None:
    session = connected_session()
    for number in range(limits.MUTATIONS_QUEUED_PER_CLIENT_MAX):
        session.receive_text(mutation(number), NOW_NS)
    session.mutation_done(0, ROWS, NOW_NS)

    (effect,) = session.receive_text(mutation(9999), NOW_NS)

    assert isinstance(effect, RunMutation)


def test_too_many_running_actions_close_the_socket() -> None:
    session = connected_session()
    for number in range(limits.ACTIONS_RUNNING_PER_CLIENT_MAX):
        session.receive_text(action(number), NOW_NS)

    effects = session.receive_text(action(9999), NOW_NS)

    assert effects == [Close(code=1013, reason="TooManyInflightActionsForSingleClient")]

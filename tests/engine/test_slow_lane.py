"""Slow mutations, step by step: what waits for them, and what does not."""

from pathlib import Path

import pytest

from livefile import Call, ClosedError, LivefileError, Outcome, OverloadedError, RequestKey
from livefile.functions import mutations, slow_mutations
from livefile.vocabulary.limits import CONFLICT_RETRIES_MAX
from tests.slow_app import open_till, rest, step_past_the_lane
from tests.stepped_app import SteppedApp, success_of, value_of


@pytest.fixture
def app(tmp_path: Path) -> SteppedApp:
    return open_till(tmp_path)


def test_a_slow_mutation_is_committed_and_answered(app: SteppedApp) -> None:
    answers = app.submit(None, "till:put_slowly", {"owner": "a", "amount": 3})
    rest(app)

    assert value_of(answers[0]) == 3
    assert value_of(app.query("till:total")) == 3


def test_others_pass_a_slow_mutation(app: SteppedApp) -> None:
    slow = app.submit(None, "till:put_slowly", {"owner": "a", "amount": 1})
    fast = app.submit(None, "till:put", {"owner": "b", "amount": 1})
    app.step()

    assert len(fast) == 1
    assert not slow
    rest(app)
    assert len(slow) == 1


def test_a_slow_mutation_that_was_overtaken_runs_again(app: SteppedApp) -> None:
    slow = app.submit(None, "till:put_slowly", {"owner": "a", "amount": 10})
    app.step()  # It is in the lane now; the next step runs it, then the one that overtakes it.
    app.submit(None, "till:put", {"owner": "a", "amount": 1})
    rest(app)

    assert value_of(slow[0]) == 10
    assert value_of(app.query("till:total")) == 11
    assert app.count_runs("till:put_slowly") == 2


def test_a_slow_mutation_that_loses_again_and_again_runs_at_the_head(app: SteppedApp) -> None:
    slow = app.submit(None, "till:put_slowly", {"owner": "a", "amount": 10})
    for _ in range(CONFLICT_RETRIES_MAX + 1):
        app.step()
        app.submit(None, "till:put", {"owner": "a", "amount": 1})
        app.step()
    rest(app)

    assert value_of(slow[0]) == 10
    assert value_of(app.query("till:total")) == 10 + CONFLICT_RETRIES_MAX + 1


def test_mutations_of_one_session_keep_their_order(app: SteppedApp) -> None:
    paths = ["till:put", "till:put_slowly", "till:put", "till:put_slowly", "till:put"]
    answers = [
        app.submit(None, path, {"owner": "a", "amount": n}, request_key=RequestKey("session", n))
        for n, path in enumerate(paths)
    ]
    other = app.submit(
        None, "till:put", {"owner": "b", "amount": 1}, request_key=RequestKey("other", 0)
    )
    app.step()

    assert [len(answer) for answer in answers] == [1, 0, 0, 0, 0]
    assert len(other) == 1
    rest(app)
    timestamps = [success_of(answer).ts for (answer,) in answers]  # type: ignore[arg-type]
    assert timestamps == sorted(timestamps)


def test_mutations_that_were_held_back_run_before_those_that_came_later(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutations, "GROUP_MUTATIONS_MAX", 2)
    answers = []
    for first, last in [(0, 1), (1, 3), (3, 8)]:
        for number in range(first, last):
            path = "till:put_slowly" if number % 3 == 0 else "till:put"
            key = RequestKey("session", number)
            answers.append(app.submit(None, path, {"owner": "a", "amount": 1}, request_key=key))
        app.step()
    rest(app)

    timestamps = [success_of(answer).ts for (answer,) in answers]  # type: ignore[arg-type]
    assert timestamps == sorted(timestamps)


def test_all_who_wait_for_the_slow_lane_hear_when_the_engine_stops(app: SteppedApp) -> None:
    answers = [
        app.submit(
            None, path, {"owner": "a", "amount": 1}, request_key=RequestKey("session", number)
        )
        for number, path in enumerate(["till:put_slowly", "till:put", "till:put_slowly"])
    ]
    answers.append(app.submit(None, "till:total_slowly", {}))
    past: list[Outcome | LivefileError] = []
    app.livefile.submit_at(Call(path="till:total", args={}), app.livefile.latest_ts, past.append)
    answers.append(past)
    app.step()
    app.submit(None, "till:put", {"owner": "b", "amount": 1})
    step_past_the_lane(app)
    answers.append(app.submit(None, "till:total_slowly", {}))
    stopped = ClosedError("it stopped")
    app.livefile._mutations.abandon(stopped)
    app.livefile._subscriptions.abandon(stopped)

    assert answers == [[stopped]] * len(answers)


def test_a_slow_mutation_that_is_sent_again_runs_once(app: SteppedApp) -> None:
    key = RequestKey("session", 0)
    answers = [
        app.submit(None, "till:put_slowly", {"owner": "a", "amount": 1}, request_key=key)
        for _ in range(3)
    ]
    rest(app)

    assert [value_of(answer) for (answer,) in answers] == [1, 1, 1]
    assert len({success_of(answer).ts for (answer,) in answers}) == 1  # type: ignore[arg-type]
    assert value_of(app.query("till:total")) == 1


def test_a_slow_mutation_may_make_a_table(app: SteppedApp) -> None:
    answers = app.submit(None, "till:note_slowly", {})
    rest(app)

    assert value_of(answers[0]) is None


def test_a_slow_mutation_that_fails_writes_nothing(app: SteppedApp) -> None:
    answers = app.submit(None, "till:fail_slowly", {"owner": "a"})
    rest(app)

    assert "ValueError: no" in answers[0].message  # type: ignore[union-attr]
    assert value_of(app.query("till:total")) == 0


def test_too_many_slow_mutations_are_refused(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_mutations, "SLOW_FUNCTIONS_WAITING_MAX", 2)
    answers = [app.submit(None, "till:put_slowly", {"owner": "a", "amount": 1}) for _ in range(3)]
    rest(app)

    assert isinstance(answers[2][0], OverloadedError)
    assert value_of(app.query("till:total")) == 2

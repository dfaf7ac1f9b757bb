from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import Outcome, Success, Update, errors, limits
from livefile_server.sync.outbox import Backlog, Outbox


def update(ts: int, outcomes: dict[int, Outcome | None]) -> Update:
    return Update(ts=ts, query_set_version=ts, identity_version=0, outcomes=outcomes)


def result(text: str) -> Success:
    return Success(json=text.encode())


def test_an_outbox_begins_empty() -> None:
    assert Outbox().release() == Backlog(answers=(), update=None)


def test_answers_keep_their_order() -> None:
    outbox = Outbox()
    for payload in (b"1", b"2", b"3"):
        outbox.hold_answer(payload)

    assert outbox.release().answers == (b"1", b"2", b"3")
    assert outbox.release().answers == ()


def test_the_newest_outcome_of_each_query_wins() -> None:
    outbox = Outbox()
    outbox.hold_update(update(1, {1: result("old"), 2: result("kept")}))
    outbox.hold_update(update(2, {1: result("new")}))
    outbox.hold_update(update(3, {}))

    assert outbox.release().update == update(3, {1: result("new"), 2: result("kept")})
    assert outbox.release().update is None


def test_a_removal_wins_over_the_outcome_before_it() -> None:
    outbox = Outbox()
    outbox.hold_update(update(1, {1: result("old")}))
    outbox.hold_update(update(2, {1: None}))

    assert outbox.release().update == update(2, {1: None})


def test_an_outbox_does_not_change_the_updates_it_was_given() -> None:
    outbox = Outbox()
    first = update(1, {1: result("a")})
    outbox.hold_update(first)
    outbox.hold_update(update(2, {2: result("b")}))

    assert first.outcomes == {1: result("a")}


def test_too_many_answers_are_refused() -> None:
    outbox = Outbox()
    for _ in range(limits.ANSWERS_HELD_PER_CLIENT_MAX):
        outbox.hold_answer(b"")

    with pytest.raises(errors.OverloadedError) as caught:
        outbox.hold_answer(b"")

    assert caught.value.code == "TooManyConcurrentRequests"


def test_too_large_answers_are_refused_but_for_the_first() -> None:
    outbox = Outbox()
    outbox.hold_answer(bytes(limits.ANSWERS_HELD_PER_CLIENT_SIZE_BYTES_MAX + 1))

    with pytest.raises(errors.OverloadedError):
        outbox.hold_answer(b"x")


def test_a_released_outbox_has_room_again() -> None:
    outbox = Outbox()
    outbox.hold_answer(bytes(limits.ANSWERS_HELD_PER_CLIENT_SIZE_BYTES_MAX))
    outbox.release()

    outbox.hold_answer(b"x")

    assert outbox.release().answers == (b"x",)


OUTCOMES = st.none() | st.sampled_from([result("a"), result("b"), result("c")])
UPDATES = st.lists(st.dictionaries(st.integers(0, 3), OUTCOMES), min_size=1, max_size=8)


@given(UPDATES)
def test_one_merged_update_leaves_the_client_where_all_would_have(
    changes: Sequence[dict[int, Outcome | None]],
) -> None:
    outbox = Outbox()
    one_by_one: dict[int, Outcome | None] = {}
    for ts, outcomes in enumerate(changes):
        outbox.hold_update(update(ts, outcomes))
        one_by_one.update(outcomes)

    merged = outbox.release().update

    assert merged is not None
    assert merged.outcomes == one_by_one
    assert merged.ts == merged.query_set_version == len(changes) - 1

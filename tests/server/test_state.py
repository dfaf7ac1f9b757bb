import pytest

from livefile import LivefileError, Update, errors, limits
from livefile_server.sync.messages import AddQuery, Authenticate, ModifyQuerySet, RemoveQuery
from livefile_server.sync.state import ClientState, Modifications, Version


def change(base: int, new: int, *modifications: AddQuery | RemoveQuery) -> ModifyQuerySet:
    return ModifyQuerySet(base_version=base, new_version=new, modifications=modifications)


def added(query_id: int) -> AddQuery:
    return AddQuery(query_id=query_id, path="a:b", args=[{}])


def removed(query_id: int) -> RemoveQuery:
    return RemoveQuery(query_id=query_id)


def update(ts: int, query_set: int, identity: int) -> Update:
    return Update(ts=ts, query_set_version=query_set, identity_version=identity, outcomes={})


def test_a_client_begins_at_zero() -> None:
    state = ClientState()

    assert state.sent == Version(query_set=0, identity=0, ts=0)
    assert (state.query_set_version, state.identity_version) == (0, 0)


def test_each_update_is_where_the_next_begins() -> None:
    state = ClientState()

    end = state.advance(update(5, 1, 0))

    assert end == Version(query_set=1, identity=0, ts=5)
    assert state.sent is end


def test_an_update_never_goes_back() -> None:
    state = ClientState()
    state.advance(update(5, 1, 1))

    for earlier in (update(4, 1, 1), update(5, 0, 1), update(5, 1, 0)):
        with pytest.raises(AssertionError):
            state.advance(earlier)
    assert state.sent == Version(query_set=1, identity=1, ts=5)


def test_changes_follow_each_other() -> None:
    state = ClientState()

    first = state.modify(change(0, 1, added(1), added(2)))
    second = state.modify(change(1, 4, removed(1), added(3)))

    assert first == Modifications(added=(added(1), added(2)), removed=(), dropped=())
    assert second == Modifications(added=(added(3),), removed=(1,), dropped=())
    assert state.query_set_version == 4


def test_a_query_added_and_removed_by_one_message_is_dropped() -> None:
    state = ClientState()

    assert state.modify(change(0, 1, added(1), added(2), removed(1))) == Modifications(
        added=(added(2),), removed=(), dropped=(1,)
    )


@pytest.mark.parametrize("base", [0, 2])
def test_a_change_with_another_base_is_refused(base: int) -> None:
    state = ClientState()
    state.modify(change(0, 1))

    with pytest.raises(errors.BadRequestError) as caught:
        state.modify(change(base, 3))

    assert caught.value.code == "BaseVersionMismatch"
    assert str(caught.value) == f"ModifyQuerySet has base version {base}, expected 1"
    assert state.query_set_version == 1


def test_a_change_that_goes_back_is_refused() -> None:
    state = ClientState()
    state.modify(change(0, 3))

    with pytest.raises(errors.BadRequestError, match="goes back from version 3 to 2"):
        state.modify(change(3, 2))


@pytest.mark.parametrize(
    ("modifications", "text"),
    [
        ((added(1),), "Query 1 was added twice"),
        ((added(2), added(2)), "Query 2 was added twice"),
        ((removed(1), added(1)), "Query 1 was added twice"),
        ((added(2), removed(2), added(2)), "Query 2 was added twice"),
        ((removed(2),), "Query 2 was removed, but it is not in the set"),
        ((removed(1), removed(1)), "Query 1 was removed, but it is not in the set"),
    ],
)
def test_an_impossible_change_is_refused_as_a_whole(
    modifications: tuple[AddQuery | RemoveQuery, ...], text: str
) -> None:
    state = ClientState()
    state.modify(change(0, 1, added(1)))

    with pytest.raises(LivefileError) as caught:
        state.modify(change(1, 2, *modifications))

    assert str(caught.value) == text
    assert state.query_set_version == 1
    assert state.modify(change(1, 2, removed(1))).removed == (1,)


def test_a_removed_number_may_come_again_later() -> None:
    state = ClientState()
    state.modify(change(0, 1, added(1)))
    state.modify(change(1, 2, removed(1)))

    assert state.modify(change(2, 3, added(1))).added == (added(1),)


def test_a_client_cannot_watch_without_bound() -> None:
    state = ClientState()
    most = [added(number) for number in range(limits.LIVE_QUERIES_PER_CLIENT_MAX)]
    state.modify(change(0, 1, *most))

    with pytest.raises(errors.OverloadedError) as caught:
        state.modify(change(1, 2, added(limits.LIVE_QUERIES_PER_CLIENT_MAX)))

    assert caught.value.code == "TooManyLiveQueries"


def test_a_change_of_identity_must_be_counted_alike() -> None:
    state = ClientState()
    state.check_authenticate(Authenticate(base_version=0, token=None))
    state.identity_version = 1

    with pytest.raises(LivefileError, match="Authenticate has base version 0, expected 1"):
        state.check_authenticate(Authenticate(base_version=0, token=None))


@pytest.mark.parametrize("excess", [0, 1])
def test_the_arguments_of_what_is_watched_are_bounded(excess: int) -> None:
    state = ClientState()
    half = limits.LIVE_QUERIES_PER_CLIENT_SIZE_BYTES_MAX // 2
    state.modify(change(0, 1, added(1), added(2)), half)

    if excess:
        with pytest.raises(errors.OverloadedError) as caught:
            state.modify(change(1, 2, added(3)), half + 1)
        assert caught.value.code == "TooManyLiveQueries"
        # What was removed costs nothing any more, and a refused message changed nothing.
        state.modify(change(1, 2, removed(1)), half)
        state.modify(change(2, 3, added(3)), half + half // 2)
    else:
        state.modify(change(1, 2, added(3)), half)

import pytest

from livefile import errors, limits
from livefile_server.sync.in_flight import InFlight


@pytest.mark.parametrize(
    ("begin", "most", "code"),
    [
        ("begin_mutation", limits.MUTATIONS_QUEUED_PER_CLIENT_MAX, "TooManyConcurrentMutations"),
        (
            "begin_action",
            limits.ACTIONS_RUNNING_PER_CLIENT_MAX,
            "TooManyInflightActionsForSingleClient",
        ),
    ],
)
def test_a_client_has_as_many_under_way_as_it_may_and_not_one_more(
    begin: str, most: int, code: str
) -> None:
    in_flight = InFlight()
    for number in range(most):
        getattr(in_flight, begin)(number, 1)

    with pytest.raises(errors.OverloadedError) as caught:
        getattr(in_flight, begin)(most, 1)

    assert caught.value.code == code


def test_what_is_answered_makes_room() -> None:
    in_flight = InFlight()
    for number in range(limits.MUTATIONS_QUEUED_PER_CLIENT_MAX):
        in_flight.begin_mutation(number, 1)

    in_flight.end_mutation(7)

    in_flight.begin_mutation(7, 1)
    in_flight.begin_action(7, 1)


@pytest.mark.parametrize("excess", [0, 1])
def test_the_size_of_what_is_under_way_is_bounded(excess: int) -> None:
    in_flight = InFlight()
    half = limits.REQUESTS_HELD_PER_CLIENT_SIZE_BYTES_MAX // 2
    in_flight.begin_mutation(0, half)

    if not excess:
        in_flight.begin_action(0, half)
        return
    with pytest.raises(errors.OverloadedError) as caught:
        in_flight.begin_action(0, half + 1)
    assert caught.value.code == "TooManyBytesInFlight"
    in_flight.end_mutation(0)
    in_flight.begin_action(0, half + 1)


def test_a_single_request_is_taken_whatever_its_size() -> None:
    in_flight = InFlight()

    in_flight.begin_mutation(0, 2 * limits.REQUESTS_HELD_PER_CLIENT_SIZE_BYTES_MAX)

    with pytest.raises(errors.OverloadedError):
        in_flight.begin_mutation(1, 1)


def test_a_number_may_be_used_twice() -> None:
    in_flight = InFlight()
    half = limits.REQUESTS_HELD_PER_CLIENT_SIZE_BYTES_MAX // 2
    for _ in range(2):
        in_flight.begin_mutation(0, half)
    for _ in range(2):
        in_flight.end_mutation(0)

    in_flight.begin_mutation(0, half)
    in_flight.begin_mutation(1, half)

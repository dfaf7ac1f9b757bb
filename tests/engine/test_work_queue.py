from threading import Thread

import pytest

from livefile import ClosedError, OverloadedError
from livefile.functions.work_queue import WorkQueue


def queue_of(items_max: int = 10) -> WorkQueue[int]:
    return WorkQueue(items_max, "TooManyTestItems")


def taken_in_a_thread(queue: WorkQueue[int]) -> tuple[Thread, list[list[int]]]:
    """Take in another thread; the list holds what it took once the thread has ended."""
    taken: list[list[int]] = []
    thread = Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    return thread, taken


def test_everything_that_waits_is_taken_in_order() -> None:
    queue = queue_of()
    for item in range(5):
        queue.put(item)

    assert queue.take() == [0, 1, 2, 3, 4]
    assert queue.take(is_waiting=False) == []


def test_no_more_than_wanted_is_taken() -> None:
    queue = queue_of()
    for item in range(5):
        queue.put(item)

    assert [queue.take(2), queue.take(2), queue.take(2)] == [[0, 1], [2, 3], [4]]


def test_a_full_queue_refuses_and_says_which_it_is() -> None:
    queue = queue_of(2)
    queue.put(1)
    queue.put(2)
    with pytest.raises(OverloadedError) as raised:
        queue.put(3)
    queue.take(1)
    queue.put(4)

    assert raised.value.code == "TooManyTestItems"
    assert queue.take() == [2, 4]


def test_what_follows_from_accepted_work_is_always_taken_in() -> None:
    queue = queue_of(1)
    queue.put(1)
    queue.put_always(2)

    assert queue.take() == [1, 2]


def test_an_item_ends_the_wait() -> None:
    queue = queue_of()
    thread, taken = taken_in_a_thread(queue)
    queue.put(7)
    thread.join()

    assert taken == [[7]]


def test_a_wake_up_ends_the_wait_with_nothing() -> None:
    queue = queue_of()
    thread, taken = taken_in_a_thread(queue)
    queue.wake()
    thread.join()

    assert taken == [[]]


def test_a_wake_up_before_the_wait_is_not_lost() -> None:
    queue = queue_of()
    queue.wake()
    thread, taken = taken_in_a_thread(queue)
    thread.join()

    assert taken == [[]]


def test_one_wake_up_ends_one_wait() -> None:
    queue = queue_of()
    queue.wake()
    queue.wake()
    assert queue.take() == []
    thread, taken = taken_in_a_thread(queue)
    queue.put(1)
    thread.join()

    assert taken == [[1]]


def test_a_closed_queue_gives_what_it_has_and_takes_no_more() -> None:
    queue = queue_of()
    queue.put(1)
    queue.close()
    queue.put_always(2)
    with pytest.raises(ClosedError):
        queue.put(3)

    assert queue.is_closed
    assert queue.take() == [1]
    assert queue.take() == []


def test_closing_ends_the_wait() -> None:
    queue = queue_of()
    thread, taken = taken_in_a_thread(queue)
    queue.close()
    thread.join()

    assert taken == [[]]


def test_nothing_is_lost_or_doubled_between_threads() -> None:
    queue = WorkQueue[int](10_000, "TooManyTestItems")
    taken: list[int] = []

    def take_all() -> None:
        while items := queue.take(7) or not queue.is_closed:
            taken.extend(items if isinstance(items, list) else [])

    def put_all(base: int) -> None:
        for number in range(500):
            queue.put(base + number)

    taker = Thread(target=take_all)
    putters = [Thread(target=put_all, args=[base]) for base in (0, 1000, 2000)]
    taker.start()
    for putter in putters:
        putter.start()
    for putter in putters:
        putter.join()
    queue.close()
    taker.join()

    assert sorted(taken) == [base + n for base in (0, 1000, 2000) for n in range(500)]
    for base in (0, 1000, 2000):
        own = [item for item in taken if base <= item < base + 1000]
        assert own == sorted(own)

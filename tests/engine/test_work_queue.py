from threading import Event, Thread

import pytest

from livefile import ClosedError, OverloadedError
from livefile.functions.work_queue import WorkQueue


def queue_of(items_max: int = 10, wakes: list[None] | None = None) -> WorkQueue[int]:
    noted: list[None] = [] if wakes is None else wakes
    return WorkQueue(items_max, "TooManyTestItems", lambda: noted.append(None))


def test_everything_that_waits_is_taken_in_order() -> None:
    queue = queue_of()
    for item in range(5):
        queue.put(item)

    assert queue.take() == [0, 1, 2, 3, 4]
    assert queue.take() == []


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


def test_each_item_asks_for_a_step() -> None:
    wakes: list[None] = []
    queue = queue_of(wakes=wakes)
    queue.put(1)
    queue.put_always(2)

    assert len(wakes) == 2


def test_a_closed_queue_gives_what_it_has_and_takes_no_more() -> None:
    queue = queue_of()
    queue.put(1)
    queue.close()
    queue.put_always(2)  # It follows from the first.
    with pytest.raises(ClosedError):
        queue.put(3)

    assert queue.take() == [1, 2]
    assert queue.take() == []


def test_nothing_is_lost_or_doubled_between_threads() -> None:
    queue = queue_of(10_000)
    taken: list[int] = []
    is_over = Event()

    def take_all() -> None:
        is_last = False
        while not is_last:
            is_last = is_over.is_set()  # Before the look: nothing comes after that.
            while items := queue.take(7):
                taken.extend(items)

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
    is_over.set()
    taker.join()

    assert sorted(taken) == [base + n for base in (0, 1000, 2000) for n in range(500)]
    for base in (0, 1000, 2000):
        own = [item for item in taken if base <= item < base + 1000]
        assert own == sorted(own)

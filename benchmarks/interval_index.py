"""What does it cost to find the live queries that a commit touches?

10, 1,000 and 100,000 readers, half of them of points and half of ranges, and commits that hit none,
one or ten of them. The ranges lie side by side; for ten hits, ten readers have read everything. The
floor looks one key up in a dictionary as large. Everything runs in this process.

Not here: how many nodes a search visits, which a test asserts
(``tests/engine/test_interval_index.py``). Run: ``python -m benchmarks.interval_index``.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random

from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample
from benchmarks.question import print_question
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.write import IndexWrites
from livefile.reactive.interval_index import IntervalIndex

READERS_COUNTS = (10, 1_000, 100_000)
HITS_COUNTS = (0, 1, 10)
_SEARCHES_COUNT = 2_000
_RANGE_SIZE = 10
_INDEX_ID = 1
# As long as the keys of a real index: one number, the creation time and the id.
_KEY_END = bytes(26)


@contextmanager
def interval_index(_: Loader) -> Iterator[Sequence[Case]]:
    """Fill the indexes and lend the cases."""
    cases = []
    for count in READERS_COUNTS:
        known = {_key(place): None for place in range(count)}
        floor = Case("floor_dictionary", partial(_measure, _look_up(known), count), {"keys": count})
        cases.append(floor)
        for hits in HITS_COUNTS:
            index = _index_of(count, hits)
            parameters = {"readers": count, "hits": hits}
            measure = partial(_measure, _search(index, hits), count)
            cases.append(Case("interval_index", measure, parameters, floor=floor.title))
    yield cases


def _index_of(count: int, hits: int) -> IntervalIndex[int]:
    """Return an index of ``count`` readers, ten of which read everything if ten are to be hit."""
    index: IntervalIndex[int] = IntervalIndex()
    everywhere = hits if hits > 1 else 0
    for number in range(everywhere):
        index.add(number, [(_INDEX_ID, EVERYTHING)])
    for number in range(everywhere, count):
        start = number * _RANGE_SIZE
        read = Interval(_key(start), _key(start + _RANGE_SIZE))
        index.add(number, [(_INDEX_ID, Interval.point(_key(start)) if number % 2 else read)])
    return index


def _search(index: IntervalIndex[int], hits: int) -> Callable[[int], None]:
    # Odd readers read the first place of their stretch only, and nobody the one behind it.
    offset = _RANGE_SIZE + 1 if hits != 1 else 1

    def search(number: int) -> None:
        key = _key((number - number % 2) * _RANGE_SIZE + offset)
        writes: IndexWrites = {_INDEX_ID: [key]}
        assert len(index.touched_by(writes)) == hits

    return search


def _look_up(known: dict[bytes, None]) -> Callable[[int], None]:
    def look_up(number: int) -> None:
        assert _key(number) in known

    return look_up


def _measure(operation: Callable[[int], None], count: int) -> Sample:
    chosen = Random(count).choices(range(2, count), k=_SEARCHES_COUNT)
    started_s = time.process_time()
    for number in chosen:
        operation(number)
    cpu_s = time.process_time() - started_s
    return {"cpu_us": [cpu_s / _SEARCHES_COUNT * 1e6]}


def _key(place: int) -> bytes:
    return place.to_bytes(9) + _KEY_END


if __name__ == "__main__":
    print_question(interval_index)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import TransactionLimitError
from livefile.model.interval import Interval
from livefile.transaction.read_set import ReadSet
from livefile.vocabulary.limits import INTERVALS_READ_MAX
from tests.strategies import UNIVERSE, intervals

INDEXES = st.integers(1, 3)
READS = st.lists(st.tuples(INDEXES, intervals() | st.sampled_from(UNIVERSE)), max_size=8)
WRITES = st.dictionaries(INDEXES, st.lists(st.sampled_from(UNIVERSE), max_size=4))


def read_set_of(reads: list[tuple[int, Interval | bytes]]) -> ReadSet:
    found = ReadSet()
    for index_id, read in reads:
        if isinstance(read, bytes):
            found.add_point(index_id, read)
        else:
            found.add(index_id, read)
    return found


def holds(reads: list[tuple[int, Interval | bytes]], index_id: int, key: bytes) -> bool:
    return any(
        index_id == read_index and (key == read if isinstance(read, bytes) else key in read)
        for read_index, read in reads
    )


@given(READS, WRITES)
def test_a_commit_touches_a_read_set_if_a_key_of_it_was_read(
    reads: list[tuple[int, Interval | bytes]], writes: dict[int, list[bytes]]
) -> None:
    wanted = any(holds(reads, index_id, key) for index_id, keys in writes.items() for key in keys)

    assert read_set_of(reads).is_touched_by(writes) == wanted


@given(READS)
def test_iteration_yields_exactly_what_was_read(
    reads: list[tuple[int, Interval | bytes]],
) -> None:
    listed = list(read_set_of(reads))

    for index_id in (1, 2, 3):
        for key in UNIVERSE:
            is_listed = any(found == index_id and key in interval for found, interval in listed)
            assert is_listed == holds(reads, index_id, key)


def test_the_same_key_of_another_index_is_another_key() -> None:
    reads = ReadSet()
    reads.add_point(1, b"a")

    assert reads.is_touched_by({1: [b"a"]})
    assert not reads.is_touched_by({2: [b"a"]})
    assert not reads.is_touched_by({1: [b"a\x00", b""]})


def test_nothing_touches_an_empty_read_set() -> None:
    assert not ReadSet().is_touched_by({1: [b"a"]})
    assert not read_set_of([(1, Interval(b"b", b"b"))]).is_touched_by({1: [b"b"]})


def test_a_transaction_reads_at_most_so_many_ranges() -> None:
    reads = ReadSet()
    for _ in range(INTERVALS_READ_MAX):
        reads.add(1, Interval(b"a", b"b"))

    with pytest.raises(TransactionLimitError, match=r"\(limit: 4096\)") as raised:
        reads.add(1, Interval(b"a", b"b"))
    assert raised.value.code == "TooManyReads"


def test_single_keys_do_not_count_as_ranges() -> None:
    reads = ReadSet()
    for number in range(INTERVALS_READ_MAX + 1):
        reads.add_point(1, number.to_bytes(4, "big"))

    assert reads.is_touched_by({1: [bytes(4)]})

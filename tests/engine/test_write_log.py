import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import LogTrimmedError
from livefile.model.interval import Interval
from livefile.transaction import write_log as write_log_module
from livefile.transaction.read_set import ReadSet
from livefile.transaction.write_log import WriteLog


def log_of(timestamps: list[int], start_ts: int = 0) -> WriteLog:
    """Return a log in which each commit touched the key that is its timestamp."""
    log = WriteLog(start_ts)
    for ts in timestamps:
        log.append(ts, {1: [key(ts)]})
    return log


def key(ts: int) -> bytes:
    return ts.to_bytes(8, "big")


def reads_of(*timestamps: int) -> ReadSet:
    reads = ReadSet()
    for ts in timestamps:
        reads.add(1, Interval.point(key(ts)))
    return reads


TIMESTAMPS = st.sets(st.integers(1, 30), max_size=10).map(sorted)


@given(TIMESTAMPS, st.integers(0, 31), st.integers(0, 31))
def test_between_gives_the_commits_after_one_up_to_the_other(
    timestamps: list[int], after_ts: int, up_to_ts: int
) -> None:
    found = log_of(timestamps).between(after_ts, up_to_ts)

    assert found == [{1: [key(ts)]} for ts in timestamps if after_ts < ts <= up_to_ts]


@given(TIMESTAMPS, st.integers(0, 31), st.lists(st.integers(1, 30), max_size=4))
def test_a_conflict_is_a_later_commit_to_what_was_read(
    timestamps: list[int], after_ts: int, read: list[int]
) -> None:
    wanted = any(ts > after_ts and ts in read for ts in timestamps)

    assert log_of(timestamps).has_conflict(reads_of(*read), after_ts) == wanted


def test_a_write_seen_by_the_reader_is_no_conflict() -> None:
    log = log_of([5])

    assert not log.has_conflict(reads_of(5), 5)
    assert log.has_conflict(reads_of(5), 4)


def test_a_question_older_than_the_log_is_refused() -> None:
    log = log_of([11, 12], start_ts=10)

    assert log.has_conflict(reads_of(11), 10)
    with pytest.raises(LogTrimmedError):
        log.has_conflict(reads_of(), 9)
    with pytest.raises(LogTrimmedError):
        log.between(9, 12)


def test_without_a_commit_since_there_is_no_conflict_however_old_the_log_is() -> None:
    assert not log_of([], start_ts=10).has_conflict(reads_of(5), 10)


def test_commits_that_were_rolled_back_are_forgotten() -> None:
    log = log_of([1, 2, 3])
    log.discard_after(1)

    assert log.between(0, 9) == [{1: [key(1)]}]
    assert not log.has_conflict(reads_of(2, 3), 1)
    log.append(2, {1: [key(7)]})
    assert log.has_conflict(reads_of(7), 1)


def test_the_log_keeps_a_bounded_number_of_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_log_module, "WRITE_LOG_COMMITS_MAX", 8)
    log = log_of(list(range(1, 101)))

    # The newest are there, and what is gone is refused instead of passed over.
    assert log.between(99, 100) == [{1: [key(100)]}]
    with pytest.raises(LogTrimmedError):
        log.between(100 - 9, 100)


def test_the_log_keeps_a_bounded_number_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_log_module, "WRITE_LOG_KEYS_MAX", 100)
    log = WriteLog(0)
    for ts in range(1, 50):
        log.append(ts, {1: [key(number) for number in range(10)]})

    assert len(log.between(48, 49)) == 1
    with pytest.raises(LogTrimmedError):
        log.between(49 - 11, 49)


def test_one_commit_of_any_size_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_log_module, "WRITE_LOG_KEYS_MAX", 3)
    log = WriteLog(0)
    log.append(1, {1: [key(number) for number in range(10)]})

    assert log.has_conflict(reads_of(9), 0)


def test_discarding_gives_the_room_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_log_module, "WRITE_LOG_KEYS_MAX", 10)
    log = WriteLog(0)
    log.append(1, {1: [key(1)]})
    for _ in range(20):  # Groups that fail again and again.
        log.append(2, {1: [key(number) for number in range(8)]})
        log.discard_after(1)

    assert len(log.between(0, 1)) == 1

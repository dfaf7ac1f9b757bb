"""Timestamps that a transaction is told before its commit."""

import pytest

from livefile.vocabulary.errors import HeadRequiredError
from tests.tables import Player
from tests.workbench import Workbench


def player(score: int) -> Player:
    return Player(name="Ada", team="a", score=score)


def test_a_transaction_at_the_head_commits_at_the_timestamp_that_it_was_told(
    db: Workbench,
) -> None:
    told, committed = [], []
    for score in range(3):  # In one group, while the clock stands and while it goes on.
        transaction = db.head()
        db.writer(transaction).insert(player(score))
        told.append(transaction.fix_commit_ts())
        db.clock.advance_ms(score)
        committed.append(db.commit(transaction))
    db.settle()

    assert told == committed == sorted(set(committed))


def test_those_who_were_told_and_those_who_were_not_keep_one_order(db: Workbench) -> None:
    committed = []
    for score in range(4):
        transaction = db.head()
        db.writer(transaction).insert(player(score))
        if score % 2:
            transaction.fix_commit_ts()
        committed.append(db.commit(transaction))
    db.settle()

    assert committed == sorted(set(committed))


def test_a_transaction_on_a_snapshot_cannot_know_its_timestamp(db: Workbench) -> None:
    with pytest.raises(HeadRequiredError):
        db.on_snapshot().fix_commit_ts()

"""Bugs planted below the committer, each of which the power loss must find.

Not here: the list of all planted bugs (``planted.py``); the power losses (``power_loss.py``).
"""

import apsw
import pytest

from livefile.sqlite.catalog import Catalog
from livefile.sqlite.connections import Connections
from livefile.transaction import committer
from livefile.transaction.apply import Applied, apply
from livefile.transaction.write_set import WriteSet
from tests.torture.power_loss import count_failures


def find(seed: int) -> bool:
    """Tell whether a twentieth of a run of T1's size, drawn from ``seed``, finds a bug."""
    return count_failures(seed) > 0


def sync_at_checkpoints_only(patch: pytest.MonkeyPatch) -> None:
    """B3: a commit is acknowledged before it is synced (``synchronous=NORMAL``)."""
    _set_synchronous(patch, "normal")


def never_sync(patch: pytest.MonkeyPatch) -> None:
    """B3: nothing is ever synced (``synchronous=OFF``)."""
    _set_synchronous(patch, "off")


def commit_later(patch: pytest.MonkeyPatch) -> None:
    """B4: a group is acknowledged before its COMMIT, which comes with the next group."""
    begin, close = Connections.begin, Connections.close

    def commit(connections: Connections) -> None:
        connections._wal_pages = 0

    def commit_and_begin(connections: Connections) -> None:
        if connections.writer.in_transaction:
            connections.writer.execute("COMMIT")
        begin(connections)

    def commit_and_close(connections: Connections) -> None:
        if connections.writer.in_transaction:
            connections.writer.execute("COMMIT")
        close(connections)

    patch.setattr(Connections, "commit", commit)
    patch.setattr(Connections, "begin", commit_and_begin)
    patch.setattr(Connections, "close", commit_and_close)


def commit_each_statement(patch: pytest.MonkeyPatch) -> None:
    """A transfer that reads is not in a transaction: each of its writes is durable by itself."""

    def apply_each(connection: apsw.Connection, catalog: Catalog, writes: WriteSet) -> Applied:
        connection.execute("COMMIT")
        applied = apply(connection, catalog, writes)
        connection.execute("BEGIN IMMEDIATE")
        return applied

    patch.setattr(committer, "apply", apply_each)


def _set_synchronous(patch: pytest.MonkeyPatch, level: str) -> None:
    right = Connections._prepare_writer

    def prepare_writer(connections: Connections, connection: apsw.Connection) -> None:
        right(connections, connection)
        connection.pragma("synchronous", level)

    patch.setattr(Connections, "_prepare_writer", prepare_writer)

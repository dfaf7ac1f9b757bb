"""Transactions of the system's own: small ones, on its own tables, beside the calls of functions.

They run at the head, on the engine's thread, as part of an ordinary commit group, and leave a
commit like that of a mutation.

Not here: what they do (``system/``); the queue (``functions/mutations.py``).
"""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, TypeVar

import msgpack

from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import LivefileError

R = TypeVar("R")


class SystemTransactions:
    """Runs transactions that are no calls. Safe for threads."""

    def __init__(
        self,
        database: Database,
        submit_job: Callable[[Callable[[Committer], Any], Callable[[Any], None]], None],
        wait_for: Callable[[Callable[[Callable[[Any], None]], None]], Any],
        clock: Clock,
        random: Random,
    ) -> None:
        """Take the database, the queue's entrance, and how to wait for an answer."""
        self._database = database
        self._submit_job = submit_job
        self._wait_for = wait_for
        self._clock = clock
        self._random = random

    def submit(
        self,
        name: str,
        body: Callable[[Transaction], R],
        done: Callable[[R | LivefileError], None],
    ) -> None:
        """Run ``body`` and commit; ``done`` hears its result once that is durable.

        What ``body`` raises is heard by ``done``, and nothing is written. ``name`` is what the
        commit log calls it.
        """
        self.submit_work(name, lambda transaction, _: body(transaction), done)

    def submit_work(
        self,
        name: str,
        body: Callable[[Transaction, Committer], R],
        done: Callable[[R | LivefileError], None],
    ) -> None:
        """Do the same with a ``body`` that may also write what is no document.

        If it writes no document there is no commit, only what it has written.
        """
        self._submit_job(partial(self._run, name, body), done)

    def run(self, name: str, body: Callable[[Transaction], R]) -> R:
        """Do what ``submit`` does, and wait. Not on a thread of the engine.

        Raises:
            LivefileError: what ``body`` raised, or why it could not be written.
        """
        result: Any = self._wait_for(partial(self.submit, name, body))
        if isinstance(result, LivefileError):
            raise result
        found: R = result
        return found

    def read(self, body: Callable[[Transaction], R]) -> R:
        """Run ``body`` on a snapshot, in this thread; what it writes is forgotten."""
        with self._database.snapshot() as snapshot:
            return body(Transaction(snapshot, self._clock.now_ns(), 0))

    def read_chunk(self, blob_id: bytes, number: int) -> bytes | None:
        """Return a chunk of a blob, None if it is not there any more."""
        return self._database.read_chunk(blob_id, number)

    @property
    def now_ns(self) -> int:
        """The time of the deployment's clock."""
        return self._clock.now_ns()

    def _run(
        self, name: str, body: Callable[[Transaction, Committer], R], committer: Committer
    ) -> R:
        transaction = committer.begin(self._random.getrandbits(64))
        result = body(transaction, committer)
        committer.commit(transaction, msgpack.packb({"path": f"_system:{name}"}))
        return result

"""The system's transactions for actions, which await them.

Not here: the transactions themselves (``functions/system_transactions.py``).
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from livefile.functions.awaited_answer import answer_of
from livefile.functions.files import Files
from livefile.functions.system_transactions import SystemTransactions
from livefile.transaction.transaction import Transaction

R = TypeVar("R")


class AwaitedSystem:
    """Runs transactions that are no calls, on behalf of actions."""

    def __init__(self, system: SystemTransactions) -> None:
        self._system = system
        self.files = Files(system)
        """The stored files."""

    async def run(self, name: str, body: Callable[[Transaction], R]) -> R:
        """Run ``body`` at the head, commit, and return its result once that is durable.

        Raises:
            LivefileError: what ``body`` raised, or why it could not be written.
        """
        return await answer_of(partial(self._system.submit, name, body))

    async def read(self, body: Callable[[Transaction], R]) -> R:
        """Run ``body`` on a snapshot, on a thread of its own; what it writes is forgotten."""
        return await asyncio.to_thread(self._system.read, body)

    def read_at_once(self, body: Callable[[Transaction], R]) -> R:
        """Do the same on this thread, where other actions wait for it: for one quick look-up."""
        return self._system.read(body)

"""Bugs planted into the server, each of which the histories of websocket clients must betray.

Not here: the list of all planted bugs (``planted.py``); the histories (``list_append.py``,
``phantoms.py``, ``bank_transitions.py``, ``freshness.py``, ``exactly_once.py``).
"""

from itertools import count
from weakref import WeakKeyDictionary

import pytest

from livefile import Update
from livefile.model.index_range import IndexRange
from livefile.model.interval import Interval
from livefile.model.write import IndexWrites
from livefile.sqlite.session_requests import RecordedAnswer
from livefile.transaction.committer import Committer, RequestAnswer
from livefile.transaction.read_set import ReadSet
from livefile.transaction.transaction import Transaction
from livefile_server.sync.effects import Effect
from livefile_server.sync.session import Session
from livefile_server.sync.state import ClientState, Version
from tests.torture.arena import run_scenario
from tests.torture.bank_transitions import BankTransitions
from tests.torture.exactly_once import ExactlyOnce, run_exactly_once
from tests.torture.freshness import Freshness
from tests.torture.list_append import ListAppend
from tests.torture.phantoms import Phantoms
from tests.torture.restartable_server import server_inside

# A bug may well bring everything to a halt.
_DURATION_S_MAX = 20.0


def find_in_lists(seed: int) -> bool:
    """Tell whether a part of R1 finds a bug."""
    torture = ListAppend(seed, transactions=4_000)
    arena, _ = run_scenario(seed, torture.run, _DURATION_S_MAX)
    return bool(arena.violations or torture.failures())


def find_in_ranges(seed: int) -> bool:
    """Tell whether a part of R2 finds a bug."""
    torture = Phantoms(seed, transactions=2_500)
    arena, _ = run_scenario(seed, torture.run, _DURATION_S_MAX)
    return bool(arena.violations or torture.failures())


def find_in_bank(seed: int) -> bool:
    """Tell whether a part of R3 finds a bug."""
    torture = BankTransitions(seed, transitions=1_000)
    arena, _ = run_scenario(seed, torture.run, _DURATION_S_MAX)
    return bool(arena.violations or torture.failures)


def find_at_rest(seed: int) -> bool:
    """Tell whether a part of R9 finds a bug."""
    torture = Freshness(seed, pushes=5_000)
    arena, _ = run_scenario(seed, torture.run, _DURATION_S_MAX)
    return bool(arena.violations or torture.failures)


def find_in_chaos(seed: int) -> bool:
    """Tell whether a part of R10 finds a bug; its server runs in this process."""
    torture = ExactlyOnce(seed, 400, restarts=1, chaos_duration_s_max=_DURATION_S_MAX)
    run_exactly_once(torture, server_inside)
    return bool(torture.violations)


def ignore_ranges(patch: pytest.MonkeyPatch) -> None:
    """B1: only single keys that were read are asked for conflicts."""

    def is_touched_by(reads: ReadSet, writes: IndexWrites) -> bool:
        return any(
            interval == Interval.point(key)
            for index_id, interval in reads
            for key in writes.get(index_id, ())
        )

    patch.setattr(ReadSet, "is_touched_by", is_touched_by)


def check_writes_only(patch: pytest.MonkeyPatch) -> None:
    """B2: a transaction conflicts only if another one wrote the documents that it writes."""
    right = Committer.commit

    def commit(
        committer: Committer,
        transaction: Transaction,
        call: bytes,
        answer: RequestAnswer | None = None,
    ) -> int:
        transaction.reads = ReadSet()
        for write in transaction.writes:
            transaction.reads.add_point(write.table.by_id, write.internal_id)
        return right(committer, transaction, call, answer)

    patch.setattr(Committer, "commit", commit)


def push_the_older_after_the_newer(patch: pytest.MonkeyPatch) -> None:
    """B6: now and then, an update is followed by the one before it."""
    right = Session._transition
    numbers = count(1)
    before: WeakKeyDictionary[Session, Update] = WeakKeyDictionary()

    def advance(state: ClientState, update: Update) -> Version:
        state.sent = Version(update.query_set_version, update.identity_version, update.ts)
        return state.sent

    def transition(session: Session, update: Update, now_ns: int) -> list[Effect]:
        effects = right(session, update, now_ns)
        older = before.get(session)
        before[session] = update
        if older is not None and next(numbers) % 50 == 0:
            effects += right(session, older, now_ns)
        return effects

    patch.setattr(ClientState, "advance", advance)
    patch.setattr(Session, "_transition", transition)


def keep_answers_in_memory(patch: pytest.MonkeyPatch) -> None:
    """B7: answers to requests are gone with the process."""
    right = Committer.commit
    kept: WeakKeyDictionary[Committer, dict[tuple[str, int], RecordedAnswer]] = WeakKeyDictionary()

    def commit(
        committer: Committer,
        transaction: Transaction,
        call: bytes,
        answer: RequestAnswer | None = None,
    ) -> int:
        ts = right(committer, transaction, call)
        if answer is not None:
            kept.setdefault(committer, {})[answer.session_id, answer.request_number] = (
                RecordedAnswer(ts=ts, json=answer.json, log_lines=answer.log_lines)
            )
        return ts

    def find_answer(
        committer: Committer, session_id: str, request_number: int
    ) -> RecordedAnswer | None:
        return kept.get(committer, {}).get((session_id, request_number))

    patch.setattr(Committer, "commit", commit)
    patch.setattr(Committer, "find_answer", find_answer)


def keep_no_answers(patch: pytest.MonkeyPatch) -> None:
    """B12: a request that is sent again is run again."""
    right = Committer.commit

    def commit(
        committer: Committer,
        transaction: Transaction,
        call: bytes,
        answer: RequestAnswer | None = None,
    ) -> int:
        return right(committer, transaction, call)

    patch.setattr(Committer, "commit", commit)
    patch.setattr(Committer, "find_answer", lambda committer, session_id, request_number: None)


def leave_out_the_end(patch: pytest.MonkeyPatch) -> None:
    """B13: a range that includes its upper bound is read without it."""
    patch.setattr(IndexRange, "lte", IndexRange.lt)

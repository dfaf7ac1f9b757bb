"""One attempt of a mutation: run it, and put what it wrote into the open commit group.

Not here: which thread does that when (``functions/mutations.py``, ``functions/slow_mutations.py``).
"""

from dataclasses import dataclass
from random import Random

from livefile.functions.call import Call, FunctionKind, Outcome, Success
from livefile.functions.code_history import CodeHistory
from livefile.functions.lane import RunLimited
from livefile.functions.runner import Run, Runner
from livefile.transaction.committer import Committer, RequestAnswer
from livefile.transaction.database import Database
from livefile.transaction.transaction import Transaction


# Not frozen, because making one would take twice the time, and every mutation makes one.
@dataclass(slots=True)
class Attempt:
    """A mutation that has run: what it returned, and what it read and wrote.

    ``retries`` are the attempts before this one.
    """

    call: Call
    transaction: Transaction
    run: Run
    runner: Runner
    retries: int = 0

    def tell(self) -> None:
        """Tell observers that this attempt is the one that counts."""
        record = self.run.observed
        if record is not None:
            record.retries = self.retries
            self.runner.tell(record)


class Attempts:
    """Makes attempts, at the head or on a snapshot."""

    def __init__(self, database: Database, code: CodeHistory, random: Random) -> None:
        """Take the database, the app's code, and the source of seeds."""
        self._database = database
        self._code = code
        self._random = random

    def at_head(self, call: Call, run_limited: RunLimited) -> Attempt:
        """Run a mutation in the open group: it sees everything before it. Engine's thread."""
        seed = self._random.getrandbits(64)
        transaction = self._database.committer.begin(seed)
        runner = self._code.runner_at(transaction.snapshot.ts)
        run = run_limited(runner.run, call, FunctionKind.MUTATION, transaction, seed)
        return Attempt(call, transaction, run, runner)

    def on_snapshot(self, call: Call, run_limited: RunLimited) -> Attempt:
        """Run a mutation on what is durable now. Any thread.

        Raises:
            HeadRequiredError: it needs what only an attempt at the head can do.
        """
        seed = self._random.getrandbits(64)
        with self._database.snapshot() as snapshot:
            transaction = Transaction(snapshot, self._database.committer.now_ns, seed)
            runner = self._code.runner_at(snapshot.ts)
            run = run_limited(runner.run, call, FunctionKind.MUTATION, transaction, seed)
        return Attempt(call, transaction, run, runner)


def answer_before(committer: Committer, call: Call) -> Success | None:
    """Return the answer to a client's request if it was committed before, None if not."""
    key = call.request_key
    if key is None:
        return None
    answer = committer.find_answer(key.session_id, key.request_number)
    if answer is None:
        return None
    return Success(json=answer.json, log_lines=tuple(answer.log_lines), ts=answer.ts)


def commit(committer: Committer, attempt: Attempt) -> Outcome:
    """Put an attempt into the open group. A failure commits nothing.

    Raises:
        ConflictError: a commit since its snapshot changed something that it read.
        LogTrimmedError: its snapshot is too old to tell.
    """
    outcome = attempt.run.outcome
    if not isinstance(outcome, Success):
        attempt.tell()
        return outcome
    answer = None
    if (key := attempt.call.request_key) is not None:
        answer = RequestAnswer(
            session_id=key.session_id,
            request_number=key.request_number,
            json=outcome.json,
            log_lines=outcome.log_lines,
        )
    ts = committer.commit(attempt.transaction, attempt.run.record, answer)
    attempt.tell()
    return Success(json=outcome.json, log_lines=outcome.log_lines, ts=ts)


def commit_once(committer: Committer, attempt: Attempt) -> Outcome:
    """Put an attempt from elsewhere into the open group, unless it was answered meanwhile."""
    return answer_before(committer, attempt.call) or commit(committer, attempt)

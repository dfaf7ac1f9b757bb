"""Mutations on their way to a durable commit: at the head in groups, and from snapshots."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import (
    Call,
    Failure,
    FunctionKind,
    Livefile,
    LivefileError,
    ManualClock,
    Outcome,
    Success,
)
from livefile.functions.lane import RunLimited
from livefile.functions.mutation_attempt import Attempt
from livefile.vocabulary.limits import CONFLICT_RETRIES_MAX
from tests.engine.counters import counted, submit, write_app
from tests.integrity import check_integrity


@pytest.fixture(scope="module")
def counters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_app(tmp_path_factory.mktemp("app"))


@pytest.fixture
def stepped(counters: Path) -> Iterator[Livefile]:
    """A deployment that works only when told to."""
    with Livefile.open(
        ":memory:", app=counters, clock=ManualClock(), seed=1, has_threads=False
    ) as opened:
        yield opened
        check_integrity(opened._database)


# --- Mutations on snapshots ------------------------------------------------------------------


class Intruder:
    """Slips a commit in between a function on a snapshot and its validation, a few times."""

    def __init__(self, livefile: Livefile, name: str, times: int) -> None:
        self._livefile = livefile
        self._name = name
        self._times = times
        self.attempts_count = 0
        attempts = livefile._mutations._attempts
        self._on_snapshot = attempts.on_snapshot
        attempts.on_snapshot = self._attempt  # type: ignore[method-assign]  # To slip in there.

    def _attempt(self, call: Call, run_limited: RunLimited) -> Attempt:
        attempt = self._on_snapshot(call, run_limited)
        self.attempts_count += 1
        if self._times:
            self._times -= 1
            self._livefile.mutation("counters:add", name=self._name)
        return attempt


def test_a_mutation_on_a_snapshot_that_was_overtaken_runs_again(counters: Path) -> None:
    with Livefile.open(":memory:", app=counters, seed=1) as livefile:
        intruder = Intruder(livefile, "a", times=1)

        assert livefile.mutation_on_snapshot("counters:add", name="a") == 2
        assert intruder.attempts_count == 2
        assert livefile.query("counters:list") == {"a": 2}


def test_a_mutation_on_a_snapshot_that_nobody_met_runs_once(counters: Path) -> None:
    with Livefile.open(":memory:", app=counters, seed=1) as livefile:
        livefile.mutation("counters:add", name="a")
        intruder = Intruder(livefile, "b", times=1)

        assert livefile.mutation_on_snapshot("counters:add", name="a") == 2
        assert intruder.attempts_count == 1
        assert livefile.query("counters:list") == {"a": 2, "b": 1}


def test_a_mutation_that_is_always_overtaken_runs_at_the_head_in_the_end(counters: Path) -> None:
    with Livefile.open(":memory:", app=counters, seed=1) as livefile:
        intruder = Intruder(livefile, "a", times=1000)

        assert livefile.mutation_on_snapshot("counters:add", name="a") == CONFLICT_RETRIES_MAX + 1
        assert intruder.attempts_count == CONFLICT_RETRIES_MAX


def test_a_mutation_on_a_snapshot_that_needs_a_new_table_runs_at_the_head(counters: Path) -> None:
    with Livefile.open(":memory:", app=counters, seed=1) as livefile:
        livefile.mutation_on_snapshot("counters:note", text="a")

        assert "notes" in livefile._database.catalog.tables


# --- Groups ----------------------------------------------------------------------------------


def test_the_mutations_of_a_group_have_timestamps_of_their_own(stepped: Livefile) -> None:
    heard = [submit(stepped, "counters:add", name="a") for _ in range(3)]
    assert heard == [[], [], []]
    stepped.step()

    outcomes = [outcome for (outcome,) in heard]
    assert [o.json for o in outcomes if isinstance(o, Success)] == [b"1.0", b"2.0", b"3.0"]
    timestamps = [o.ts for o in outcomes if isinstance(o, Success)]
    assert timestamps == sorted(set(timestamps))
    assert stepped.latest_ts == timestamps[-1]
    assert counted(stepped) == {"a": 3.0}


def test_an_answer_leaves_when_its_group_is_durable(stepped: Livefile) -> None:
    durable: list[bool] = []

    def heard(outcome: Outcome | LivefileError) -> None:
        assert isinstance(outcome, Success)
        durable.append(stepped._database.committer.durable_ts >= outcome.ts)

    for _ in range(2):
        stepped.submit(Call(path="counters:add", args={"name": "a"}), FunctionKind.MUTATION, heard)
    stepped.step()

    assert durable == [True, True]


def test_a_function_that_fails_writes_nothing_and_harms_nobody(stepped: Livefile) -> None:
    before = submit(stepped, "counters:add", name="a")
    failing = submit(stepped, "counters:add_and_fail", name="a")
    after = submit(stepped, "counters:add", name="a")
    stepped.step()

    assert isinstance(failing[0], Failure)
    assert [o.json for o in (before[0], after[0]) if isinstance(o, Success)] == [b"1.0", b"2.0"]
    assert counted(stepped) == {"a": 2.0}

"""Rounds of a torture that records the history of its clients: as many as its size wants.

Not here: what a round does, and who judges its history (``list_append.py``, ``phantoms.py``).
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tests.torture.arena import Arena, run_scenario
from tests.torture.figure import Figure
from tests.torture.saved_history import save_history

_DURATION_S_MAX = 120.0  # Of a round.
_CASES_PER_ASIDE_MAX = 50


class Round(Protocol):
    """One round. ``history`` holds its transactions, of the torture's own kind (hence Any)."""

    history: list[Any]

    async def run(self, arena: Arena) -> None:
        """Let the clients do their work."""

    def failures(self) -> Sequence[str]:
        """Return what was wrong."""


def measure_rounds(
    name: str,
    id: str,
    question: str,
    transactions: int,
    transactions_per_round: int,
    seed: int,
    make_round: Callable[[int, int], Round],
) -> Figure:
    """Run rounds until there are so many transactions; ``make_round`` takes seed and number."""
    rounds = max(1, transactions // transactions_per_round)
    cases, aside, duration_s = 0, 0, 0.0
    failures: list[str] = []
    note = ""
    for number in range(rounds):
        torture = make_round(seed + number, transactions // rounds)
        arena, round_duration_s = run_scenario(seed + number, torture.run, _DURATION_S_MAX)
        found = [*arena.violations, *torture.failures()]
        if found:
            note = f"{found[0]}; {save_history(name, seed + number, torture.history)}"
        failures += found
        cases += len(torture.history)
        aside += arena.aside_count
        duration_s += round_duration_s
    return Figure(
        id=id,
        question=question,
        # Without transactions on snapshots, hardly anything can go wrong.
        cases=cases if aside * _CASES_PER_ASIDE_MAX > cases else 0,
        cases_min=transactions,
        failures=len(failures),
        duration_s=duration_s,
        note=note or f"{aside} calls ran aside, on snapshots",
    )

"""S4: two callers, the same query, the same arguments: do they share only what they may?

Not here: one caller that becomes another (``identity_changes.py``); the app and what it must give
(``tests/simulation/identity_app.py``).
"""

import tempfile
import time
from pathlib import Path
from random import Random

from livefile import Failure, Identity, Outcome, Success, from_json
from tests.simulation.identity_app import APP, IDENTITIES, QUERIES, Expected, expect
from tests.stepped_app import SteppedApp
from tests.torture.figure import Figure, Size

_PAIRS_COUNT = {Size.T1: 10_000, Size.T2: 100_000}


def measure(size: Size, seed: int) -> Figure:
    """Let random pairs of callers ask, while the state goes back and forth."""
    started_s = time.perf_counter()
    dice = Random(seed)
    failures: list[str] = []
    shared_count = 0
    with (
        tempfile.TemporaryDirectory(prefix="livefile-pairs-") as folder,
        SteppedApp(Path(folder), {"demo": APP}, seed=dice.getrandbits(32)) as app,
    ):
        is_locked = False
        for _ in range(_PAIRS_COUNT[size]):
            if dice.random() < 0.2:
                app.mutate("demo:toggle")
                is_locked = not is_locked
            name, number = dice.choice(QUERIES), float(dice.randrange(4))
            first, second = dice.choices(IDENTITIES, k=2)
            app.runs.clear()
            try:
                shared_count += _ask(app, name, number, first, second, is_locked=is_locked)
            except AssertionError as error:
                failures.append(f"{name}({number}) for {first}, {second}: {error}")
    return Figure(
        id="S4",
        question="Does nobody ever get a result that was made for somebody else?",
        cases=_PAIRS_COUNT[size],
        cases_min=_PAIRS_COUNT[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started_s,
        note=failures[0] if failures else f"{shared_count} pairs shared one result",
    )


def _ask(
    app: SteppedApp,
    name: str,
    number: float,
    first: Identity,
    second: Identity,
    *,
    is_locked: bool,
) -> bool:
    """Ask for both; return whether they got one and the same outcome."""
    outcomes = []
    for identity in (first, second):
        expected = expect(name, number, identity, is_locked=is_locked)
        outcome = app.query(f"demo:{name}", identity, number=number)
        check_outcome(outcome, expected)
        outcomes.append(outcome)
    is_shared = outcomes[0] is outcomes[1]
    may_share = not expected.has_read_identity or first.key == second.key
    assert is_shared == may_share, f"shared {is_shared}, want {may_share}"
    return is_shared


def check_outcome(outcome: Outcome, expected: Expected) -> None:
    """Raise AssertionError unless an outcome is the expected one."""
    if expected.is_error:
        assert isinstance(outcome, Failure)
        assert outcome.data_json is not None, outcome.message
        assert from_json(outcome.data_json) == expected.value
    else:
        assert isinstance(outcome, Success), outcome
        assert from_json(outcome.json) == expected.value

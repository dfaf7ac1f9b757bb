"""S5: clients become others and others again: does each update show only what its caller may see?

Not here: the app and what it must give (``tests/simulation/identity_app.py``).
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random

from livefile import ANONYMOUS, Identity, Update
from tests.simulation.identity_app import APP, IDENTITIES, QUERIES, expect
from tests.stepped_app import SteppedApp, SteppedClient
from tests.torture.figure import Figure, Size
from tests.torture.identity_pairs import check_outcome

_SEQUENCES_COUNT = {Size.T1: 1_000, Size.T2: 20_000}
_STEPS_COUNT = 12


def measure(size: Size, seed: int) -> Figure:
    """Play random sequences, each with new clients on one deployment."""
    started_s = time.perf_counter()
    dice = Random(seed)
    failures: list[str] = []
    updates_count = 0
    with (
        tempfile.TemporaryDirectory(prefix="livefile-changes-") as folder,
        SteppedApp(Path(folder), {"demo": APP}, seed=dice.getrandbits(32)) as app,
    ):
        is_locked = False
        for _ in range(_SEQUENCES_COUNT[size]):
            sequence = _Sequence(app, dice, is_locked=is_locked)
            try:
                sequence.play()
            except AssertionError as error:
                failures.append(str(error))
            is_locked = sequence.is_locked
            updates_count += sequence.updates_count
    return Figure(
        id="S5",
        question="After a change of identity, does nothing of the one before come any more?",
        cases=_SEQUENCES_COUNT[size],
        cases_min=_SEQUENCES_COUNT[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started_s,
        note=failures[0] if failures else f"{updates_count} updates",
    )


class _Sequence:
    """Three clients that watch, change and are told. ``play`` raises an AssertionError."""

    def __init__(self, app: SteppedApp, dice: Random, *, is_locked: bool) -> None:
        self.is_locked = is_locked
        self.updates_count = 0
        self._app = app
        self._dice = dice
        self._clients = [app.client() for _ in range(3)]
        self._identities: list[dict[int, Identity]] = [{0: ANONYMOUS} for _ in self._clients]
        self._next_id = 0

    def play(self) -> None:
        """Take random steps, and look at everything after each."""
        try:
            for _ in range(_STEPS_COUNT):
                # Several changes may come before the engine looks.
                for _ in range(self._dice.choice((1, 1, 2, 3))):
                    self._change()
                self._app.step()
                for client, identities in zip(self._clients, self._identities, strict=True):
                    self._check(client, identities)
        finally:
            for client in self._clients:
                client.query_set.close()
            self._app.step()

    def _change(self) -> None:
        number = self._dice.randrange(len(self._clients))
        client = self._clients[number]
        kind = self._dice.choices(("become", "watch", "unwatch", "toggle"), (4, 4, 1, 2))[0]
        if kind == "become":
            identity = self._dice.choice(IDENTITIES)
            client.become(identity)
            self._identities[number][client.identity_version] = identity
        elif kind == "toggle":
            self._app.mutate("demo:toggle")
            self.is_locked = not self.is_locked
        elif kind == "unwatch" and client.watched:
            client.unwatch(self._dice.choice(list(client.watched)))
        else:
            self._next_id += 1
            name, number_asked = self._dice.choice(QUERIES), float(self._dice.randrange(3))
            client.watch(self._next_id, f"demo:{name}", number=number_asked)

    def _check(self, client: SteppedClient, identities: Mapping[int, Identity]) -> None:
        updates, client.updates = client.updates, []
        self.updates_count += len(updates)
        for update in updates:
            _check_update(client, update, identities[update.identity_version])
        assert client.shown.keys() == client.watched.keys()
        for query_id, outcome in client.shown.items():
            query = client.watched[query_id]
            check_outcome(
                outcome,
                expect(
                    query.path.partition(":")[2],
                    float(str(query.args["number"])),
                    client.identity,
                    is_locked=self.is_locked,
                ),
            )


def _check_update(client: SteppedClient, update: Update, identity: Identity) -> None:
    """Whatever the state was, no update may show another caller than its own."""
    for query_id, outcome in update.outcomes.items():
        query = client.watched.get(query_id)
        if outcome is None or query is None:
            continue
        name, number = query.path.partition(":")[2], float(str(query.args["number"]))
        wanted = [expect(name, number, identity, is_locked=locked) for locked in (False, True)]
        passed = 0
        for expected in wanted:
            try:
                check_outcome(outcome, expected)
            except AssertionError:
                continue
            passed += 1
        assert passed, f"{name}({number}) for {identity} shows {outcome}"

"""P1: does a commit run again exactly the live queries that it must?

Random queries are watched while random writes are committed. A query may run again only if a commit
touched something that it read, as the plain model has it, and must if its result changes.

Not here: queries, writes and what they read (``tests/simulation/precise_queries.py``).
"""

import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.simulation.precise_queries import APP, PreciseWorld, Reading, Step
from tests.simulation.precise_reads import WrittenRow
from tests.stepped_app import SteppedApp, SteppedClient, value_of
from tests.torture.figure import Figure, Size

_COMMITS_COUNT = {Size.T1: 3_000, Size.T2: 100_000}
_COMMITS_PER_WORLD = 150
_WATCHED_COUNT = 24


def measure(size: Size, seed: int) -> Figure:
    """Commit some thousand random writes, a new deployment for each 150."""
    started_s = time.perf_counter()
    dice = Random(seed)
    counts: Counter[str] = Counter()
    failures: list[str] = []
    while counts["commits"] < _COMMITS_COUNT[size]:
        drawn = dice.getrandbits(32)
        run = PrecisionRun(drawn)
        try:
            run.run()
        except AssertionError as error:
            failures.append(f"seed {drawn}: {error}")
        counts += run.counts
        counts["commits"] += 1  # So that a run that fails at once ends, too.
    runs = max(1, counts["runs"])
    idle = counts["unchanged"] / runs
    return Figure(
        id="P1",
        question="Does a commit run again only the live queries that read what it wrote?",
        cases=counts["commits"],
        cases_min=_COMMITS_COUNT[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started_s,
        note=failures[0]
        if failures
        else f"{counts['queries']} queries could have run, {runs} did, {idle:.0%} of these in vain",
    )


class PrecisionRun:
    """One deployment with its watched queries. ``run`` raises an AssertionError if it errs."""

    def __init__(self, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._random = Random(seed)
        self._world = PreciseWorld(self._random)
        self._watched: dict[int, tuple[list[Step], Reading]] = {}
        self._next_id = 0

    def run(self) -> None:
        """Watch and write in turn, and compare after each commit group."""
        seed = self._random.getrandbits(32)
        with (
            tempfile.TemporaryDirectory(prefix="livefile-precise-") as folder,
            SteppedApp(Path(folder), {"precise": APP}, seed=seed) as app,
        ):
            client = app.client()
            for _ in range(_COMMITS_PER_WORLD):
                self._change_watched(app, client)
                self._write(app, client)
            self._compare_fresh(app, client)

    def _change_watched(self, app: SteppedApp, client: SteppedClient) -> None:
        while len(self._watched) < _WATCHED_COUNT:
            steps = self._world.query()
            self._next_id += 1
            client.watch(self._next_id, "precise:run", label=str(self._next_id), steps=steps)
            self._watched[self._next_id] = (steps, self._world.read(steps))
        if self._random.random() < 0.2:
            for query_id in self._random.sample(list(self._watched), 3):
                client.unwatch(query_id)
                del self._watched[query_id]
        app.step()

    def _write(self, app: SteppedApp, client: SteppedClient) -> None:
        app.runs.clear()
        app.clock.advance_ms(1)
        steps = self._world.write()
        made = value_of(app.mutate("precise:write", steps=steps))
        writes = self._world.take_write(steps, made)
        again = {int(line.split()[-1].strip("'")) for run in app.runs for line in run.log_lines}
        self.counts["commits"] += 1
        self.counts["queries"] += len(self._watched)
        self.counts["runs"] += len(again)
        for query_id, (query, reading) in self._watched.items():
            self._compare(client, query_id, query, reading, writes, has_run=query_id in again)

    def _compare(
        self,
        client: SteppedClient,
        query_id: int,
        query: list[Step],
        before: Reading,
        writes: list[WrittenRow],
        *,
        has_run: bool,
    ) -> None:
        after = self._world.read(query, before.page)
        is_touched = any(region.is_touched_by(w) for region in before.regions for w in writes)
        assert is_touched or not has_run, f"{query} ran again, and nothing it read was written"
        assert has_run or after.result == before.result, f"{query} did not run, but it changed"
        assert client.value(query_id) == after.result
        self.counts["unchanged"] += has_run and after.result == before.result
        if has_run:
            self._watched[query_id] = (query, after)

    def _compare_fresh(self, app: SteppedApp, client: SteppedClient) -> None:
        """What is shown is what the engine gives when it runs the query anew, past its cache."""
        for query_id, (steps, reading) in self._watched.items():
            if query_id not in client.shown or reading.page is not None:
                continue  # A page that is read anew has another end.
            fresh = app.query_at(app.livefile.latest_ts, "precise:run", label="", steps=steps)
            assert client.value(query_id) == value_of(fresh)

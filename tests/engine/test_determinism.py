import datetime
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import App, AppError, Livefile, ManualClock
from tests.app_folder import write_app
from tests.stepped_app import SteppedApp, value_of

SAMPLES = """
    import datetime
    import datetime as dt
    import os
    import random
    import secrets
    import time
    import uuid
    from datetime import date, datetime as moment
    from os import urandom
    from random import choice, randint, random as draw, sample, shuffle
    from secrets import token_hex
    from time import monotonic, time as now
    from uuid import uuid4
    from typing import Any
    from livefile import *

    UTC = datetime.timezone.utc

    def times() -> dict[str, Any]:
        return {
            "time.time": time.time(),
            "now": now(),
            "time_ns": time.time_ns() / 1e9,
            "monotonic": time.monotonic(),
            "from monotonic": monotonic(),
            "monotonic_ns": time.monotonic_ns() / 1e9,
            "perf_counter": time.perf_counter(),
            "datetime.now": datetime.datetime.now(UTC).timestamp(),
            "local now": dt.datetime.now().timestamp(),
            "moment.now": moment.now(tz=UTC).timestamp(),
            "utcnow": moment.utcnow().replace(tzinfo=UTC).timestamp(),
            "today": moment.today().timestamp(),
        }

    def days() -> list[str]:
        return [
            str(date.today()),
            str(datetime.date.today()),
            str(moment.today().date()),
            time.strftime("%Y-%m-%d"),
            time.strftime("%Y-%m-%d", time.localtime()),
        ]

    def dice() -> dict[str, Any]:
        cards = list(range(50))
        shuffle(cards)
        return {
            "random": random.random(),
            "draw": draw(),
            "randint": randint(0, 10**9),
            "choice": choice(range(10**9)),
            "choices": random.choices(range(10**9), k=2),
            "sample": sample(range(10**9), 2),
            "shuffle": cards,
            "gauss": random.gauss(0, 1),
            "getrandbits": random.getrandbits(40),
            "randbytes": random.randbytes(8),
            "uuid4": str(uuid.uuid4()),
            "from uuid4": str(uuid4()),
            "uuid1": str(uuid.uuid1()),
            "token_hex": secrets.token_hex(),
            "from token_hex": token_hex(16),
            "token_bytes": secrets.token_bytes(8),
            "token_urlsafe": secrets.token_urlsafe(),
            "randbelow": secrets.randbelow(10**9),
            "secrets.choice": secrets.choice(range(10**9)),
            "secrets.randbits": secrets.randbits(40),
            "os.urandom": os.urandom(8),
            "urandom": urandom(8),
        }

    @query
    def query_times(ctx: QueryCtx) -> Any:
        return times()

    @mutation
    def mutation_times(ctx: MutationCtx) -> Any:
        return times()

    @action
    async def action_times(ctx: ActionCtx) -> Any:
        return times()

    @query
    def query_days(ctx: QueryCtx) -> list[str]:
        return days()

    @query
    def query_dice(ctx: QueryCtx, number: int = 0) -> Any:
        return dice()

    @mutation
    def mutation_dice(ctx: MutationCtx) -> Any:
        return dice()

    @action
    async def action_dice(ctx: ActionCtx) -> Any:
        return dice()

    @query
    def instances(ctx: QueryCtx) -> list[bool]:
        found = moment.now()
        match found:
            case moment(year=year):
                is_matched = year == found.year
        return [
            isinstance(found, moment),
            isinstance(found, datetime.datetime),
            isinstance(found, date),
            isinstance(date.today(), datetime.date),
            not isinstance(date.today(), moment),
            isinstance(moment.fromisoformat("2024-01-02T03:04:05"), moment),
            isinstance(moment(2024, 1, 2) - moment(2024, 1, 1), datetime.timedelta),
            issubclass(moment, date),
            moment(2024, 1, 2) == dt.datetime(2024, 1, 2),
            type(moment.now()) is type(moment(2024, 1, 2)),
            uuid.UUID(int=1).int == 1,
            random.Random(7).random() == random.Random(7).random(),
            is_matched,
        ]

    @query
    def pauses(ctx: QueryCtx) -> bool:
        start = time.monotonic()
        for _ in range(1000):
            pass
        return time.monotonic() == start
"""
NOW_NS = 1_700_000_000_123_456_000


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"samples": SAMPLES}, clock=ManualClock(NOW_NS)) as stepped:
        yield stepped


def act(app: SteppedApp, path: str) -> Any:
    """Run an action to its end: it has a thread of its own."""
    return app.livefile.action(path)


@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_queries_and_mutations_see_one_moment(app: SteppedApp, kind: str) -> None:
    app.clock.advance_ms(1500)
    run = app.query if kind == "query" else app.mutate
    times = value_of(run(f"samples:{kind}_times"))

    assert times == {name: pytest.approx(NOW_NS / 1e9 + 1.5, abs=1e-6) for name in times}
    assert value_of(app.query("samples:pauses"))


def test_days_follow_the_clock_of_the_call(app: SteppedApp) -> None:
    days = value_of(app.query("samples:query_days"))

    assert set(days) == {str(datetime.datetime.fromtimestamp(NOW_NS / 1e9).date())}


def test_actions_see_the_time_of_the_machine(app: SteppedApp) -> None:
    before = time.time()
    times = act(app, "samples:action_times")

    for name in ("time.time", "now", "time_ns", "datetime.now", "moment.now", "utcnow", "today"):
        assert times[name] >= before - 1
    assert times["monotonic"] < before  # It counts from another moment.


@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_one_seed_gives_the_same_dice(tmp_path: Path, kind: str) -> None:
    results = []
    for seed in (1, 1, 2):
        with SteppedApp(tmp_path, {"samples": SAMPLES}, seed=seed) as app:
            run = app.query if kind == "query" else app.mutate
            results.append(value_of(run(f"samples:{kind}_dice")))

    assert results[0] == results[1]
    assert not results[0].items() & freeze(results[2]).items()


def freeze(dice: dict[str, Any]) -> dict[str, Any]:
    """Return the dice with what can be compared as a set."""
    return {name: thrown for name, thrown in dice.items() if not isinstance(thrown, list)}


def test_every_call_throws_its_own_dice(app: SteppedApp) -> None:
    results = [value_of(app.query("samples:query_dice", number=number)) for number in range(3)]
    results += [value_of(app.mutate("samples:mutation_dice")) for _ in range(3)]

    for name in results[0]:
        assert len({repr(result[name]) for result in results}) == len(results), name


def test_the_dice_of_actions_are_those_of_the_machine(tmp_path: Path) -> None:
    results = []
    for _ in range(2):
        with SteppedApp(tmp_path, {"samples": SAMPLES}, seed=1) as app:
            results.append(act(app, "samples:action_dice"))

    for name in results[0]:
        assert results[0][name] != results[1][name], name


def test_a_call_leaves_the_dice_of_the_process_alone(app: SteppedApp) -> None:
    random.seed(3)
    expected = [random.random() for _ in range(2)]
    random.seed(3)
    found = [random.random()]
    app.query("samples:query_dice")
    app.mutate("samples:mutation_dice")
    found.append(random.random())

    assert found == expected


def test_ids_are_unique_and_well_formed(app: SteppedApp) -> None:
    dice = value_of(app.query("samples:query_dice"))

    assert dice["uuid4"] != dice["from uuid4"]
    assert dice["uuid4"][14] == "4"
    assert len(dice["token_hex"]) == 64
    assert len(dice["from token_hex"]) == 32
    assert len(dice["os.urandom"]) == 8
    assert sorted(dice["shuffle"]) == list(range(50))


def test_instances_of_the_frozen_classes_are_ordinary(app: SteppedApp) -> None:
    results = value_of(app.query("samples:instances"))

    assert results == [True] * len(results)


def test_helpers_of_an_app_are_ordinary_outside_of_calls(tmp_path: Path) -> None:
    loaded = App.load(write_app(tmp_path, {"samples": SAMPLES}))
    helpers = loaded.functions["samples:query_times"].body.__globals__
    before = time.time()

    assert helpers["times"]()["moment.now"] >= before - 1
    assert helpers["dice"]() != helpers["dice"]()
    assert helpers["monotonic"]() <= time.monotonic()


IMPORTS = """
    from livefile import *

    @{kind}
    {keyword} body(ctx) -> None:
        {line}
"""


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "import time as clock",
        "from time import time",
        "from datetime import datetime",
        "import json, random",
        "from uuid import uuid4",
        "import secrets",
        "import os",
        "def inner(): import time",
        "[__import__ for _ in range(1)]; (lambda: 0)(); from random import random",
    ],
)
@pytest.mark.parametrize("kind", ["query", "internal.mutation"])
def test_an_import_in_a_body_that_would_not_be_repeatable_is_refused(
    tmp_path: Path, kind: str, line: str
) -> None:
    source = IMPORTS.format(kind=kind, keyword="def", line=line)
    with pytest.raises(AppError) as raised:
        App.load(write_app(tmp_path, {"notes": source}))

    assert "notes:body" in str(raised.value)
    assert "import it at the top of the module" in str(raised.value)


@pytest.mark.parametrize("line", ["import time", "def inner(): from random import random"])
def test_actions_may_import_what_they_like(tmp_path: Path, line: str) -> None:
    source = IMPORTS.format(kind="action", keyword="async def", line=line)

    assert App.load(write_app(tmp_path, {"notes": source})).functions.keys() == {"notes:body"}


def test_other_imports_in_a_body_are_welcome(tmp_path: Path) -> None:
    source = IMPORTS.format(kind="query", keyword="def", line="import json, math")

    assert App.load(write_app(tmp_path, {"notes": source})).functions.keys() == {"notes:body"}


LATE = """
    from livefile import *

    @query
    def size(ctx: QueryCtx) -> int:
        from {library}.inner.deep import SIZE
        return SIZE
"""


@pytest.mark.parametrize("is_compiling", [True, False])
def test_a_library_may_load_its_modules_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_compiling: bool
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", not is_compiling)
    library = write_app(
        tmp_path / "libraries",
        {
            "__init__": "",
            "inner.__init__": "",
            "inner.deep": """
                import os
                with open(__file__) as file:
                    SIZE = len(file.readline()) + len(os.listdir(os.path.dirname(__file__))) * 0
            """,
        },
    )
    monkeypatch.syspath_prepend(library.parent)
    with SteppedApp(tmp_path, {"late": LATE.format(library=library.name)}) as app:
        assert value_of(app.query("late:size")) == 1


def test_a_frozen_time_is_part_of_the_result_only_if_it_was_read(app: SteppedApp) -> None:
    app.query("samples:query_times")
    app.query("samples:query_dice")
    app.clock.advance_ms(3_600_000)
    app.runs.clear()
    app.query("samples:query_times")
    app.query("samples:query_dice")

    assert app.count_runs("samples:query_times") == 1
    assert app.count_runs("samples:query_dice") == 0


def test_an_action_of_a_real_deployment_is_not_sealed(tmp_path: Path) -> None:
    with Livefile.open(":memory:", write_app(tmp_path, {"samples": SAMPLES})) as livefile:
        frozen = livefile.query("samples:query_times")
        moving = [livefile.action("samples:action_times")["perf_counter"] for _ in range(2)]

    assert len({round(reading, 5) for reading in frozen.values()}) == 1
    assert moving[0] < moving[1]

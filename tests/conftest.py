"""Fixtures that every test may use."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.integrity import check_integrity
from tests.tables import Game, Player
from tests.workbench import Workbench

# No test fails because the machine is busy.
settings.register_profile("livefile", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("livefile")

GOLDEN_DIRECTORY = Path(__file__).parent.parent / "fixtures" / "golden"


@dataclass(frozen=True, slots=True)
class Golden:
    """The golden files: texts that change only on purpose."""

    is_updating: bool

    def check(self, name: str, text: str) -> None:
        """Compare ``text`` with fixtures/golden/NAME, or rewrite that under --update-golden."""
        path = GOLDEN_DIRECTORY / name
        if self.is_updating:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"there is no {path}: run pytest with --update-golden"
        assert text == path.read_text(encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the golden files; review the diff"
    )
    parser.addoption(
        "--seed", type=int, default=None, help="run each simulation with this seed only"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a ``seed`` once for each seed; its name says which one failed.

    Its module says how many by ``SEEDS_COUNT``.
    """
    count = getattr(metafunc.module, "SEEDS_COUNT", None)
    if "seed" in metafunc.fixturenames and count is not None:
        only = metafunc.config.getoption("--seed")
        seeds = range(count) if only is None else [only]
        metafunc.parametrize("seed", seeds, ids=[f"seed={seed}" for seed in seeds])


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(is_updating=bool(request.config.getoption("--update-golden")))


@pytest.fixture
def db() -> Iterator[Workbench]:
    """A database with players and games; its file is checked when the test ends."""
    with Workbench(Player, Game) as bench:
        yield bench
        bench.settle()
        check_integrity(bench.database)

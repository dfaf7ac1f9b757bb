"""The repository keeps its own rules, and every rule can fail.

The rules are in ``tidy_rules.py`` and ``tidy_layers.py``. What they forbid and why is on the
conventions page.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import PurePosixPath

import pytest

from tests import tidy_layers, tidy_rules
from tests.tidy_source import ROOT, Finding, Rule, Source, sources

PRODUCT = ("engine", "server")
OURS = ("engine", "server", "tests", "benchmarks")
EVERYTHING = ("engine", "server", "tests", "benchmarks", "fixtures")
FACADE_FILE = "engine/livefile/__init__.py"

FacadeRule = tidy_layers.facade_only(frozenset({"Livefile", "Id"}))


def assert_clean(findings: Iterable[Finding]) -> None:
    found = [str(finding) for finding in findings]
    assert not found, "\n" + "\n".join(found)


def run(rule: Rule, *folders: str) -> Iterable[Finding]:
    return chain.from_iterable(map(rule, sources(*folders)))


def test_there_is_something_to_check() -> None:
    assert len(sources("engine")) > 10
    assert len(sources("server")) > 10
    assert len(sources("tests")) > 10


def test_files_are_at_most_400_lines() -> None:
    assert_clean(run(tidy_rules.file_length, *EVERYTHING))


def test_functions_are_at_most_60_lines() -> None:
    assert_clean(run(tidy_rules.function_length, *EVERYTHING))


def test_lines_are_at_most_100_columns() -> None:
    assert_clean(run(tidy_rules.line_length, *EVERYTHING))


def test_modules_are_named_after_their_noun() -> None:
    assert_clean(run(tidy_rules.module_name, *EVERYTHING))


def test_every_module_says_what_is_in_it() -> None:
    assert_clean(run(tidy_rules.module_docstring, *PRODUCT, "benchmarks"))


def test_every_public_name_has_a_docstring() -> None:
    assert_clean(run(tidy_rules.public_docstrings, *PRODUCT))


def test_unfinished_work_names_its_issue() -> None:
    assert_clean(run(tidy_rules.unfinished_work, *PRODUCT, "benchmarks"))


def test_time_and_randomness_are_passed_in() -> None:
    assert_clean(run(tidy_rules.clock_and_randomness, *PRODUCT))


def test_only_the_edges_catch_everything() -> None:
    assert_clean(run(tidy_rules.broad_except, *PRODUCT))


def test_sql_is_not_made_from_parts_outside_sqlite() -> None:
    assert_clean(run(tidy_rules.built_sql, *PRODUCT))


def test_only_the_command_line_prints() -> None:
    assert_clean(run(tidy_rules.no_print, *PRODUCT))


def test_every_module_is_in_a_layer() -> None:
    assert_clean(run(tidy_layers.in_a_layer, *PRODUCT))


def test_imports_point_down() -> None:
    assert_clean(run(tidy_layers.imports_point_down, *PRODUCT))


def test_libraries_stay_within_their_borders() -> None:
    assert_clean(run(tidy_layers.borders, *EVERYTHING))


def test_the_sync_session_does_no_io() -> None:
    assert_clean(run(tidy_layers.session_without_io, *PRODUCT))


def test_the_server_uses_only_the_facade_of_the_engine() -> None:
    text = (ROOT / FACADE_FILE).read_text(encoding="utf-8")
    exported = tidy_layers.exported_names(Source(PurePosixPath(FACADE_FILE), text))

    assert exported, f"{FACADE_FILE} has no __all__"
    assert_clean(run(tidy_layers.facade_only(exported), "server"))


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert_clean(tidy_layers.import_circles(sources(*OURS)))


# --- Every rule can fail -------------------------------------------------------------------

MODEL = "engine/livefile/model/value.py"
SESSION = "server/livefile_server/sync/session.py"
WEB = "server/livefile_server/web/app.py"

# A rule, the file that the bad code pretends to be, the code, and the line of the one finding.
BAD: list[tuple[Rule, str, str, int]] = [
    (tidy_rules.file_length, MODEL, "x = 1\n" * 401, 401),
    (tidy_rules.function_length, MODEL, "\ndef f():\n" + "    x = 1\n" * 60, 2),
    (tidy_rules.function_length, MODEL, "async def f():\n" + "    x = 1\n" * 60, 1),
    (tidy_rules.line_length, MODEL, "x = 1\n" + "#" * 101, 2),
    (tidy_rules.module_name, "engine/livefile/model/utils.py", "", 1),
    (tidy_rules.module_name, "server/livefile_server/helpers/text.py", "", 1),
    (tidy_rules.module_docstring, MODEL, "x = 1", 1),
    (tidy_rules.public_docstrings, MODEL, "def f(): pass", 1),
    (tidy_rules.public_docstrings, MODEL, "class A:\n  '''A.'''\n  def f(self): pass", 3),
    (tidy_rules.unfinished_work, MODEL, "# TODO: later", 1),
    (tidy_rules.unfinished_work, MODEL, '"""TODO."""', 1),
    (tidy_rules.unfinished_work, MODEL, "x = 1  # FIXME", 1),
    (tidy_rules.clock_and_randomness, MODEL, "import time\nx = time.time()", 2),
    (tidy_rules.clock_and_randomness, MODEL, "def f(now=time.time_ns): pass", 1),
    (tidy_rules.clock_and_randomness, MODEL, "x = datetime.datetime.now(UTC)", 1),
    (tidy_rules.clock_and_randomness, MODEL, "x = random.random()", 1),
    (tidy_rules.clock_and_randomness, MODEL, "from random import shuffle", 1),
    (tidy_rules.clock_and_randomness, WEB, "from uuid import uuid4", 1),
    (tidy_rules.broad_except, MODEL, "try: f()\nexcept Exception: g()", 2),
    (tidy_rules.broad_except, MODEL, "try: f()\nexcept: g()", 2),
    (tidy_rules.broad_except, MODEL, "try: f()\nexcept (OSError, BaseException): g()", 2),
    (tidy_rules.built_sql, MODEL, 'db.execute(f"SELECT {x}")', 1),
    (tidy_rules.built_sql, MODEL, 'db.execute("SELECT %s" % x)', 1),
    (tidy_rules.built_sql, MODEL, 'db.executemany("SELECT " + x, y)', 1),
    (tidy_rules.built_sql, WEB, 'self.db.execute("SELECT {}".format(x))', 1),
    (tidy_rules.no_print, MODEL, "print(1)", 1),
    (tidy_layers.in_a_layer, "engine/livefile/storage/page.py", "", 1),
    (tidy_layers.in_a_layer, "engine/livefile/loose.py", "", 1),
    (tidy_layers.imports_point_down, MODEL, "import livefile.sqlite.documents", 1),
    (tidy_layers.imports_point_down, MODEL, "from livefile import Livefile", 1),
    (tidy_layers.imports_point_down, MODEL, "from livefile import sqlite", 1),
    (tidy_layers.imports_point_down, MODEL, "def f():\n  from ..sqlite import documents", 2),
    (tidy_layers.imports_point_down, SESSION, "from livefile_server.web import app", 1),
    (tidy_layers.imports_point_down, SESSION, "from livefile_server import web", 1),
    (tidy_layers.borders, MODEL, "import apsw", 1),
    (tidy_layers.borders, MODEL, "import apsw.ext", 1),
    (tidy_layers.borders, "engine/livefile/sqlite/connections.py", "import sqlite3", 1),
    (tidy_layers.borders, "tests/engine/test_value.py", "from sqlite3 import connect", 1),
    (tidy_layers.borders, SESSION, "from aiohttp import web", 1),
    (tidy_layers.borders, WEB, "import click", 1),
    (tidy_layers.session_without_io, SESSION, "import asyncio", 1),
    (tidy_layers.session_without_io, SESSION, "from time import monotonic", 1),
    (FacadeRule, WEB, "from livefile import Livefile, Secret", 1),
    (FacadeRule, WEB, "from livefile.model.value import Value", 1),
    (FacadeRule, WEB, "import livefile", 1),
]


@pytest.mark.parametrize(("rule", "path", "text", "line"), BAD)
def test_a_rule_finds_what_it_forbids(rule: Rule, path: str, text: str, line: int) -> None:
    findings = list(rule(Source(PurePosixPath(path), text)))

    assert [(str(found.path), found.line) for found in findings] == [(path, line)]


GOOD: list[tuple[Rule, str, str]] = [
    (tidy_rules.file_length, MODEL, "x = 1\n" * 400),
    (tidy_rules.function_length, MODEL, "def f():\n" + "    x = 1\n" * 59),
    (tidy_rules.public_docstrings, MODEL, "def _f(): pass\nclass _A:\n  def f(self): pass"),
    (tidy_rules.public_docstrings, MODEL, "@typing.overload\ndef f(x: int) -> int: ..."),
    (tidy_rules.unfinished_work, MODEL, "# TODO(#7): more"),
    (tidy_rules.clock_and_randomness, MODEL, "x = random.Random(7).random()"),
    (tidy_rules.clock_and_randomness, MODEL, "def f(random): return random.random()"),
    (tidy_rules.clock_and_randomness, "engine/livefile/vocabulary/clock.py", "time.time_ns()"),
    (tidy_rules.broad_except, MODEL, "try: f()\nexcept BaseException:\n  g()\n  raise"),
    (tidy_rules.broad_except, "engine/livefile/functions/runner.py", "try: f()\nexcept: g()"),
    (tidy_rules.built_sql, MODEL, 'db.execute("SELECT 1 WHERE ? = 2", x)'),
    (tidy_rules.built_sql, "engine/livefile/sqlite/catalog.py", 'db.execute(f"PRAGMA {x}")'),
    (tidy_rules.no_print, "server/livefile_server/cli/run.py", "print(1)"),
    (tidy_layers.in_a_layer, "engine/livefile/functions/javascript/prelude.py", ""),
    (tidy_layers.imports_point_down, MODEL, "from livefile.model import interval"),
    (tidy_layers.imports_point_down, MODEL, "from livefile import vocabulary"),
    (tidy_layers.imports_point_down, "engine/livefile/engine.py", "from livefile import model"),
    (tidy_layers.borders, "engine/livefile/sqlite/connections.py", "import apsw"),
    (tidy_layers.borders, "tests/engine/test_connections.py", "import apsw"),
    (tidy_layers.session_without_io, WEB, "import asyncio"),
    (FacadeRule, WEB, "from livefile import Id, Livefile"),
    (FacadeRule, "tests/server/test_app.py", "from livefile.model.value import Value"),
]


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_a_rule_lets_pass_what_it_allows(rule: Rule, path: str, text: str) -> None:
    assert_clean(rule(Source(PurePosixPath(path), text)))


EXEMPT = [(tidy_rules.clock_and_randomness, path) for path in sorted(tidy_rules.CLOCK_FILES)]
EXEMPT += [(tidy_rules.broad_except, path) for path in sorted(tidy_rules.EDGE_FILES)]


@pytest.mark.parametrize(("rule", "path"), EXEMPT)
def test_an_exemption_is_still_needed(rule: Rule, path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")

    assert list(rule(Source(PurePosixPath(MODEL), text))), f"strike {path} off the list"


def test_every_rule_is_proved_able_to_fail() -> None:
    rules = {
        value
        for module in (tidy_rules, tidy_layers)
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
        if getattr(value, "__annotations__", {}) == {"source": Source, "return": Iterator[Finding]}
    }

    assert len(rules) > 10
    assert rules <= {rule for rule, *_ in BAD}


def test_an_import_circle_is_found_also_through_a_function() -> None:
    first = Source(PurePosixPath("engine/livefile/model/a.py"), "from livefile.model import b")
    second = Source(PurePosixPath("engine/livefile/model/b.py"), "def f():\n  from .c import name")
    third = Source(PurePosixPath("engine/livefile/model/c.py"), "import livefile.model.a")

    (finding,) = tidy_layers.import_circles([first, second, third])

    assert "livefile.model.a -> livefile.model.b -> livefile.model.c -> livefile.model.a" in str(
        finding
    )


def test_an_import_for_types_closes_no_circle() -> None:
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  from livefile.model import a"
    first = Source(PurePosixPath("engine/livefile/model/a.py"), "from livefile.model import b")
    second = Source(PurePosixPath("engine/livefile/model/b.py"), guarded)

    assert_clean(tidy_layers.import_circles([first, second]))

"""Every dependency is explained, has a minimum, and that minimum is met here.

The minimums that keep known bugs out are written down a second time, so that nobody lowers one
by accident.
"""

import json
import re
import tomllib
from importlib.metadata import version

import apsw
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.tidy_source import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEPENDENCIES = [Requirement(text) for text in PROJECT["dependencies"]]
TYPESCRIPT = [Requirement(text) for text in PROJECT["optional-dependencies"]["typescript"]]
DEV_DEPENDENCIES = [
    it for it in map(Requirement, PROJECT["optional-dependencies"]["dev"]) if it.name != "livefile"
]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")

# What the version before it does wrong is in docs/dependencies.md.
MINIMUMS = {"aiohttp": "3.14.1", "apsw": "3.51.3", "orjson": "3.9.15", "pyjwt": "2.13.0"}


def named(requirement: Requirement) -> str:
    return requirement.name


def minimum(requirement: Requirement) -> str:
    (least,) = (part.version for part in requirement.specifier if part.operator == ">=")
    return least


@pytest.mark.parametrize("dependency", [*DEPENDENCIES, *TYPESCRIPT, *DEV_DEPENDENCIES], ids=named)
def test_a_dependency_is_installed_as_wanted(dependency: Requirement) -> None:
    if dependency.marker is None or dependency.marker.evaluate():
        assert dependency.specifier.contains(version(dependency.name), prereleases=True)


@pytest.mark.parametrize("dependency", [*DEPENDENCIES, *TYPESCRIPT], ids=named)
def test_a_dependency_is_explained_with_its_minimum(dependency: Requirement) -> None:
    row = rf"^\| `{re.escape(dependency.name)}` \| {re.escape(minimum(dependency))} \| .+ \| .+ \|$"

    assert re.search(row, PAGE, re.MULTILINE), f"docs/dependencies.md has no row: {row}"


@pytest.mark.parametrize("dependency", DEV_DEPENDENCIES, ids=named)
def test_a_dependency_for_development_is_explained(dependency: Requirement) -> None:
    row = rf"^\| `{re.escape(dependency.name)}` \| .+ \|$"

    assert re.search(row, PAGE, re.MULTILINE), f"docs/dependencies.md has no row: {row}"


def test_no_dependency_is_explained_that_is_gone() -> None:
    explained = set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE))

    assert explained == {named(each) for each in [*DEPENDENCIES, *TYPESCRIPT, *DEV_DEPENDENCIES]}


@pytest.mark.parametrize(("name", "least"), MINIMUMS.items())
def test_a_minimum_keeps_a_known_bug_out(name: str, least: str) -> None:
    (dependency,) = (each for each in DEPENDENCIES if each.name == name)

    assert Version(minimum(dependency)) >= Version(least)


def test_the_sqlite_inside_apsw_has_no_wal_reset_bug() -> None:
    # The package could have been built against an older SQLite of the machine.
    assert Version(apsw.sqlite_lib_version()) >= Version("3.51.3")


@pytest.mark.parametrize("folder", ["fixtures/chat/web", "tests/acceptance/node"])
def test_npm_packages_are_locked_without_a_registry(folder: str) -> None:
    lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))
    packages = {path: entry for path, entry in lock["packages"].items() if path}

    assert packages
    assert [path for path, entry in packages.items() if "integrity" not in entry] == []
    # Who installs may use a mirror; npm would follow these addresses instead.
    assert [path for path, entry in packages.items() if "resolved" in entry] == []


def test_the_npm_client_is_pinned_where_it_is_used() -> None:
    for folder in ("fixtures/chat/web", "tests/acceptance/node"):
        package = json.loads((ROOT / folder / "package.json").read_text(encoding="utf-8"))
        assert package["dependencies"]["convex"] == "1.48.0"

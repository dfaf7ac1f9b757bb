"""The reference says what the code says: limits, options, error codes; and links lead somewhere.

Not here: whether everything has an entry at all, and the examples (``test_docs.py``).
"""

import re
from pathlib import Path

import click
import pytest

from livefile import errors, limits
from livefile_server.cli.main import COMMANDS, main
from tests.docs_examples import FENCE
from tests.tidy_source import ROOT

REFERENCE = ROOT / "docs" / "reference"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
SOURCE = re.compile(r"`((?:\w+/)+\w+\.(?:py|sql))`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FACTORS = frozenset({"KIB", "MIB"})


def text_of(page: Path) -> str:
    """Return a page without its examples, in which a comment may look like a heading."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings make, as GitHub does."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(text_of(page))
    }


def rows(page: str) -> list[list[str]]:
    """Return the cells of every table row of a reference page."""
    lines = text_of(REFERENCE / page).splitlines()
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if line.startswith("| `")
    ]


def section(page: str, heading: str) -> str:
    """Return what stands under one heading, up to the next."""
    found = re.search(
        rf"^#+ {re.escape(heading)}[^\n]*\n(.*?)(?=^#|\Z)",
        text_of(REFERENCE / page),
        re.MULTILINE | re.DOTALL,
    )
    assert found, f"{page} has no heading {heading}"
    return found[1]


def test_the_page_of_limits_has_every_number_as_it_is() -> None:
    numbers = {
        name: number
        for name, number in vars(limits).items()
        if name.isupper() and name not in FACTORS
    }

    shown = {row[0].strip("`"): int(row[1].replace(",", "")) for row in rows("limits.md")}

    assert shown == numbers


def test_the_page_of_limits_reads_sizes_rightly() -> None:
    units = {"KiB": 1024, "MiB": 1024 * 1024}
    sizes = [row for row in rows("limits.md") if re.fullmatch(r"\d+ [KM]iB", row[2])]

    assert len(sizes) > 10
    for _, number, size, _ in sizes:
        count, unit = size.split()
        assert int(number.replace(",", "")) == int(count) * units[unit]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_has_its_row_with_its_variable(name: str) -> None:
    page = section("command-line.md", f"`livefile {name}")
    options = [each for each in main.commands[name].params if isinstance(each, click.Option)]

    shown = set(re.findall(r"^\| `(--[\w-]+)[^`]*` \| `(\w+)` \|", page, re.MULTILINE))

    assert shown == {(option.opts[0], str(option.envvar)) for option in options}


def test_every_error_has_its_row_with_its_code() -> None:
    classes = {
        name: getattr(kind, "code", None)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.LivefileError)
    }
    given_when_raised = {
        name
        for name, kind in vars(errors).items()
        if name in classes and "code" in getattr(kind.__init__, "__annotations__", {})
    }

    shown = {
        row[0].strip("`"): row[1] for row in rows("errors.md") if row[0][1:].endswith("Error`")
    }

    for name, code in classes.items():
        wanted = "[see below](" if name in given_when_raised else f"`{code}`"
        assert shown[name].startswith(wanted), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(text_of(page)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no such file"
        if anchor:
            assert anchor in anchors(target), f"{link}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_source_files_that_a_page_names_exist(page: Path) -> None:
    roots = (ROOT, ROOT / "engine" / "livefile", ROOT / "server" / "livefile_server")
    # Files of the apps in the examples.
    written = set(re.findall(r"^# ([\w./-]+\.py)$", page.read_text(encoding="utf-8"), re.MULTILINE))
    written |= {"chat/schema.py", "chat/messages.py", "chat/__init__.py", "chat/admin/users.py"}

    for name in set(SOURCE.findall(text_of(page))) - written:
        assert any((root / name).is_file() for root in roots), f"there is no {name}"

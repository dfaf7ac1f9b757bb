"""The documentation is true: its examples run, and the reference has an entry for everything.

How an example is written is in ``docs_examples.py``; what counts as an entry in
``docs_reference.py``.
"""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import livefile
from livefile_server.cli.main import main
from tests.docs_examples import Example, commands, examples, run_page
from tests.docs_reference import entries, error_codes, limits
from tests.tidy_source import ROOT

PAGES = [*ROOT.glob("README.md"), *sorted((ROOT / "docs").rglob("*.md"))]
REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
WITH_EXAMPLES = [
    page for page in PAGES if list(examples(page.name, page.read_text(encoding="utf-8")))
]


def from_root(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# --- Examples --------------------------------------------------------------------------------


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=from_root)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    steps = list(examples(from_root(page), page.read_text(encoding="utf-8")))

    done = run_page(steps, tmp_path, free_port())

    assert done.returncode == 0, done.stderr


def test_the_readme_begins_with_a_program_that_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = next(examples("README.md", readme))

    assert first.language == "python"
    assert len(first.text.splitlines()) <= 20


def test_a_wrong_example_fails_and_says_where(tmp_path: Path) -> None:
    page = "# Title\n\n```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n"

    done = run_page(list(examples("page.md", page)), tmp_path, free_port())

    assert done.returncode != 0
    assert "the example at page.md:8 failed" in done.stderr


def test_a_command_with_other_output_fails(tmp_path: Path) -> None:
    steps = [Example("page.md:1", "console", "$ python -c 'print(1)'\n2\n")]

    done = run_page(steps, tmp_path, free_port())

    assert done.returncode != 0
    assert "the page shows" in done.stderr


def test_a_page_writes_files_and_runs_them(tmp_path: Path) -> None:
    steps = [
        Example("page.md:1", "python", "# app/names.py\nNAME = 'Ada'\n"),
        Example("page.md:5", "python", "from app.names import NAME\n"),
        Example("page.md:9", "python", "assert NAME == 'Ada'\n"),
        Example("page.md:13", "console", "$ cd app\n$ python names.py\n"),
    ]

    done = run_page(steps, tmp_path, free_port())

    assert done.returncode == 0, done.stderr


def test_blocks_of_other_languages_and_marked_ones_are_only_shown() -> None:
    shown = "```sh\nrm -r /\n```\n```python no-run\nassert False\n```\n"
    page = shown + "- item\n\n  ```python\n  x\n  ```\n"

    assert list(examples("page.md", page)) == [Example("page.md:10", "python", "x\n")]


def test_a_command_may_span_lines_and_is_followed_by_its_output() -> None:
    text = "$ livefile run \\\n    messages:list\n[]\n$ cd chat\n"

    assert list(commands(text)) == [("livefile run messages:list", "[]"), ("cd chat", "")]


# --- Reference -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> set[str]:
    return entries(page.read_text(encoding="utf-8") for page in REFERENCE)


def assert_none_missing(names: set[str]) -> None:
    assert not names, f"no entry in docs/reference/ for: {', '.join(sorted(names))}"


def command_names(command: click.Command, name: str) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield name
        return
    context = click.Context(command)
    for part_name in command.list_commands(context):
        part = command.get_command(context, part_name)
        assert part is not None
        yield from command_names(part, f"{name} {part_name}")


def test_every_public_name_has_an_entry(known: set[str]) -> None:
    assert_none_missing(set(livefile.__all__) - known)


def test_every_error_code_has_an_entry(known: set[str]) -> None:
    assert_none_missing(error_codes() - known)


def test_every_limit_has_an_entry(known: set[str]) -> None:
    assert_none_missing(limits() - known)


def test_every_command_has_an_entry(known: set[str]) -> None:
    names = set(command_names(main, "livefile"))

    assert len(names) >= 5
    assert_none_missing(names - known)


def test_an_entry_is_found_in_headings_tables_and_lists() -> None:
    page = (
        "## `Livefile`\n| `NAME_MAX` | 7 |\n* `livefile dev [APP]`: x\n- `livefile run NAME`\n"
        "### `open(path)`\nA word about `nothing`.\n"
    )

    names = {name for name in entries([page]) if re.fullmatch(r"[\w ]+", name)}

    assert names == {"Livefile", "NAME_MAX", "livefile dev", "livefile run", "open"} | {
        "livefile run NAME"
    }


def test_the_sources_of_the_reference_are_found() -> None:
    assert {"ConvexError", "InvalidFile"} <= error_codes()
    assert {"VALUE_SIZE_BYTES_MAX", "READERS_MAX"} <= limits()

"""The types of an app are checked by mypy, with no generated code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "fixtures" / "typecheck"
REPORTED = re.compile(r"^[^:]*?(\w+\.py):(\d+): error: .*\[([\w-]+)\]$")
EXPECTED = re.compile(r"# E: ([\w-]+(,[\w-]+)*)$")


@pytest.fixture(scope="module")
def reported() -> dict[str, list[tuple[int, str]]]:
    """Line and code of every error that mypy --strict finds, by file."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--hide-error-context"]
    command += ["--no-color-output", "--no-error-summary", "--namespace-packages"]
    # Errors of the engine itself are the business of `make types`.
    command += ["--follow-imports=silent"]
    command += ["--explicit-package-bases", "typecheck/good.py", "typecheck/bad.py"]
    done = subprocess.run(
        command,
        cwd=FOLDER.parent,
        env={
            "MYPYPATH": f"{ROOT / 'engine'}:.",
            "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache" / "typecheck"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, list[tuple[int, str]]] = {"good.py": [], "bad.py": []}
    for line in done.stdout.splitlines():
        match = REPORTED.match(line)
        assert match is not None or ": note: " in line, line
        if match is not None:
            found[match[1]].append((int(match[2]), match[3]))
    return found


def test_a_right_app_has_no_errors(reported: dict[str, list[tuple[int, str]]]) -> None:
    assert reported["good.py"] == []


def test_every_mistake_is_found_where_it_is_and_nothing_else(
    reported: dict[str, list[tuple[int, str]]],
) -> None:
    lines = (FOLDER / "bad.py").read_text().splitlines()
    marked = [
        (number, code)
        for number, line in enumerate(lines, start=1)
        if (match := EXPECTED.search(line)) is not None
        for code in match[1].split(",")
    ]

    assert len(marked) >= 20
    assert reported["bad.py"] == marked

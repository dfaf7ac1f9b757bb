"""The page's types come from the Python signatures: right ones pass, wrong ones do not."""

import os
import subprocess
import sys

import pytest

from tests.acceptance.node_runtime import WEB_FOLDER, require_node, require_package
from tests.acceptance.server_process import ROOT


def type_check(project: str) -> list[str]:
    """Return the errors that TypeScript finds in a project, as it prints them."""
    compiler = require_package(WEB_FOLDER, "typescript") / "bin" / "tsc"
    command = [require_node(), str(compiler), "--noEmit", "--pretty", "false", "-p", project]
    finished = subprocess.run(
        command, cwd=WEB_FOLDER, capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.stderr == ""
    errors = finished.stdout.splitlines()
    assert (finished.returncode == 0) == (errors == []), finished
    return errors


@pytest.mark.node
def test_the_page_passes() -> None:
    assert type_check("tsconfig.json") == []


@pytest.mark.node
def test_a_wrong_argument_is_the_only_error() -> None:
    (error,) = type_check("typecheck/tsconfig.wrong_argument.json")

    assert error.startswith("typecheck/wrong_argument.tsx(6,")
    assert error.endswith("error TS2322: Type 'number' is not assignable to type 'string'.")


@pytest.mark.node
def test_a_wrong_result_field_is_the_only_error() -> None:
    (error,) = type_check("typecheck/tsconfig.wrong_result.json")

    assert error.startswith("typecheck/wrong_result.tsx(7,")
    assert "error TS2339: Property 'author' does not exist on type '{ _id: " in error


def test_the_types_in_the_page_are_those_of_the_signatures() -> None:
    command = [sys.executable, "-m", "livefile_server.cli.main", "codegen", "--check"]
    source_roots = os.pathsep.join([str(ROOT / "engine"), str(ROOT / "server")])
    finished = subprocess.run(
        [*command, str(ROOT / "fixtures" / "chat")],
        env={**os.environ, "PYTHONPATH": source_roots},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr

"""The example apps have tests of their own, which run as their users would run them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures"
APPS = sorted(folder.parent.name for folder in FIXTURES.glob("*/tests"))


@pytest.mark.parametrize("app", APPS)
def test_an_app_passes_its_own_tests(app: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]

    done = subprocess.run(
        [*command, "--rootdir=.", "tests"],
        cwd=FIXTURES / app,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr

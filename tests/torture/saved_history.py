"""Histories that were judged wrong, kept as JSON lines, and how to have another one like it."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson


def save_history(torture: str, seed: int, lines: Iterable[Any]) -> str:
    """Write a history to a file of its own; return where it is and the command for another run.

    ``torture`` is the name of its module. Sockets and threads keep their own time, so the same
    seed gives the same load, not the same history.
    """
    with tempfile.NamedTemporaryFile(
        prefix=f"livefile-{torture}-", suffix=".jsonl", delete=False
    ) as file:
        for line in lines:
            file.write(orjson.dumps(line, default=str) + b"\n")
    command = f"python -m tests.torture {torture} --size T1 --seed {seed}"
    return f"history in {Path(file.name)}, again by: {command}"

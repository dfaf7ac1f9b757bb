"""On a full disk, are writes refused, reads and live queries go on, and nothing is lost?

A bank fills its disk, is asked for things, gets space again and goes on, in a process of its own:
on a small file system where that may be mounted, and under a limit on the size of files.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from tests.acceptance.server_process import ROOT
from tests.torture.figure import Figure, Size
from tests.torture.scratch import scratch_folder

_RUNS = {Size.T1: 3, Size.T2: 20}
_DURATION_S_MAX = 60
# A mount of its own name space is gone with the process.
_MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'


def measure(size: Size, seed: int) -> Figure:
    """Run banks on disks that become full: two on a small file system, one under a limit."""
    started = time.perf_counter()
    random = Random(seed)
    can_mount = _can_mount()
    failures = []
    for run in range(_RUNS[size]):
        run_seed = seed * 1_000 + run
        has_file_system = can_mount and run % 3 != 2
        megabytes = random.randint(4, 16)
        wrong = _run(megabytes, run_seed, has_file_system=has_file_system)
        if wrong:
            kind = "file system" if has_file_system else "size limit"
            failures.append(f"seed {run_seed}, {kind} of {megabytes} MiB: {wrong.strip()}")
    return Figure(
        id="R7",
        question="full disk: writes are refused, reads go on, writes resume, nothing is lost",
        cases=_RUNS[size],
        cases_min=_RUNS[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join(failures[:3]) or ("" if can_mount else "no small file system: not root"),
    )


def _can_mount() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    with scratch_folder() as folder:
        done = subprocess.run([*_mounted("3m", folder), "true"], capture_output=True)
        return done.returncode == 0


def _mounted(size: str, folder: Path) -> list[str]:
    return ["unshare", "--mount", "sh", "-c", _MOUNT, "sh", size, str(folder)]


def _run(megabytes: int, seed: int, *, has_file_system: bool) -> str:
    """Run one bank; return what went wrong, empty if nothing did."""
    with scratch_folder() as folder:
        size_limit = 0 if has_file_system else megabytes * 1024 * 1024 // 4
        bank = [sys.executable, "-m", "tests.torture.cramped_bank"]
        bank += [str(folder), str(size_limit), str(seed)]
        if has_file_system:
            bank = [*_mounted(f"{megabytes}m", folder), *bank]
        done = subprocess.run(
            bank, cwd=ROOT, capture_output=True, text=True, timeout=_DURATION_S_MAX
        )
    return done.stdout if done.returncode == 0 else f"it ended with {done.stderr}"

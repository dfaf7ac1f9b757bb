"""A host that computes for ever ends soon after the process that started it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

# The engine's process, which is gone before its host could notice.
_ENGINE = """
import os
import sys
from livefile.javascript import life_line
from livefile.javascript.host_process import HostProcess

life_line._LENT_S = 1
host = HostProcess()
host.wait_until_ready()
source = "const it = {isQuery: true, invokeQuery() { for (;;); }}; export { it as loops };"
host.load("code", {"m.js": (source, None)})
spec = {"code": "code", "module": "m.js", "function": "loops", "kind": "query", "args": "[{}]"}
host.send(["run", 1, spec])
print(host.pid, flush=True)
os._exit(0)
"""
_WAIT_S = 60.0


@pytest.mark.skipif(sys.platform != "linux", reason="other systems lend no processor time")
def test_a_host_that_never_ends_ends_after_its_engine() -> None:
    engine = subprocess.run(
        [sys.executable, "-c", _ENGINE], capture_output=True, text=True, check=True
    )
    process = Path("/proc", engine.stdout.strip())
    end_s = time.monotonic() + _WAIT_S
    while _runs(process):
        assert time.monotonic() < end_s, "the host is still there"
        time.sleep(0.05)


def _runs(process: Path) -> bool:
    """Return whether a process is there and not just unburied."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

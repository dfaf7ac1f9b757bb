"""How much there is of everything in an open deployment, for whoever draws metrics.

Not here: calls, which observers count for themselves (``functions/call_record.py``).
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One reading. The first four only grow, from zero when the deployment is opened.

    ``commits`` counts those of mutations and of the system, also those of a group that a full disk
    undid; ``conflicts`` those that were refused. ``live_queries`` are different queries, whatever
    the number of those who watch them; ``cached_queries`` has them and those that nobody watches.
    """

    commits: int
    conflicts: int
    cache_hits: int
    slow_lane_runs: int
    live_queries: int
    cached_queries: int
    mutations_waiting: int
    requests_waiting: int
    actions_running: int
    file_bytes: int
    wal_bytes: int


def size_on_disk(path: Path) -> int:
    """Return the size of a file in bytes, 0 if there is none. Nothing is opened for it."""
    try:
        return path.stat().st_size
    except OSError:
        return 0

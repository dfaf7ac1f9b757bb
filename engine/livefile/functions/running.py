"""The call that runs now, for code that has no context at hand: ``print``, clocks, dice.

Not here: what is frozen and what is refused while it runs (``functions/determinism.py``,
``functions/sealing.py``).
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from random import Random

from livefile.functions.call import Caller
from livefile.functions.call_log import CallLog


@dataclass(slots=True, eq=False)
class RunningCall:
    """One call while it runs. Queries and mutations are sealed; actions are not."""

    path: str
    log: CallLog
    is_sealed: bool
    now_ns: int
    seed: int
    has_read_time: bool = False
    has_read_identity: bool = False
    request_id: str = ""
    parent_job: str | None = None
    caller: Caller | None = None
    has_read_caller: bool = False
    scheduled_count: int = 0
    scheduled_size_bytes: int = 0
    files_read: int = 0
    file_bytes_read: int = 0
    files_written: int = 0
    file_bytes_written: int = 0
    set_limits: tuple[Mapping[str, int], ...] = ()
    """Ends of what may be used, set by those who called what runs now."""
    pushed_count: int = 0
    """How many functions of pushed code it has run."""
    pushed_s: float = 0.0
    """How long those ran, without the time in which they waited."""
    excused_s: float = 0.0
    """How long they waited for the database or for a busy machine, where that does not count."""
    _random: Random | None = None

    @property
    def random(self) -> Random:
        """The call's own dice. Not those that make ids, so that an insert changes no throw."""
        if self._random is None:
            self._random = Random(f"dice {self.seed}")
        return self._random


current_call: ContextVar[RunningCall | None] = ContextVar("livefile_current_call", default=None)


def sealed_call() -> RunningCall | None:
    """Return the running query or mutation, None outside of one."""
    running = current_call.get()
    return running if running is not None and running.is_sealed else None

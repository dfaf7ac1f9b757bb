"""Who hears of calls: programs around the engine that log, count or show them.

Not here: what they hear (``call_record.py``).
"""

from collections.abc import Callable

from livefile.functions.call_record import CallProgress, CallRecord
from livefile.functions.callback import call_back
from livefile.functions.path import is_system_path


class Observers:
    """Everybody who hears of the calls of an app. Any thread tells and adds."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._of_calls: list[Callable[[CallRecord], None]] = []
        self._of_progress: list[Callable[[CallProgress], None]] = []

    def __bool__(self) -> bool:
        """Return whether anybody hears of finished calls."""
        return bool(self._of_calls)

    @property
    def hear_progress(self) -> bool:
        """Whether anybody hears of actions that still run."""
        return bool(self._of_progress)

    def add(
        self,
        observer: Callable[[CallRecord], None],
        on_progress: Callable[[CallProgress], None] | None,
    ) -> Callable[[], None]:
        """Tell ``observer`` of finished calls and ``on_progress`` of actions that still run.

        Returns:
            What ends that.
        """
        self._of_calls.append(observer)
        if on_progress is not None:
            self._of_progress.append(on_progress)

        def end() -> None:
            self._of_calls.remove(observer)
            if on_progress is not None:
                self._of_progress.remove(on_progress)

        return end

    def tell(self, record: CallRecord) -> None:
        """Tell of a finished call of the app; what tools ask of the system is nobody's affair."""
        if not is_system_path(record.path):
            for observe in tuple(self._of_calls):
                call_back(observe, record)

    def tell_progress(self, progress: CallProgress) -> None:
        """Tell of an action that still runs."""
        for observe in tuple(self._of_progress):
            call_back(observe, progress)

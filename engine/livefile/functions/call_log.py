"""The log lines of one call: ``[LEVEL] text``, as clients expect them.

Not here: what writes them (``console.py``); the server's own log.
"""

from livefile.vocabulary.limits import LOG_LINE_BYTES_MAX, LOG_LINES_MAX

_CUT = " (truncated due to length)"


class CallLog:
    """The lines of one call, bounded in number and in length."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.told_count = 0
        """How many of them were told before the call has ended."""

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines so far."""
        return tuple(self._lines)

    def add(self, level: str, text: str) -> None:
        """Add a line; past the limit the last one says that lines are missing."""
        if len(self._lines) >= LOG_LINES_MAX:
            return
        if len(self._lines) == LOG_LINES_MAX - 1:
            level, text = "ERROR", f"Log overflow (maximum {LOG_LINES_MAX}): more lines were lost"
        line = f"[{level}] {text}".encode(errors="replace")
        if len(line) > LOG_LINE_BYTES_MAX:
            line = line[: LOG_LINE_BYTES_MAX - len(_CUT)] + _CUT.encode()
        self._lines.append(line.decode(errors="ignore"))

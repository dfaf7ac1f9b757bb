"""What ``livefile dev`` tells on the terminal: calls, reloads, errors.

Everything goes to one console (stderr), in lines that make sense in a file as well. Texts of
users' code are never read as markup.

Not here: the server's own log (``settings/log.py``).
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from livefile import CallProgress, CallRecord, DeployProgress, FunctionKind
from livefile_server.settings.terminal_text import indented_lines, one_line

_KINDS = {
    FunctionKind.QUERY: ("query", "cyan"),
    FunctionKind.MUTATION: ("mutation", "magenta"),
    FunctionKind.ACTION: ("action", "blue"),
}


class Report:
    """The terminal of one ``livefile dev``. Thread-safe: calls are told by engine threads."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def tell(self, sentence: str, style: str = "") -> None:
        """Print one sentence of our own."""
        self._print(Text(sentence, style=style))

    def call(self, record: CallRecord, *, has_time: bool = False) -> None:
        """Print one call of a function, its log lines and its error."""
        text = _head(record.kind, record.path, record.started_ns if has_time else None)
        text.append("cached" if record.is_cached else _figures(record), style="dim")
        for line in record.log_lines:
            text.append(f"\n  {indented_lines(line)}")
        if record.error is not None:
            text.append(f"\n  {indented_lines(record.error)}", style="red")
        self._print(text)

    def progress(self, progress: CallProgress) -> None:
        """Print what an action has logged by now."""
        text = _head(FunctionKind.ACTION, progress.path, progress.now_ns)
        text.append("still runs", style="dim")
        for line in progress.log_lines:
            text.append(f"\n  {indented_lines(line)}")
        self._print(text)

    def reloaded(self, changed: Sequence[Path], written: Sequence[Path]) -> None:
        """Say that new code serves, because of which files, and which types were written."""
        names = ", ".join(path.name for path in changed)
        self.tell(f"Reloaded {names}: new code serves, live queries run again.", style="green")
        self.types_written(written)

    def deploying(self, progress: DeployProgress) -> None:
        """Say how far a deploy is, unless it is done with a table at once."""
        if progress.done < progress.count:
            self.tell(
                f"Deploying, {progress.stage.value} of {progress.table}: {progress.done:,} of "
                f"{progress.count:,}",
                style="dim",
            )

    def types_written(self, written: Sequence[Path]) -> None:
        """Say which generated files changed, if any did."""
        if written:
            names = ", ".join(path.name for path in written)
            self.tell(f"Types written to {written[0].parent}: {names}.", style="green")

    def code(self, email: str, digits: str) -> None:
        """Print the code that an app without a sender would have sent to an address."""
        self.tell(f"Code for {one_line(email)}: {digits} (EmailCode has no send)", style="yellow")

    def failed(self, error: Exception, consequence: str) -> None:
        """Print an error with its traceback, and what follows from it."""
        self.tell(indented_lines(str(error), indent=""), style="red")
        self.tell(consequence, style="bold red")

    def _print(self, text: Text) -> None:
        # Soft wrap: a line of a traceback stays one line in a file of any width.
        self._console.print(text, soft_wrap=True)


def _head(kind: FunctionKind, path: str, time_ns: int | None) -> Text:
    """Return the begin of a line on a call; ``time_ns`` is None to leave the time out."""
    name, style = _KINDS[kind]
    text = Text()
    if time_ns is not None:
        text.append(f"{datetime.fromtimestamp(time_ns / 1e9):%Y-%m-%d %H:%M:%S} ", style="dim")
    text.append(f"{name:8}", style=style)
    text.append(f" {one_line(path)}  ")
    return text


def _figures(record: CallRecord) -> str:
    """Return how long a call took and what it did, without what it did not do."""
    figures = [f"{record.duration_ms:.1f} ms"]
    if record.documents_read:
        figures.append(f"{record.documents_read:,} read")
    if record.documents_written:
        figures.append(f"{record.documents_written:,} written")
    if record.retries:
        figures.append(f"{record.retries} retries")
    return ", ".join(figures)

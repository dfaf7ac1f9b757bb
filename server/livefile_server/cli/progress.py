"""A bar on the terminal that says how far something is; nothing where there is no terminal.

Not here: what is being done.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from livefile_server.web.upkeep_work import OnProgress


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """Lend what hears of progress, and draws it on standard error."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=None)

        def on_progress(stage: str, done: int, count: int) -> None:
            progress.update(task, description=stage, completed=done, total=count)

        yield on_progress

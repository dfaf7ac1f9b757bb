"""The command ``livefile``: a group of commands that are imported when they are called.

``livefile --help`` and a typing mistake answer at once, because the engine is not loaded for
them.

Not here: the commands, each in its file; how they fail (``cli/command.py``).
"""

import gc
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module

import click

COMMANDS: Mapping[str, str] = {
    "backup": "backup:backup",
    "check": "check:check",
    "codegen": "codegen:codegen",
    "dev": "dev:dev",
    "env": "env:env",
    "export": "export:export_command",
    "freeze": "freeze:freeze",
    "import": "import_:import_command",
    "logs": "logs:logs",
    "migrate": "migrate:migrate",
    "new": "new:new",
    "restore": "restore:restore",
    "run": "run:run",
    "serve": "serve:serve_command",
}
"""Each command's module in this package and its name there."""

SUMMARIES: Mapping[str, str] = {
    "backup": "Write a checked copy of a deployment's file.",
    "check": "Check a deployment's file.",
    "codegen": "Write TypeScript types for the app's functions and tables.",
    "dev": "Serve an app and follow every change of its code.",
    "env": "Set, show and remove a deployment's environment variables.",
    "export": "Write the documents of a deployment into a file.",
    "freeze": "Run a command while a file stands still.",
    "import": "Let the documents of a file be documents of a deployment.",
    "logs": "Print the newest calls of a running deployment.",
    "migrate": "Bring the stored documents of a table into another form.",
    "new": "Make a new project with a chat app and its page.",
    "restore": "Make a deployment's file of a backup.",
    "run": "Call a function and print what it returns.",
    "serve": "Serve a deployment.",
}
"""The first line of each command's help, here so that the list needs no import of them."""


class LazyCommands(MutableMapping[str, click.Command]):
    """The commands of the group by name. Taking one out imports it."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module, _, attribute = self._places[name].partition(":")
            # What imports make stays. Looking for garbage in it takes a seventh of their time.
            gc.disable()
            command = getattr(import_module(f"livefile_server.cli.{module}"), attribute)
            gc.enable()
            assert isinstance(command, click.Command)
            self._loaded[name] = command
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._places[name] = ""
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in self.list_commands(ctx)])


@click.group(
    cls=LazyGroup,
    commands=LazyCommands(COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="livefile", prog_name="livefile")
def main() -> None:
    """Run a reactive backend: one Python process, one SQLite file.

    Begin with `livefile new chat`, then `cd chat` and `livefile dev`.
    """


if __name__ == "__main__":
    main(prog_name="livefile")

"""The help of every command, as it is printed, and what it costs to print it."""

import subprocess
import sys

import click
import pytest

from livefile_server.cli.main import COMMANDS, SUMMARIES, main
from livefile_server.settings.config import variable_name
from tests.conftest import Golden

HELP_COLUMNS = 90


def help_texts() -> list[str]:
    group = click.Context(
        main, info_name="livefile", terminal_width=HELP_COLUMNS, **main.context_settings
    )
    contexts = [group]
    for name in sorted(COMMANDS):
        context = click.Context(main.commands[name], parent=group, info_name=name)
        contexts.append(context)
        if isinstance(context.command, click.Group):
            contexts += [
                click.Context(part, parent=context, info_name=part_name)
                for part_name, part in sorted(context.command.commands.items())
            ]
    return [f"$ {each.command_path} --help\n{each.get_help()}\n" for each in contexts]


def test_the_help_of_every_command(golden: Golden) -> None:
    golden.check("cli_help.txt", "\n".join(help_texts()))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_list_of_commands_says_what_each_help_says_first(name: str) -> None:
    first_paragraph = (main.commands[name].help or "").split("\n\n")[0]

    assert first_paragraph == SUMMARIES[name]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_has_its_variable(name: str) -> None:
    options = [item for item in main.commands[name].params if isinstance(item, click.Option)]

    for option in options:
        assert option.envvar == variable_name(option.opts[0])
        assert option.show_envvar


def test_the_list_of_commands_needs_no_engine() -> None:
    source = (
        "import sys; from livefile_server.cli.main import main; "
        "main(['--help'], standalone_mode=False); "
        "print(sorted({'livefile', 'aiohttp', 'apsw', 'pydantic', 'rich'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"

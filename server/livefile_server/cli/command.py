"""How every command fails: one clear line on stderr and the right exit code, no traceback.

0 is done, 1 failed, 2 misuse. What the user can act on is an error of Livefile or of the
operating system; anything else is a defect and shows its traceback.

Not here: the commands.
"""

from typing import Any

import click

from livefile import LivefileError
from livefile_server.settings.errors import ConfigError


class Command(click.Command):
    """A command whose known errors become exit codes."""

    def invoke(self, ctx: click.Context) -> Any:  # Any: as in click.
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise click.UsageError(str(error), ctx) from error
        except LivefileError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error

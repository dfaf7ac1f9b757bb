"""``livefile new``: a project to begin with, copied from a template."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import click

from livefile_server.cli.command import Command
from livefile_server.cli.options import FOLDER, option
from livefile_server.settings.errors import TemplateError

TEMPLATES = ("chat",)

# What tools leave behind in the checkout, and tests of the page's types.
LEFT_OUT = shutil.ignore_patterns(
    "node_modules",
    "dist",
    "__pycache__",
    ".*_cache",
    ".livefile",
    "*.db*",
    "typecheck",
    ".DS_Store",
)

GITIGNORE = "node_modules/\ndist/\n__pycache__/\n.livefile/\n.venv/\n*.db\n*.db-*\n"


@click.command(cls=Command)
@click.argument("folder", metavar="DIR", type=FOLDER)
@option(
    "--template",
    type=click.Choice(TEMPLATES),
    default="chat",
    show_default=True,
    help="What to begin with.",
)
def new(folder: Path, template: str) -> None:
    """Make a new project with a chat app and its page.

    DIR must not exist or be empty. Nothing is downloaded.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise TemplateError(f"{folder} is not empty; give a new or an empty directory")
    with _template(template) as source:
        shutil.copytree(source, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
    (folder / ".gitignore").write_text(GITIGNORE)
    click.echo(folder)
    click.echo(
        f"""
Made {folder}: the app is in {template}/, its page in web/.

  cd {folder}
  livefile dev                                  serve it, and follow every change
  livefile run messages:list                    call a function, from a second terminal

The page needs Node.js:

  cd {folder}/web
  npm install
  npm run build                                 then `livefile dev` shows it""",
        err=True,
    )


@contextmanager
def _template(name: str) -> Iterator[Path]:
    """Give the folder of a template: the one in the package, or the checkout's."""
    packaged = files("livefile_server") / "templates" / name
    if packaged.is_dir():
        with as_file(packaged) as folder:
            yield folder
        return
    checkout = Path(__file__).parents[3] / "fixtures" / name
    if not checkout.is_dir():
        raise TemplateError(f"the template {name!r} is missing from this installation")
    yield checkout

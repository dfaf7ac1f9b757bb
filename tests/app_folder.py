"""Apps of a few lines, written into a folder and loaded as a user's app is.

Every app gets a package name of its own, because Python keeps one module for each name.
"""

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from textwrap import dedent

_numbers = count(1)


def write_app(folder: Path, modules: Mapping[str, str], name: str | None = None) -> Path:
    """Write the modules of an app, sources by dotted name, and return the app's folder.

    ``folder`` will hold the app's own one. A module called ``a.b`` is ``b`` in a package ``a``.
    """
    path = folder / (name or f"app_{next(_numbers)}")
    for module, source in modules.items():
        file = path.joinpath(*module.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))
    return path

"""The folders of a project: where its page, its generated types and its state belong.

A project is the folder that holds the app's package: ``chat/`` beside ``web/``.

Not here: the package itself (the facade's ``App``).
"""

from dataclasses import dataclass
from pathlib import Path

STATE_FOLDER = ".livefile"


@dataclass(frozen=True, slots=True)
class Project:
    """One project on disk. ``name`` is the app's; nothing of it need exist yet but the folder."""

    folder: Path
    name: str

    @property
    def page(self) -> Path | None:
        """The built page that the server shows, None if there is none."""
        built = self.folder / "web" / "dist"
        return built if built.is_dir() else None

    @property
    def generated(self) -> Path:
        """Where generated types belong: beside the sources of the page if there is one."""
        page = self.folder / "web"
        return (page if page.is_dir() else self.folder) / "convex" / "_generated"

    @property
    def database(self) -> Path:
        """The file that ``livefile dev`` uses unless told otherwise."""
        return self.folder / STATE_FOLDER / f"{self.name}.db"

    @property
    def state(self) -> Path:
        """The folder of everything that ``livefile dev`` leaves behind; not for version control."""
        return self.folder / STATE_FOLDER


def make_state_folder(folder: Path) -> None:
    """Make a state folder that only its owner can read and that git ignores."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")

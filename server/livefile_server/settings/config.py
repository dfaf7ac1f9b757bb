"""What ``livefile dev`` and ``livefile serve`` were told: flags, environment, livefile.toml.

A flag wins over its ``LIVEFILE_`` variable, a variable over the file, the file over the default.
The command line reads flags and variables, since it knows both; this module lays the file below
them and checks the whole.

Not here: the command line (``cli/options.py``); folders that follow from the app
(``settings/project.py``).
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from livefile_server.settings.errors import ConfigError

CONFIG_FILE = "livefile.toml"
HOST_DEFAULT = "127.0.0.1"
PORT_DEFAULT = 3210
PORT_MAX = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The options of a server. ``None`` means: what the project's folder suggests."""

    app: str = "."
    """The import name of a package, or a directory: the package or its only parent."""

    db: Path | None = None
    host: str = HOST_DEFAULT
    port: int = PORT_DEFAULT
    """0 takes any free port."""

    web: Path | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= PORT_MAX:
            raise ConfigError(f"port must be from 0 to {PORT_MAX}; it is {self.port}")
        if not self.host:
            raise ConfigError("host must not be empty; use 127.0.0.1 for this machine only")
        if self.web is not None and not self.web.is_dir():
            raise ConfigError(f"web must be a folder with a built page; {self.web} is none")


def variable_name(option: str) -> str:
    """Return the environment variable of an option: ``LIVEFILE_ADMIN_KEY`` for ``admin-key``."""
    return "LIVEFILE_" + option.lstrip("-").replace("-", "_").upper()


def load_config(given: Mapping[str, object], path: Path | None = None) -> Config:
    """Return the options, those ``given`` (flags and variables) before those of the file.

    ``given`` maps field names to values of the right type; None means not given. ``path`` is the
    file; without it, ``livefile.toml`` in the app's directory is read if it is there.

    Raises:
        ConfigError: an option is unknown, of the wrong type, or out of range.
    """
    told = {name: value for name, value in given.items() if value is not None}
    if path is None:
        path = _folder_of(told.get("app")) / CONFIG_FILE
        from_file = read_config_file(path) if path.is_file() else {}
    else:
        from_file = read_config_file(path)
    return Config(**{**from_file, **told})  # type: ignore[arg-type]  # Checked one by one.


def read_config_file(path: Path) -> Mapping[str, object]:
    """Return the options in a TOML file; its relative paths begin at its own folder.

    Raises:
        ConfigError: the file cannot be read, or holds what is no option.
    """
    try:
        with path.open("rb") as file:
            items = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error
    options: dict[str, object] = {}
    for name, item in items.items():
        if name not in _READERS:
            known = ", ".join(sorted(_READERS))
            raise ConfigError(f"{path}: unknown option {name!r}; the options are {known}")
        try:
            options[name] = _READERS[name](item, path.parent)
        except TypeError as error:
            raise ConfigError(f"{path}: {name} must be {error}; it is {item!r}") from error
    return options


def _folder_of(app: object) -> Path:
    folder = Path(str(app)) if app is not None else Path()
    return folder if folder.is_dir() else Path()


def _read_text(item: object, folder: Path) -> str:
    if not isinstance(item, str):
        raise TypeError("a text")
    return item


def _read_path(item: object, folder: Path) -> Path:
    return folder / Path(_read_text(item, folder)).expanduser()


def _read_app(item: object, folder: Path) -> str:
    text = _read_text(item, folder)
    beside = folder / text
    return str(beside) if beside.is_dir() else text  # Else the import name of a package.


def _read_port(item: object, folder: Path) -> int:
    if not isinstance(item, int) or isinstance(item, bool):
        raise TypeError("a whole number")
    return item


_READERS: Mapping[str, Callable[[object, Path], object]] = {
    "app": _read_app,
    "db": _read_path,
    "host": _read_text,
    "port": _read_port,
    "web": _read_path,
    "out": _read_path,
}
assert _READERS.keys() == {field.name for field in fields(Config)}

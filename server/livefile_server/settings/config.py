"""What ``livefile dev`` and ``livefile serve`` were told: flags, environment, livefile.toml.

A flag wins over its ``LIVEFILE_`` variable, a variable over the file, the file over the default.
The command line reads flags and variables, since it knows both; this module lays the file below
them and checks the whole.

Not here: the command line (``cli/options.py``); folders that follow from the app
(``settings/project.py``).
"""

import ipaddress
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from livefile_server.settings.errors import ConfigError
from livefile_server.settings.log import LogFormat

CONFIG_FILE = "livefile.toml"
HOST_DEFAULT = "127.0.0.1"
PORT_DEFAULT = 3210
PORT_MAX = 65_535

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The options of a server. ``None`` means: what the project's folder suggests."""

    app: str = "."
    """The import name of a package, or a directory: the package or its only parent."""

    db: Path | None = None
    host: str = HOST_DEFAULT
    port: int = PORT_DEFAULT
    """0 takes any free port."""

    site_port: int | None = None
    """For HTTP actions alone: None is the one after ``port``, 0 is none."""

    origin: tuple[str, ...] = ()
    """Origins of the web pages that may ask."""

    behind_proxy: str = ""
    """Addresses and networks of the proxies that are believed, with commas."""

    public_url: str = ""
    """Where clients reach the deployment, for links; empty: where it listens."""

    redact_errors: bool | None = None
    """Whether clients get less than all of a failure's text: None is no for dev, yes for serve."""

    log_format: LogFormat = LogFormat.TEXT
    web: Path | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= PORT_MAX:
            raise ConfigError(f"port must be from 0 to {PORT_MAX}; it is {self.port}")
        if self.site_port is not None and not 0 <= self.site_port <= PORT_MAX:
            raise ConfigError(f"site-port must be from 0 to {PORT_MAX}; it is {self.site_port}")
        if self.site_port and self.site_port == self.port:
            raise ConfigError(f"site-port must be another one than port; both are {self.port}")
        for origin in self.origin:
            _check_origin(origin)
        if self.public_url and not _is_origin(self.public_url):
            raise ConfigError(
                "public-url must be a scheme and a host in lower case, such as "
                f"https://api.chat.example, without a path; it is {self.public_url!r}"
            )
        _parse_networks(self.behind_proxy)
        if not self.host:
            raise ConfigError("host must not be empty; use 127.0.0.1 for this machine only")
        if self.web is not None and not self.web.is_dir():
            raise ConfigError(f"web must be a folder with a built page; {self.web} is none")

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The proxies that are believed."""
        return _parse_networks(self.behind_proxy)


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


def _read_texts(item: object, folder: Path) -> tuple[str, ...]:
    if isinstance(item, str) or not isinstance(item, list):
        raise TypeError("a list of texts")
    return tuple(_read_text(each, folder) for each in item)


def _parse_networks(text: str) -> tuple[Network, ...]:
    given = [each.strip() for each in text.split(",") if each.strip()]
    try:
        return tuple(ipaddress.ip_network(each) for each in given)
    except ValueError as error:
        raise ConfigError(
            f"behind-proxy must be addresses or networks such as 10.0.0.0/8: {error}"
        ) from error


def _is_origin(text: str) -> bool:
    address = urlsplit(text)
    return (
        address.scheme in ("http", "https")
        and bool(address.hostname)
        and f"{address.scheme}://{address.netloc}" == text == text.lower()
        and "@" not in address.netloc
    )


def _check_origin(origin: str) -> None:
    if not _is_origin(origin) and origin != "null":
        raise ConfigError(
            "origin must be a scheme and a host in lower case, such as https://chat.example or "
            f"http://localhost:5173, without a path; it is {origin!r}"
        )


def _read_flag(item: object, folder: Path) -> bool:
    if not isinstance(item, bool):
        raise TypeError("true or false")
    return item


def _read_log_format(item: object, folder: Path) -> LogFormat:
    try:
        return LogFormat(item)
    except ValueError as error:
        raise TypeError(" or ".join(f'"{each.value}"' for each in LogFormat)) from error


_READERS: Mapping[str, Callable[[object, Path], object]] = {
    "app": _read_app,
    "db": _read_path,
    "host": _read_text,
    "port": _read_port,
    "site_port": _read_port,
    "origin": _read_texts,
    "behind_proxy": _read_text,
    "public_url": _read_text,
    "redact_errors": _read_flag,
    "log_format": _read_log_format,
    "web": _read_path,
    "out": _read_path,
}
assert _READERS.keys() == {field.name for field in fields(Config)}

"""An app's code: its modules, the functions and tables in them, and loading them anew.

Not here: applying the schema to a file (``transaction/committer.py``).
"""

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from livefile.functions.auth_config import find_auth_config
from livefile.functions.call import FunctionKind
from livefile.functions.console import capture_logging
from livefile.functions.cron_definitions import find_crons
from livefile.functions.definition import Function
from livefile.functions.description import AppDescription, TableDescription
from livefile.functions.determinism import check_body, seal_module
from livefile.functions.http_router import router_of
from livefile.functions.migration import Migration
from livefile.functions.sealing import install_audit_hook
from livefile.model.index_spec import IndexKind
from livefile.model.schema import Schema
from livefile.model.table import Table
from livefile.vocabulary.errors import (
    AppError,
    DefinitionError,
    FunctionNotFoundError,
    LivefileError,
)

# Packages that were loaded as apps in this process: only these may be imported anew.
_app_names: set[str] = set()


class App:
    """The loaded code of an app. Immutable: loading anew gives another one.

    ``functions`` maps canonical paths to functions of any result (hence Any).
    """

    def __init__(self, name: str, path: Path, modules: Mapping[str, ModuleType]) -> None:
        """Take the package's name and folder, and its modules by dotted name."""
        self.name = name
        self.path = path
        self._modules = modules
        self.source_files = tuple(
            sorted(Path(m.__file__) for m in modules.values() if m.__file__ is not None)
        )
        self.code_hash = _hash_of(self.source_files)
        self.functions: dict[str, Function[..., Any]] = {}
        self.paths: dict[Function[..., Any], str] = {}
        self.migrations: dict[str, Migration] = {}
        tables: list[type[Table]] = []
        for module in modules.values():
            self._find_functions(module)
            tables.extend(_tables_of(module))
        self.http_router = router_of(modules)
        self.auth_config = find_auth_config(modules.values())
        self.crons = find_crons(modules.values())
        self.schema = Schema(table.__livefile_table__ for table in dict.fromkeys(tables))

    @classmethod
    def empty(cls) -> "App":
        """Return an app without code, for files that are only inspected."""
        return cls("", Path(), {})

    @classmethod
    def load(cls, source: "str | Path | App") -> "App":
        """Load an app: an import name, the folder of a package, or the folder around one.

        Raises:
            AppError: there is no such package, or a module fails; the message has its traceback.
        """
        if isinstance(source, App):
            return source
        name, path = _locate(source)
        known = set(sys.modules)
        try:
            return cls._load_package(name, path)
        except AppError:
            # What was imported before the mistake is imported again once it is mended.
            _forget([n for n in sys.modules if _is_inside(n, name) and n not in known])
            raise

    def reload(self) -> "App":
        """Import the code anew and return it as another app; this one stays usable.

        Raises:
            AppError: a module fails; the message has its traceback.
        """
        before = {n: m for n, m in sys.modules.items() if _is_inside(n, self.name)}
        _forget(before)
        for file in self.source_files:
            # Python tells an old compilation by its second and size: too coarse for two edits.
            Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
        try:
            return self._load_package(self.name, self.path)
        except AppError:
            _forget([n for n in sys.modules if _is_inside(n, self.name)])
            sys.modules.update(before)
            raise

    def find(self, path: str, *, is_internal_allowed: bool) -> Function[..., Any]:
        """Return the function under a canonical path.

        Raises:
            FunctionNotFoundError: there is none, or it is internal; both have one answer.
        """
        function = self.functions.get(path)
        if function is None or (function.is_internal and not is_internal_allowed):
            shown = path.removesuffix(":default")
            raise FunctionNotFoundError(f"Could not find public function for '{shown}'.")
        return function

    def path_of(self, function: Function[..., Any]) -> str:
        """Return the canonical path of a function, also of one from before a reload.

        Raises:
            FunctionNotFoundError: the app has no such function.
        """
        path = self.paths.get(function) or self._path_by_name(function)
        if path is None:
            raise FunctionNotFoundError(
                f"{function.body.__module__}.{function.name} is no function of app {self.name}"
            )
        return path

    def describe(self) -> AppDescription:
        """Return what the app offers, without its code."""
        return AppDescription(
            functions=tuple(self.functions[path].describe(path) for path in sorted(self.functions)),
            tables=tuple(
                TableDescription(
                    name=table.name,
                    document=table.validator,
                    indexes=dict(table.indexes),
                    text_indexes=table.of_kind(IndexKind.TEXT),
                    vector_indexes=table.of_kind(IndexKind.VECTOR),
                )
                for table in self.schema.tables.values()
            ),
        )

    @classmethod
    def _load_package(cls, name: str, path: Path) -> "App":
        install_audit_hook()
        _app_names.add(name)
        try:
            modules = {
                module_name: importlib.import_module(module_name)
                for module_name in _module_names(name, path)
            }
            for module in modules.values():
                seal_module(module)
            app = cls(name, path, modules)
            app.schema.resolve()
            for function_path, function in app.functions.items():
                if function.kind is not FunctionKind.ACTION:
                    check_body(function.body, function_path)
                assert function.returns_validator
            for migration_path, migration in app.migrations.items():
                check_body(migration.body, migration_path)
            for definition in app.crons.values():
                app.path_of(definition.function)
            own_issuer = app.auth_config.own_issuer
            for called in () if own_issuer is None else own_issuer.functions:
                app.path_of(called)
        except LivefileError as error:
            raise AppError(f"app {name}: {error}") from error
        except (Exception, SystemExit) as error:  # The edge to user code: it may raise anything.
            raise AppError(f"app {name}: {_traceback_of(error, path)}") from error
        capture_logging(name)
        return app

    def _path_by_name(self, function: Function[..., Any]) -> str | None:
        path = f"{_module_path(function.body.__module__, self.name)}:{function.name}"
        return path if path in self.functions else None

    def _find_functions(self, module: ModuleType) -> None:
        for thing in vars(module).values():
            if isinstance(thing, Function) and thing.body.__module__ == module.__name__:
                path = f"{_module_path(module.__name__, self.name)}:{thing.name}"
                if self.functions.setdefault(path, thing) is not thing:
                    raise DefinitionError(f"two functions have the path {path}")
                self.paths[thing] = path
            if isinstance(thing, Migration) and thing.body.__module__ == module.__name__:
                self.migrations[f"{_module_path(module.__name__, self.name)}:{thing.name}"] = thing


def _module_path(module: str, package: str) -> str:
    """Return a module's path on the wire: ``chat.admin.users`` is ``admin/users``."""
    return module.removeprefix(package).lstrip(".").replace(".", "/") or "index"


def _tables_of(module: ModuleType) -> Iterable[type[Table]]:
    for thing in vars(module).values():
        if isinstance(thing, type) and issubclass(thing, Table) and thing is not Table:
            yield thing


def _locate(source: str | Path) -> tuple[str, Path]:
    """Return the import name and the folder of a package, and make it importable."""
    folder = Path(source).absolute()
    if folder.is_dir():
        inside = [file.parent for file in folder.glob("*/__init__.py")]
        apps = [package for package in inside if package.name != "tests"]
        if len(apps) == 1 and not (folder / "__init__.py").exists():
            folder = apps[0]  # What lies beside it, such as a script, is not of the app.
        elif not any(folder.glob("*.py")):
            found = [file.parent for file in sorted(folder.glob("*/*.py"))]
            packages = [package for package in found if package.name != "tests"]
            if len(set(packages)) != 1:
                raise AppError(
                    f"{folder}: want the folder of an app, or one that holds a single app; "
                    f"found {len(set(packages))} folders with Python files in it"
                )
            folder = packages[0]
        if not folder.name.isidentifier():
            raise AppError(f"{folder}: {folder.name!r} cannot be imported as a package")
        _make_importable(folder)
        return folder.name, folder
    try:
        spec = importlib.util.find_spec(str(source))
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise AppError(f"{source}: there is no such folder and no such package")
    return str(source), Path(next(iter(spec.submodule_search_locations)))


def _make_importable(folder: Path) -> None:
    """Put the folder's parent first on the path, and forget an app of this name elsewhere.

    Raises:
        AppError: Python knows something else under this name.
    """
    parent, name = str(folder.parent), folder.name
    if name in sys.stdlib_module_names:
        raise AppError(f"{folder}: {name!r} is a module of Python; an app needs another name")
    if parent in sys.path:
        sys.path.remove(parent)
    sys.path.insert(0, parent)
    known = {n: m for n, m in sys.modules.items() if _is_inside(n, name)}
    files = [getattr(module, "__file__", None) for module in known.values()]
    is_elsewhere = any(file and not Path(file).is_relative_to(folder) for file in files)
    if is_elsewhere and name in _app_names:
        _forget(known)
    importlib.invalidate_caches()
    spec = importlib.util.find_spec(name)
    if spec is None or str(folder) not in (spec.submodule_search_locations or ()):
        raise AppError(
            f"{folder}: {name!r} is another package for Python; rename the folder, or put an "
            "__init__.py into it"
        )


def _module_names(package: str, path: Path) -> list[str]:
    names = []
    for file in sorted(path.rglob("*.py")):
        parts = file.relative_to(path).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if all(part.isidentifier() for part in parts):
            names.append(".".join((package, *parts)))
    return names


def _forget(modules: Iterable[str]) -> None:
    """Let modules be imported anew."""
    for name in modules:
        del sys.modules[name]
    importlib.invalidate_caches()


def _is_inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _hash_of(files: Iterable[Path]) -> str:
    """Return 16 hexadecimal digits that change whenever a source file does."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _traceback_of(error: BaseException, path: Path) -> str:
    """Return the traceback from the app's own code on, as Python prints it."""
    shown = traceback.TracebackException.from_exception(error)
    inside = [frame for frame in shown.stack if frame.filename.startswith(str(path))]
    if inside or isinstance(error, SyntaxError):  # Which names its place by itself.
        shown.stack = traceback.StackSummary.from_list(inside)
    return "".join(shown.format()).strip()

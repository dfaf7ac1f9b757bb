"""An app as data: its functions, tables, routes, cron jobs and providers.

One is made from the modules of a Python package, from pushed code (``javascript/pushed_app.py``),
or from both.

Not here: importing modules (``functions/package.py``); applying the schema to a file
(``functions/deploy.py``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from livefile.functions.auth_config import AuthConfig, find_auth_config
from livefile.functions.call import FunctionKind
from livefile.functions.console import capture_logging
from livefile.functions.cron_definitions import CronDefinition, find_crons
from livefile.functions.definition import Function
from livefile.functions.description import AppDescription, TableDescription
from livefile.functions.determinism import check_body, seal_module
from livefile.functions.http_router import HttpRouter, router_of
from livefile.functions.migration import Migration
from livefile.functions.package import Package, hash_of
from livefile.functions.path import is_system_path, module_path
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

# Any: functions of any result.
Functions = Mapping[str, Function[..., Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class App:
    """The loaded code of an app. Immutable: loading anew gives another one.

    ``functions`` maps canonical paths to functions, those of components too
    (``rateLimiter|lib:check``). ``system_functions`` are Livefile's own, for admins.
    """

    name: str = ""
    """The import name of the Python package, empty without one."""

    path: Path = field(default_factory=Path)
    """The folder of the package."""

    source_files: tuple[Path, ...] = ()
    code_hash: str = field(default_factory=lambda: hash_of(()))
    functions: Functions = field(default_factory=dict)
    migrations: Mapping[str, Migration] = field(default_factory=dict)
    http_router: HttpRouter | None = None
    auth_config: AuthConfig = field(default_factory=AuthConfig)
    crons: Mapping[str, CronDefinition] = field(default_factory=dict)
    schema: Schema = field(default_factory=Schema)
    system_functions: Functions = field(default_factory=dict)

    @classmethod
    def empty(cls) -> "App":
        """Return an app without code, for files that are only inspected."""
        return App()

    @classmethod
    def load(cls, source: "str | Path | App") -> "App":
        """Load an app: an import name, the folder of a package, or the folder around one.

        Raises:
            AppError: there is no such package, or a module fails; the message has its traceback.
        """
        if isinstance(source, App):
            return source
        package = Package.locate(source)
        with package.first_import():
            return _app_of(package)

    def reload(self) -> "App":
        """Import the Python code anew and return it as another app; this one stays usable.

        Raises:
            AppError: a module fails; the message has its traceback.
        """
        if not self.name:
            return App.empty()
        package = Package(self.name, self.path)
        with package.another_import(self.source_files):
            return _app_of(package)

    def with_system_functions(self, functions: Functions) -> Self:
        """Return the same app with functions of Livefile's own under ``_system/``."""
        return replace(self, system_functions=functions)

    def find(self, path: str, *, is_internal_allowed: bool) -> Function[..., Any]:
        """Return the function under a canonical path.

        Raises:
            FunctionNotFoundError: there is none, or it is internal, of a component or of the
                system; all have one answer.
        """
        function = self.functions.get(path)
        if function is not None and (
            is_internal_allowed or not (function.is_internal or "|" in path)
        ):
            return function
        if is_internal_allowed and is_system_path(path):
            function = self.system_functions.get(path)
            if function is not None:
                return function
        shown = path.removesuffix(":default")
        raise FunctionNotFoundError(f"Could not find public function for '{shown}'.")

    def path_of(self, function: Function[..., Any]) -> str:
        """Return the canonical path of a function, also of one from before a reload.

        Raises:
            FunctionNotFoundError: the app has no such function.
        """
        path = self._paths.get(function) or function.path_in(self.name)
        if path not in self.functions:
            raise FunctionNotFoundError(f"{function.full_name} is no function of app {self.name}")
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

    @cached_property
    def _paths(self) -> Mapping[Function[..., Any], str]:
        return {function: path for path, function in self.functions.items()}


def _app_of(package: Package) -> App:
    """Import a package and return the app that its modules are."""
    install_audit_hook()
    try:
        modules = package.import_modules()
        for module in modules.values():
            seal_module(module)
        app = _read_modules(package, modules)
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
        raise AppError(f"app {package.name}: {error}") from error
    except (Exception, SystemExit) as error:  # The edge to user code: it may raise anything.
        raise AppError(f"app {package.name}: {package.traceback_of(error)}") from error
    capture_logging(package.name)
    return app


def _read_modules(package: Package, modules: Mapping[str, ModuleType]) -> App:
    files = sorted(Path(m.__file__) for m in modules.values() if m.__file__ is not None)
    functions: dict[str, Function[..., Any]] = {}
    migrations: dict[str, Migration] = {}
    tables: list[type[Table]] = []
    for module in modules.values():
        for thing in vars(module).values():
            if isinstance(thing, Function) and thing.body.__module__ == module.__name__:
                path = f"{module_path(module.__name__, package.name)}:{thing.name}"
                if functions.setdefault(path, thing) is not thing:
                    raise DefinitionError(f"two functions have the path {path}")
            if isinstance(thing, Migration) and thing.body.__module__ == module.__name__:
                migrations[f"{module_path(module.__name__, package.name)}:{thing.name}"] = thing
        tables.extend(_tables_of(module))
    return App(
        name=package.name,
        path=package.path,
        source_files=tuple(files),
        code_hash=hash_of(files),
        functions=functions,
        migrations=migrations,
        http_router=router_of(modules),
        auth_config=find_auth_config(modules.values()),
        crons=find_crons(modules.values()),
        schema=Schema(table.__livefile_table__ for table in dict.fromkeys(tables)),
    )


def _tables_of(module: ModuleType) -> Iterable[type[Table]]:
    for thing in vars(module).values():
        if isinstance(thing, type) and issubclass(thing, Table) and thing is not Table:
            yield thing

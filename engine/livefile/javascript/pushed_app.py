"""Pushed code and an app in Python as one app: one registry of functions, tables and cron jobs.

Either part is replaced without the other: a push keeps what is in Python, a reload of the Python
code keeps what was pushed.

Not here: what a function of pushed code does when it runs (``function.py``); where pushed code is
kept (``stored_code.py``).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from livefile.functions.app import App
from livefile.functions.auth_config import (
    AuthConfig,
    AuthProvider,
    CustomJwtProvider,
    OidcProvider,
)
from livefile.functions.cron_definitions import CronDefinition
from livefile.functions.definition import Function
from livefile.javascript.pushed_code import (
    EMPTY,
    Component,
    Definition,
    FunctionSpec,
    PushedCode,
    Tree,
)
from livefile.model.annotation import mark_integers
from livefile.model.pushed_table import pushed_tables
from livefile.model.schema import Schema
from livefile.model.table_definition import Document, TableDefinition
from livefile.model.value_json import from_wire
from livefile.vocabulary.errors import AppError, LivefileError

# Any: functions of any result.
MakeFunction = Callable[[str, Definition, str, FunctionSpec], Function[..., Any]]
"""Makes a function of a component's path, its definition, the module's path, and what it is."""

_MINUTES_PER_HOUR = 60
_BY_THE_CLOCK = ("hourly", "daily", "weekly", "monthly")


@dataclass(frozen=True, eq=False, kw_only=True)
class JoinedApp(App):
    """An app with pushed code in it. ``python`` is the rest: an app without."""

    python: App
    code: PushedCode


def python_part(app: App) -> App:
    """Return what of an app is in Python."""
    return app.python if isinstance(app, JoinedApp) else app


def pushed_part(app: App) -> PushedCode:
    """Return what of an app was pushed, ``EMPTY`` if nothing was."""
    return app.code if isinstance(app, JoinedApp) else EMPTY


def joined(app: App, code: PushedCode, make_function: MakeFunction) -> App:
    """Return the Python part of ``app`` together with ``code``.

    Raises:
        AppError: both have a function, a table or a cron job of one name, or the pushed code
            declares what cannot be.
    """
    python = python_part(app)
    if code.is_empty:
        return python
    functions = dict(python.functions)
    tables: dict[str, TableDefinition] = dict(python.schema.tables)
    crons = dict(python.crons)
    for component in code.components.values():
        definition = code.definition_of(component)
        pushed = _functions_of(component, definition, make_function)
        _add(functions, pushed, python, "function")
        _add(tables, _tables_of(component, definition), python, "table")
        _add(crons, _crons_of(component, definition, pushed), python, "cron job")
    parts = {field.name: getattr(python, field.name) for field in fields(App)}
    parts |= {
        "code_hash": hashlib.sha256(f"{python.code_hash} {code.hash}".encode()).hexdigest()[:16],
        "functions": functions,
        "schema": Schema(tables.values()),
        "crons": crons,
        "auth_config": _joined_auth(python.auth_config, code),
    }
    return JoinedApp(python=python, code=code, **parts)


def _add(into: dict[str, Any], pushed: Mapping[str, Any], python: App, what: str) -> None:
    for name, thing in pushed.items():
        if name in into:
            raise AppError(
                f"the {what} {name} is in the Python app {python.name} and in the pushed code; "
                "rename one of the two"
            )
        into[name] = thing


def _functions_of(
    component: Component, definition: Definition, make_function: MakeFunction
) -> dict[str, Function[..., Any]]:
    return {
        component.function_path(module_path, spec.name): make_function(
            component.path, definition, module_path, spec
        )
        for module_path, specs in definition.functions.items()
        for spec in specs
    }


def _tables_of(component: Component, definition: Definition) -> dict[str, TableDefinition]:
    if definition.schema is None:
        return {}
    try:
        found = pushed_tables(definition.schema, component.table_prefix)
    except LivefileError as error:
        raise AppError(f"schema of {_shown(component)}: {error}") from error
    return {table.name: table for table in found}


def _crons_of(
    component: Component, definition: Definition, functions: Mapping[str, Function[..., Any]]
) -> dict[str, CronDefinition]:
    crons: dict[str, CronDefinition] = {}
    for name, tree in definition.crons.items():
        module_path, _, function_name = cast(str, tree["name"]).partition(":")
        path = component.function_path(module_path, function_name or "default")
        function = functions.get(path)
        if function is None:
            raise AppError(
                f"cron job {name!r} of {_shown(component)} calls {path}, which is no function of it"
            )
        # A component's jobs have its path before their names, like its tables.
        identifier = component.table_prefix + name
        crons[identifier] = CronDefinition(
            identifier=identifier,
            function=function,
            args=_cron_args(tree),
            schedule=_cron_schedule(identifier, tree["schedule"]),
        )
    return crons


def _cron_args(tree: Tree) -> Mapping[str, Any]:
    (value,) = tree["args"] or [{}]
    # As they are for callers in Python, who are given them to check.
    args: Mapping[str, Any] = mark_integers(from_wire(value))
    return args


def _cron_schedule(identifier: str, tree: Tree) -> Document:
    schedule = cast(Document, from_wire(dict(tree)))
    if schedule["type"] in _BY_THE_CLOCK and schedule.get("minuteUTC") is None:
        # Whoever leaves the minute out does not mean that all jobs run at once.
        digest = hashlib.sha256(identifier.encode()).digest()
        schedule["minuteUTC"] = float(digest[0] % _MINUTES_PER_HOUR)
    return schedule


def _joined_auth(python: AuthConfig, code: PushedCode) -> AuthConfig:
    own = () if python.own_issuer is None else (python.own_issuer,)
    try:
        return AuthConfig(*own, *python.providers, *map(_provider, code.auth))
    except LivefileError as error:
        raise AppError(f"auth.config: {error}") from error


def _provider(tree: Tree) -> AuthProvider:
    if tree.get("type") == "customJwt":
        return CustomJwtProvider(
            issuer=tree["issuer"],
            jwks=tree["jwks"],
            algorithm=tree["algorithm"],
            application_id=tree.get("applicationID"),
        )
    return OidcProvider(domain=tree["domain"], application_id=tree["applicationID"])


def _shown(component: Component) -> str:
    return f"component {component.path}" if component.path else "the pushed code"

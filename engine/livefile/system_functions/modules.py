"""System functions about the code that runs: which functions, HTTP actions and components it has.

They are read off the app's description, so functions of every language are in them. A deploy has
every live query run again, these too.

Not here: what the functions are called by (``functions/path.py``).
"""

from collections.abc import Iterator
from typing import Any

import orjson

from livefile.functions.description import FunctionDescription
from livefile.functions.path import parse_function_path
from livefile.javascript.pushed_app import pushed_part
from livefile.javascript.pushed_function import PushedFunction
from livefile.model import validator as v
from livefile.model.validator_json import validator_to_json
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    optional,
    system_query,
)

# Any: JSON trees.


def components_of(request: SystemRequest) -> dict[str, bool]:
    """Return the paths of all components but the root, and whether each is in the code.

    One that is mounted no more keeps its tables.
    """
    mounted = pushed_part(request.app).components
    found = {path: True for path in mounted if path}
    for name in request.transaction.catalog.tables:
        path = name.rpartition("/")[0]
        if path:
            found.setdefault(path, False)
    return dict(sorted(found.items()))


def _api_spec(request: SystemRequest) -> Any:
    """Return all functions of one component, then the root's HTTP actions."""
    functions = [
        {
            "functionType": found.kind.value,
            "identifier": _file_path(path),
            "visibility": _visibility(found),
            "args": orjson.loads(validator_to_json(found.args)),
            "returns": orjson.loads(validator_to_json(found.returns)),
        }
        for path, found in _functions(request, request.component)
    ]
    return functions + ([] if request.component else _http_actions(request))


def _modules(request: SystemRequest) -> Any:
    """Return the modules of all components, each with its functions."""
    return [
        [component or None, [[path, module] for path, module in _module_trees(request, component)]]
        for component in ("", *components_of(request))
    ]


def _own_modules(request: SystemRequest) -> Any:
    component = request.args.get("componentId") or ""
    return [[path, module] for path, module in _module_trees(request, component)]


def _args_validator(request: SystemRequest) -> Any:
    """Return the JSON of what a function takes, None if there is no such function."""
    path = parse_function_path(request.args["path"])
    for found_path, found in _functions(request, request.args.get("componentId") or ""):
        if found_path == path:
            return validator_to_json(found.args)
    return None


def _components(request: SystemRequest) -> Any:
    """Return all components but the root. Their paths are their ids."""
    return [
        {
            "id": path,
            "name": path.rpartition("/")[2],
            "path": path,
            "args": {},
            "state": "active" if is_mounted else "unmounted",
            "httpPrefix": None,
        }
        for path, is_mounted in components_of(request).items()
    ]


def _module_trees(request: SystemRequest, component: str) -> Iterator[tuple[str, dict[str, Any]]]:
    by_module: dict[str, list[dict[str, Any]]] = {}
    for path, found in _functions(request, component):
        module, _, name = path.partition(":")
        by_module.setdefault(f"{module}.js", []).append(
            {
                "name": name,
                "udfType": found.kind.value,
                "visibility": _visibility(found),
                "argsValidator": validator_to_json(found.args),
                "lineno": _line_of(request, component, path),
            }
        )
    for module, functions in sorted(by_module.items()):
        yield module, {"functions": functions, "cronSpecs": None, "sourcePackageId": ""}
    if not component and (routes := _http_actions(request)):
        yield (
            "http.js",
            {
                "functions": [
                    {
                        "name": f"{route['method']} {route['path']}",
                        "udfType": "HttpAction",
                        "visibility": {"kind": "public"},
                        "argsValidator": validator_to_json(v.ANY),
                        "lineno": None,
                    }
                    for route in routes
                ],
                "cronSpecs": None,
                "sourcePackageId": "",
            },
        )


def _line_of(request: SystemRequest, component: str, path: str) -> float | None:
    """Return where a pushed function begins in its file, None if that is unknown."""
    function = request.app.functions[f"{component}|{path}" if component else path]
    position = function.spec.position if isinstance(function, PushedFunction) else None
    return None if position is None else float(position["start_lineno"])


def _functions(request: SystemRequest, component: str) -> Iterator[tuple[str, FunctionDescription]]:
    for path in sorted(request.app.functions):
        found_component, bar, inside = path.rpartition("|")
        if found_component == component:
            yield (inside if bar else path), request.app.functions[path].describe(path)


def _http_actions(request: SystemRequest) -> list[dict[str, Any]]:
    router = request.app.http_router
    return [
        {
            "functionType": "HttpAction",
            "method": route.method,
            "path": f"{route.path}*" if route.is_prefix else route.path,
        }
        for route in (() if router is None else router.routes)
    ]


def _file_path(path: str) -> str:
    module, _, name = path.partition(":")
    return f"{module}.js:{name}"


def _visibility(found: FunctionDescription) -> dict[str, str]:
    return {"kind": "internal" if found.is_internal else "public"}


MODULE_FUNCTIONS: dict[str, SystemFunction] = {
    "cli/modules:apiSpec": system_query(_api_spec, componentId=optional(v.STRING)),
    "frontend/modules:list": system_query(_own_modules, componentId=optional(v.STRING)),
    "frontend/modules:listForAllComponents": system_query(_modules),
    "frontend/modules:argsValidator": system_query(
        _args_validator, path=v.STRING, componentId=optional(v.STRING)
    ),
    "frontend/components:list": system_query(_components),
}
"""By their paths without ``_system/``."""

"""A push as Convex's command line sends it, checked and taken apart.

The body holds each component's code: what mounts it, its schema and its modules. Of the app itself
it holds only modules that changed, and the hashes of the others, which are taken from what the
deployment runs now.

Not here: running any of that code (``analysis.py``); what comes of a push (``push.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from livefile.javascript.pushed_code import ROOT, Module, Tree
from livefile.vocabulary.errors import PushConflictError, PushError

T = TypeVar("T")

_KINDS = {str: "a string", bool: "true or false", list: "a list", dict: "an object"}


@dataclass(frozen=True, slots=True)
class PushedDefinition:
    """The code of one component as it was pushed, of the app itself under the path ``""``.

    ``definition`` is the module that mounts other components, None in old projects without one;
    ``dependencies`` are the paths of the definitions that it imports.
    """

    path: str
    definition: Module | None
    dependencies: tuple[str, ...]
    schema: Module | None
    modules: Mapping[str, Module]
    server_version: str


@dataclass(frozen=True, slots=True)
class PushRequest:
    """Everything that was pushed. ``definitions`` by path; the app's is always there.

    Equal if the code is, whatever else the two requests want.
    """

    definitions: Mapping[str, PushedDefinition]
    node_dependencies: Mapping[str, str]
    node_version: str | None

    @property
    def root(self) -> PushedDefinition:
        """The app itself."""
        return self.definitions[ROOT]


def parse_push(body: Tree, stored: Mapping[str, Module]) -> PushRequest:
    """Return what a body of ``start_push`` holds; ``stored`` are the app's modules of now.

    Raises:
        PushError: a field is missing or of another type; the message names it.
        PushConflictError: a module that was left out is not the stored one.
    """
    app = _field(body, "appDefinition", dict)
    definitions = {ROOT: _app_definition(app, stored)}
    for place, item in _items(body, "componentDefinitions", dict):
        found = _component_definition(item, place)
        if found.path in definitions:
            raise PushError("BadPush", f"{place}.definitionPath: {found.path!r} is there twice")
        definitions[found.path] = found
    dependencies = {
        _field(item, "name", str, place): _field(item, "version", str, place)
        for place, item in _items(body, "nodeDependencies", dict, is_optional=True)
    }
    return PushRequest(
        definitions=definitions,
        node_dependencies=dependencies,
        node_version=_optional(body, "nodeVersion", str),
    )


def _app_definition(app: Tree, stored: Mapping[str, Module]) -> PushedDefinition:
    place = "appDefinition"
    # Clients before 1.32 send every module, under another name.
    changed = "changedModules" if "changedModules" in app else "functions"
    modules = _modules(app, changed, place)
    for item_place, item in _items(
        app, "unchangedModuleHashes", dict, place=place, is_optional=True
    ):
        module = _stored_module(item, item_place, stored)
        if modules.setdefault(module.path, module) is not module:
            raise PushError("BadPush", f"{item_place}.path: {module.path!r} is there twice")
    return PushedDefinition(
        path=ROOT,
        definition=_optional_module(app, "definition", place),
        dependencies=_texts(app, "dependencies", place),
        schema=_optional_module(app, "schema", place),
        modules=modules,
        server_version=_field(app, "udfServerVersion", str, place),
    )


def _component_definition(item: Tree, place: str) -> PushedDefinition:
    path = _field(item, "definitionPath", str, place)
    return PushedDefinition(
        path=path,
        definition=_module(_field(item, "definition", dict, place), f"{place}.definition"),
        dependencies=_texts(item, "dependencies", place),
        schema=_optional_module(item, "schema", place),
        modules=_modules(item, "functions", place),
        server_version=_field(item, "udfServerVersion", str, place),
    )


def _stored_module(item: Tree, place: str, stored: Mapping[str, Module]) -> Module:
    path = _field(item, "path", str, place)
    module = stored.get(path)
    if module is None:
        raise PushConflictError(
            "MissingExistingModule", f"{path} was left out as unchanged, and is not stored here"
        )
    if module.hash != (seen := _field(item, "sha256", str, place)):
        raise PushConflictError(
            "ExistingModuleHashConflict",
            f"{path} was left out as unchanged with the hash {seen}; here it has {module.hash}",
        )
    if module.environment != (environment := _field(item, "environment", str, place)):
        raise PushConflictError(
            "ExistingModuleEnvConflict",
            f"{path} was left out as unchanged for {environment}; here it is for "
            f"{module.environment}",
        )
    return module


def _modules(item: Tree, name: str, place: str) -> dict[str, Module]:
    modules: dict[str, Module] = {}
    for module_place, tree in _items(item, name, dict, place=place):
        module = _module(tree, module_place)
        if modules.setdefault(module.path, module) is not module:
            raise PushError("BadPush", f"{module_place}.path: {module.path!r} is there twice")
    return modules


def _optional_module(item: Tree, name: str, place: str) -> Module | None:
    tree = _optional(item, name, dict, place)
    return None if tree is None else _module(tree, f"{place}.{name}")


def _module(tree: Tree, place: str) -> Module:
    environment = _field(tree, "environment", str, place)
    if environment not in ("isolate", "node"):
        raise PushError(
            "BadPush", f'{place}.environment must be "isolate" or "node", not {environment!r:.100}'
        )
    return Module(
        path=_field(tree, "path", str, place),
        source=_field(tree, "source", str, place),
        source_map=_optional(tree, "sourceMap", str, place),
        environment="node" if environment == "node" else "isolate",
    )


def _texts(item: Tree, name: str, place: str) -> tuple[str, ...]:
    return tuple(text for _, text in _items(item, name, str, place=place))


def _items(
    item: Tree, name: str, kind: type[T], *, place: str = "", is_optional: bool = False
) -> list[tuple[str, T]]:
    """Return the members of a list, each with its place in the body."""
    if is_optional and item.get(name) is None:
        return []
    members = _field(item, name, list, place)
    placed = [(f"{_at(place, name)}[{number}]", each) for number, each in enumerate(members)]
    for each_place, each in placed:
        _check(each, kind, each_place)
    return placed


def _optional(item: Tree, name: str, kind: type[T], place: str = "") -> T | None:
    return None if item.get(name) is None else _field(item, name, kind, place)


def _field(item: Tree, name: str, kind: type[T], place: str = "") -> T:
    return _check(item.get(name), kind, _at(place, name))


def _check(value: object, kind: type[T], place: str) -> T:
    if not isinstance(value, kind):
        raise PushError("BadPush", f"{place} must be {_KINDS[kind]}, not {value!r:.100}")
    return value


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name

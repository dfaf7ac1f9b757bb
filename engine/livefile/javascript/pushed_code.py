"""Pushed code as data: modules, what analysis found in them, and the tree of components.

This is all that a deployment knows of the JavaScript that it runs. It is kept in the file, as a
manifest and sources apart from it, so that a deployment needs no source folder.

Not here: where in the file (``stored_code.py``); the functions made of it (``pushed_app.py``);
running them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import msgpack

from livefile.functions.call import FunctionKind

# Any: JSON, as Convex's library exports it.
Tree = Mapping[str, Any]

Environment = Literal["isolate", "node"]

ROOT = ""
"""The path of the app itself among the components, and of its definition among the definitions."""


@dataclass(frozen=True)
class Module:
    """One module as the CLI bundled it. ``path`` is relative to the pushed folder: ``chat.js``."""

    path: str
    source: str
    source_map: str | None
    environment: Environment

    @cached_property
    def hash(self) -> str:
        """SHA-256 of source and source map, in hexadecimal digits: the CLI makes the same."""
        return hashlib.sha256((self.source + (self.source_map or "")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """What analysis found of one function. ``args`` and ``returns`` are validators as JSON texts.

    ``returns`` is None if none is declared, ``position`` if the source is not known.
    """

    name: str
    kind: FunctionKind
    is_internal: bool
    args: str
    returns: str | None
    position: Tree | None


@dataclass(frozen=True)
class Definition:
    """One component definition; the one with the path ``""`` is the app's.

    ``functions`` are by the path of their module. ``routes`` are the (path, method) of HTTP
    actions, None without a router. ``crons`` maps identifiers to trees of ``name``, ``args`` and
    ``schedule``. ``schema`` and ``definition`` are what the library exported.
    """

    path: str
    modules: Mapping[str, Module]
    functions: Mapping[str, tuple[FunctionSpec, ...]]
    routes: tuple[tuple[str, str], ...] | None
    crons: Mapping[str, Tree]
    schema: Tree | None
    definition: Tree

    @cached_property
    def code_id(self) -> str:
        """16 hexadecimal digits that change with any of the modules."""
        digest = hashlib.sha256()
        for path, module in sorted(self.modules.items()):
            digest.update(f"{path}\n{module.environment}\n{module.hash}\n".encode())
        return digest.hexdigest()[:16]

    def sources(self, environment: Environment) -> Mapping[str, tuple[str, str | None]]:
        """Return what a host of one environment is given: text and source map by path."""
        return {
            path: (module.source, module.source_map)
            for path, module in self.modules.items()
            if module.environment == environment
        }


@dataclass(frozen=True, slots=True)
class Component:
    """One mounted instance of a definition, with the instances below it by their names.

    ``path`` are the names from the root, ``rateLimiter/batchWorker``; ``env`` are its bindings.
    """

    path: str
    definition: str
    children: Mapping[str, "Component"] = field(default_factory=dict)
    env: Tree = field(default_factory=dict)

    @property
    def table_prefix(self) -> str:
        """What stands before the names of its tables in the file."""
        return table_prefix(self.path)

    def function_path(self, module_path: str, name: str) -> str:
        """Return the canonical path of one of its functions."""
        return function_path(self.path, module_path, name)

    def with_descendants(self) -> Iterator["Component"]:
        """Yield this instance and all below it, parents first."""
        yield self
        for child in self.children.values():
            yield from child.with_descendants()


@dataclass(frozen=True)
class PushedCode:
    """All code of one push, analysed.

    ``auth`` are the providers as the library has them. ``import_seed`` (hexadecimal) and
    ``import_time_ms`` are the dice and the clock of modules while they are loaded, and
    ``changes_language`` is whether one then changes the language's own objects, as polyfills do.
    """

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    root: Component = field(default_factory=lambda: Component(path=ROOT, definition=ROOT))
    auth: Sequence[Tree] = ()
    node_dependencies: Mapping[str, str] = field(default_factory=dict)
    node_version: str | None = None
    server_version: str = ""
    import_seed: str = ""
    import_time_ms: float = 0.0
    changes_language: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was pushed yet."""
        return not self.definitions

    @cached_property
    def components(self) -> Mapping[str, Component]:
        """All instances by their paths, parents first; the app itself is the first."""
        return {component.path: component for component in self.root.with_descendants()}

    def definition_of(self, component: Component) -> Definition:
        """Return what an instance is an instance of."""
        return self.definitions[component.definition]

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits that change whenever anything of it does."""
        return hashlib.sha256(self.dump()).hexdigest()[:16]

    @property
    def modules(self) -> Mapping[str, Module]:
        """The modules of all definitions by their hashes."""
        every = (it for each in self.definitions.values() for it in each.modules.values())
        return {module.hash: module for module in every}

    def dump(self) -> bytes:
        """Return the manifest: everything but the sources, which it names by their hashes."""
        manifest: bytes = msgpack.packb(
            {
                "definitions": [_definition_tree(it) for it in self.definitions.values()],
                "root": _component_tree(self.root),
                "auth": list(self.auth),
                "node_dependencies": dict(self.node_dependencies),
                "node_version": self.node_version,
                "server_version": self.server_version,
                "import_seed": self.import_seed,
                "import_time_ms": self.import_time_ms,
                "changes_language": self.changes_language,
            }
        )
        return manifest


EMPTY = PushedCode()


def table_prefix(component: str) -> str:
    """Return what stands before the names of a component's tables: ``rateLimiter/``."""
    return f"{component}/" if component else ""


def function_path(component: str, module_path: str, name: str) -> str:
    """Return the canonical path of a function: ``chat:send``, ``rateLimiter|lib:check``."""
    prefix = f"{component}|" if component else ""
    return f"{prefix}{module_path.removesuffix('.js')}:{name}"


def module_hashes(manifest: bytes) -> set[str]:
    """Return the hashes of the sources that a manifest names."""
    definitions = msgpack.unpackb(manifest)["definitions"]
    return {digest for each in definitions for digest, _ in each["modules"].values()}


def load(manifest: bytes, sources: Mapping[str, tuple[str, str | None]]) -> PushedCode:
    """Return the code of a manifest; ``sources`` are (source, source map) by hash."""
    tree = msgpack.unpackb(manifest)
    definitions = [_definition_of(each, sources) for each in tree["definitions"]]
    return PushedCode(
        definitions={definition.path: definition for definition in definitions},
        root=_component_of(tree["root"]),
        auth=tuple(tree["auth"]),
        node_dependencies=tree["node_dependencies"],
        node_version=tree["node_version"],
        server_version=tree["server_version"],
        import_seed=tree["import_seed"],
        import_time_ms=tree["import_time_ms"],
        changes_language=tree.get("changes_language", False),
    )


def _definition_tree(definition: Definition) -> dict[str, Any]:
    return {
        "path": definition.path,
        "modules": {
            path: [module.hash, module.environment] for path, module in definition.modules.items()
        },
        "functions": {
            path: [
                [it.name, it.kind.value, it.is_internal, it.args, it.returns, it.position]
                for it in functions
            ]
            for path, functions in definition.functions.items()
        },
        "routes": definition.routes,
        "crons": dict(definition.crons),
        "schema": definition.schema,
        "definition": definition.definition,
    }


def _definition_of(tree: Tree, sources: Mapping[str, tuple[str, str | None]]) -> Definition:
    routes = tree["routes"]
    return Definition(
        path=tree["path"],
        modules={
            path: Module(path, *sources[digest], environment)
            for path, (digest, environment) in tree["modules"].items()
        },
        functions={
            path: tuple(
                FunctionSpec(name, FunctionKind(kind), is_internal, args, returns, position)
                for name, kind, is_internal, args, returns, position in functions
            )
            for path, functions in tree["functions"].items()
        },
        routes=None if routes is None else tuple((path, method) for path, method in routes),
        crons=tree["crons"],
        schema=tree["schema"],
        definition=tree["definition"],
    )


def _component_tree(component: Component) -> dict[str, Any]:
    return {
        "path": component.path,
        "definition": component.definition,
        "children": {name: _component_tree(it) for name, it in component.children.items()},
        "env": dict(component.env),
    }


def _component_of(tree: Tree) -> Component:
    return Component(
        path=tree["path"],
        definition=tree["definition"],
        children={name: _component_of(child) for name, child in tree["children"].items()},
        env=tree["env"],
    )

"""Definitions of components, as their ``convex.config.ts`` modules export them.

A definition is a folder of code with tables of its own; the app mounts instances of it under names,
and it may mount others itself.

Not here: the instances (``component_tree.py``); environment variables of components
(``environment_binding.py``).
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace

import orjson

from livefile.javascript.analysis_question import AskHost, Question, ask_json
from livefile.javascript.environment_binding import check_bindings
from livefile.javascript.push_request import PushedDefinition
from livefile.javascript.pushed_code import ROOT, Module, Tree
from livefile.vocabulary.errors import PushError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
# The bundle imports each component that it mounts by the path of its definition, in base64.
_IMPORT = re.compile(
    r'(?<=[;\n}])\s*import\s*([\w$]+)\s*from\s*"\./_componentDeps/([A-Za-z0-9_-]+)"\s*;?'
)


def in_order(definitions: Mapping[str, PushedDefinition]) -> Iterator[PushedDefinition]:
    """Yield definitions, those that one depends on before itself.

    Raises:
        PushError: some depend on each other, or on one that is not there.
    """
    done: set[str] = set()
    under_way: list[str] = []

    def visit(path: str) -> Iterator[PushedDefinition]:
        if path in done:
            return
        if path in under_way:
            circle = " -> ".join([*under_way[under_way.index(path) :], path])
            raise PushError("CyclicImport", f"components mount each other in a circle: {circle}")
        if path not in definitions:
            raise _invalid(f"{under_way[-1] or 'the app'} mounts {path!r}, which was not pushed")
        under_way.append(path)
        for dependency in definitions[path].dependencies:
            yield from visit(dependency)
        under_way.pop()
        done.add(path)
        yield definitions[path]

    for path in definitions:
        yield from visit(path)


def definition_tree(
    pushed: PushedDefinition,
    module: Module,
    trees: Mapping[str, Tree],
    variables: Mapping[str, str],
    ask: AskHost,
) -> Tree:
    """Return what a definition's module exports, with its path; ``trees`` are those it mounts.

    Raises:
        PushError: it cannot be loaded, or mounts what cannot be mounted.
    """
    complete = _with_imports(module, {path: trees[path] for path in pushed.dependencies})
    question = Question(
        modules={module.path: complete},
        module=complete,
        part="definition",
        failure=("InvalidConvexConfig", f"The definition of {_shown(pushed.path)} cannot be used"),
        variable=variables.get,
    )
    tree = ask_json(ask, question, {"definitionType": dict, "childComponents": list})
    wanted = "app" if pushed.path == ROOT else "childComponent"
    if tree["definitionType"].get("type") != wanted:
        maker = "defineApp()" if pushed.path == ROOT else "defineComponent(...)"
        raise question.failed(f"its default export must be made by {maker}")
    _check_children(question, tree, trees)
    check_bindings(question, tree, trees)
    return {"httpMounts": {}, **tree, "path": pushed.path}


def _with_imports(module: Module, mounted: Mapping[str, Tree]) -> Module:
    """Return a definition's module with its imports of components replaced by what stands for them.

    Such an import may stand anywhere in the one long line that the bundle is.
    """
    names = {_encoded(path): path for path in mounted}

    def constant(found: re.Match[str]) -> str:
        path = names.get(found.group(2))
        if path is None:
            raise _invalid(f"{module.path} imports a component that is none of its dependencies")
        imported = {
            "componentDefinitionPath": path,
            "defaultName": mounted[path]["definitionType"].get("name"),
        }
        return f"const {found.group(1)}={orjson.dumps(imported).decode()};"

    return replace(module, source=_IMPORT.sub(constant, module.source), source_map=None)


def _encoded(path: str) -> str:
    return urlsafe_b64encode(path.encode()).decode().rstrip("=")


def _check_children(question: Question, tree: Tree, trees: Mapping[str, Tree]) -> None:
    seen: set[str] = set()
    for child in tree["childComponents"]:
        name, path = child.get("name"), child.get("path")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise question.failed(
                f"a component's name has letters, digits and _, and begins with a letter; {name!r} "
                "has not"
            )
        if name in seen:
            raise question.failed(f"two components are mounted as {name!r}")
        if path not in trees:
            raise question.failed(f"{name} is mounted from {path!r}, which was not pushed")
        seen.add(name)


def _shown(path: str) -> str:
    return f"the component {path}" if path else "the app"


def _invalid(message: str) -> PushError:
    return PushError("InvalidConvexConfig", message)

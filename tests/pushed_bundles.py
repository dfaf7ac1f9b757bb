"""Pushes as the command line sends them, and their analysis.

The bundles have the form of those of the command line, with what Convex's library would put on
registered functions, routers, cron jobs and definitions.
"""

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from livefile.javascript.analysis import Analysis, analyze
from livefile.javascript.analysis_host import AnalysisHosts
from livefile.javascript.push_request import PushRequest, parse_push
from livefile.vocabulary.errors import PushError

Tree = dict[str, Any]

# What the library makes of a function, a router, cron jobs, a schema, an app and a component.
LIBRARY = """
function registered(kind, visibility, args, returns, handler) {
  const made = (...all) => handler(...all);
  made[kind] = true;
  made[visibility] = true;
  made.exportArgs = () => JSON.stringify(args);
  made.exportReturns = () => JSON.stringify(returns);
  made._handler = handler;
  return made;
}
function router(...routes) {
  return { isRouter: true, getRoutes: () => routes.map((route) => [...route, {}]) };
}
function jobs(specs) {
  return { isCrons: true, export: () => JSON.stringify(specs) };
}
function defined(definitionType, children, more) {
  const childComponents = children.map(([child, name, env]) => ({
    name: name ?? child.defaultName,
    path: child.componentDefinitionPath,
    args: [],
    env: Object.entries(env ?? {}),
  }));
  return { export: () => ({ definitionType, childComponents, httpMounts: {}, ...more }) };
}
export {
  registered as a,
  router as b,
  jobs as c,
  defined as d
};
"""


class Analyst:
    """Analyses pushes one after the other, in processes that the engine would end after each."""

    def __init__(self, hosts: AnalysisHosts) -> None:
        self._hosts = hosts

    def analyze(
        self,
        request: PushRequest,
        variables: Mapping[str, str],
        seed: str = "ab" * 32,
        time_ms: float = 5000.0,
    ) -> Analysis:
        ask = partial(self._hosts.ask, seed, time_ms)
        return analyze(request, variables, seed, time_ms, ask)

    def failure(self, request: PushRequest, **environment: str) -> PushError:
        with pytest.raises(PushError) as caught:
            self.analyze(request, environment)
        return caught.value


def module(path: str, source: str, environment: str = "isolate") -> Tree:
    return {"path": path, "source": source, "environment": environment}


def imports(path: str) -> str:
    up = "../" * path.count("/") or "./"
    return (
        f"import {{\n  a as registered,\n  b as router,\n  c as jobs\n}} "
        f'from "{up}_deps/LIBRARY.js";\n'
    )


def push(modules: Mapping[str, str] | None = None, **app: object) -> PushRequest:
    """Return a push of these modules of an app; fields of ``app`` as in the request."""
    changed = [module(path, imports(path) + source) for path, source in (modules or {}).items()]
    components = app.pop("components", [])
    definition = {
        "definition": None,
        "dependencies": [],
        "schema": None,
        "changedModules": [*changed, module("_deps/LIBRARY.js", LIBRARY)],
        "unchangedModuleHashes": [],
        "udfServerVersion": "1.48.0",
        **app,
    }
    return parse_push({"appDefinition": definition, "componentDefinitions": components}, {})


def component(path: str, source: str, *dependencies: str, **modules: str) -> Tree:
    """Return a component; ``source`` is what its definition is, after the library and imports."""
    return {
        "definitionPath": path,
        "definition": module("convex.config.js", definition_source(source, *dependencies)),
        "dependencies": list(dependencies),
        "schema": None,
        "functions": [
            module("_deps/LIBRARY.js", LIBRARY),
            *(module(f"{name}.js", imports(name) + text) for name, text in modules.items()),
        ],
        "udfServerVersion": "1.48.0",
    }


def definition_source(expression: str, *dependencies: str) -> str:
    """Return a bundle in one line that imports its components in the middle, as the CLI's do."""
    encoded = [base64.urlsafe_b64encode(it.encode()).decode().rstrip("=") for it in dependencies]
    mounted = "".join(
        f'import child{number} from"./_componentDeps/{text}";'
        for number, text in enumerate(encoded)
    )
    library = LIBRARY[: LIBRARY.index("export {")].replace("\n", " ")
    return f"{library};{mounted}var made={expression};export{{made as default}};\n"

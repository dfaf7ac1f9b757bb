"""An app with components in components, as analysis describes one; nothing of it can run.

the app
  counter        mounted at /count/, with GREETING bound to the app's APP_GREETING
    batch        mounted at /batch/ in it, with LEVEL bound to a text
  other          the same definition as counter, not mounted for HTTP
    batch
"""

from collections.abc import Mapping
from typing import Any

from livefile.functions.call import FunctionKind
from livefile.javascript.component_tree import component_tree
from livefile.javascript.pushed_code import Definition, FunctionSpec, PushedCode

Tree = Mapping[str, Any]


def function(name: str, *, is_internal: bool = False) -> FunctionSpec:
    """Return what analysis would find of a query."""
    return FunctionSpec(
        name=name,
        kind=FunctionKind.QUERY,
        is_internal=is_internal,
        args='{"type":"any"}',
        returns=None,
        position=None,
    )


def child(name: str, path: str, **env: Tree) -> Tree:
    """Return a component that is mounted, as the library exports it."""
    return {"name": name, "path": path, "args": [], "env": list(env.items())}


def definition(
    path: str,
    functions: Mapping[str, tuple[FunctionSpec, ...]],
    children: tuple[Tree, ...] = (),
    mounts: Mapping[str, str] | None = None,
) -> Definition:
    """Return a component definition with a route ``/hello`` and one for all below ``/files/``."""
    kind = {"type": "childComponent", "name": path} if path else {"type": "app"}
    return Definition(
        path=path,
        modules={},
        functions=functions,
        routes=(("/hello", "GET"), ("/files/*", "POST")),
        crons={},
        schema=None,
        definition={
            "path": path,
            "definitionType": kind,
            "childComponents": list(children),
            "httpMounts": mounts or {},
        },
    )


BATCH = definition("batch", {"lib.js": (function("run"),)})
COUNTER = definition(
    "counter",
    {
        "lib.js": (function("add"), function("reset", is_internal=True)),
        "deep/er.js": (function("default"),),
    },
    (child("batch", "batch", LEVEL={"type": "value", "value": "WARN"}),),
    {"/batch/": "_reference/childComponent/batch"},
)
APP = definition(
    "",
    {"chat.js": (function("list"),)},
    (
        child("counter", "counter", GREETING={"type": "envVar", "name": "APP_GREETING"}),
        child("other", "counter"),
    ),
    {"/count/": "_reference/childComponent/counter"},
)
DEFINITIONS = {it.path: it for it in (APP, COUNTER, BATCH)}
CODE = PushedCode(definitions=DEFINITIONS, root=component_tree(DEFINITIONS))

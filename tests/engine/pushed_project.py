"""Pushes of a few modules, in the form in which Convex's command line bundles them.

Not here: the command line itself (``tests/acceptance``).
"""

import json
from collections.abc import Mapping
from typing import Any

from livefile import Livefile

Tree = dict[str, Any]  # Any: JSON.

NO_ARGUMENTS = {"type": "object", "value": {}}
WAIT_S = 30.0
"""Longer than anything takes; only a hang reaches it."""


def module(path: str, source: str) -> Tree:
    return {"path": path, "source": source, "environment": "isolate"}


def query(name: str, result: object = None) -> str:
    """Return the source of a module with one query, ``name``, of a result that never changes."""
    return f"""
const registered = {{
  isQuery: true, isPublic: true,
  exportArgs: () => {json.dumps(json.dumps(NO_ARGUMENTS))}, exportReturns: () => "null",
  invokeQuery: async () => {json.dumps(json.dumps(result))},
}};
export {{ registered as {name} }};
"""


def exported(tree: object) -> str:
    """Return the source of a module whose default export exports ``tree``."""
    text = json.dumps(json.dumps(tree))
    return f"const it = {{ export: () => {text} }};\nexport {{ it as default }};\n"


def table(
    table_name: str, indexes: Mapping[str, list[str]] | None = None, /, **fields: str | Tree
) -> Tree:
    """Return a table of an exported schema; fields are names of types, or whole validators."""
    validators = {
        field: {"fieldType": {"type": it} if isinstance(it, str) else it, "optional": False}
        for field, it in fields.items()
    }
    return {
        "tableName": table_name,
        "indexes": [
            {"indexDescriptor": index, "fields": paths} for index, paths in (indexes or {}).items()
        ],
        "searchIndexes": [],
        "vectorIndexes": [],
        "documentType": {"type": "object", "value": validators},
    }


def push(
    modules: Mapping[str, str],
    *tables: Tree,
    definition: Tree | None = None,
    is_dry_run: bool = False,
) -> Tree:
    """Return the body of a push; sources of modules by their paths."""
    schema = {"tables": list(tables), "schemaValidation": True}
    return {
        "dryRun": is_dry_run,
        "nodeDependencies": [],
        "componentDefinitions": [],
        "appDefinition": {
            "definition": definition and module("convex.config.js", exported(definition)),
            "dependencies": [],
            "schema": module("schema.js", exported(schema)) if tables else None,
            "changedModules": [module(path, source) for path, source in modules.items()],
            "unchangedModuleHashes": [],
            "udfServerVersion": "1.48.0",
        },
    }


def prepared(livefile: Livefile, body: Tree) -> tuple[Tree, Tree]:
    """Begin a push and have it prepared; return the answer of its start, and its state then."""
    started = livefile.pushes.start(body)
    pending = livefile.pushes.prepare(started["schemaChange"])
    assert pending is not None
    pending.prepared.exception(WAIT_S)
    return started, pending.state


def pushed(livefile: Livefile, body: Tree) -> Tree:
    """Push from start to finish, and return the last answer."""
    started, state = prepared(livefile, body)
    assert state == {"type": "complete"}
    return livefile.pushes.finish(started, is_dry_run=False)

"""What Convex's command line is told of pushed code: it makes TypeScript types of it.

Fields of objects are told in alphabetical order, as Convex does: what is made of them is often
kept with the project's sources, and must not depend on the deployment that was asked.

Not here: finding it out (``analysis.py``).
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from livefile.javascript.component_tree import exports_of
from livefile.javascript.pushed_code import Definition, FunctionSpec

JsonTree = dict[str, Any]  # Any: JSON.

_TIME_LENGTH = 8


def analysis_tree(
    definitions: Mapping[str, Definition],
    server_versions: Mapping[str, str],
    import_seed: str,
    import_time_ms: float,
) -> JsonTree:
    """Return what was found, by the paths of the definitions."""
    time = int(import_time_ms).to_bytes(_TIME_LENGTH, "little", signed=True)
    phase = {
        "importPhaseRngSeed": {"$bytes": b64encode(bytes.fromhex(import_seed)).decode()},
        "importPhaseUnixTimestamp": {"$integer": b64encode(time).decode()},
    }
    return {
        path: {
            "definition": {**definition.definition, "exports": exports_of(definition)},
            "schema": definition.schema and orjson.loads(_in_order(definition.schema)),
            "functions": _modules(definition),
            "udfConfig": {"serverVersion": server_versions[path], **phase},
        }
        for path, definition in definitions.items()
    }


def _modules(definition: Definition) -> JsonTree:
    return {
        path: {
            "functions": [_function(function) for function in functions],
            "httpRoutes": _routes(definition) if path == "http.js" else None,
            "cronSpecs": _crons(definition) if path == "crons.js" else None,
            "sourceMapped": None,
        }
        for path, functions in definition.functions.items()
    }


def _function(function: FunctionSpec) -> JsonTree:
    return {
        "name": function.name,
        "udfType": function.kind.value,
        "visibility": {"kind": "internal" if function.is_internal else "public"},
        "args": _in_order(orjson.loads(function.args)).decode(),
        "returns": function.returns and _in_order(orjson.loads(function.returns)).decode(),
        "pos": function.position,
    }


def _in_order(tree: object) -> bytes:
    return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)


def _routes(definition: Definition) -> list[JsonTree]:
    return [
        {"route": {"path": path, "method": method}, "pos": None}
        for path, method in definition.routes or ()
    ]


def _crons(definition: Definition) -> list[JsonTree]:
    return [{"identifier": name, "spec": dict(spec)} for name, spec in definition.crons.items()]

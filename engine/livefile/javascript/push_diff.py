"""What a push changes, told to whoever pushed: modules, crons, schemas, providers, components.

Not here: indexes (``index_changes.py``); making the changes (``push.py``).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from livefile.javascript.pushed_code import ROOT, Component, Definition, PushedCode, Tree

JsonTree = dict[str, Any]  # Any: JSON.


def auth_diff(before: PushedCode, after: PushedCode) -> JsonTree:
    """Return the providers that come and go, each as JSON."""
    old, new = _texts(before.auth), _texts(after.auth)
    return _two_lists("added", new - old, "removed", old - new)


def component_diffs(
    before: PushedCode, after: PushedCode, diffs: Mapping[str, Tree], known: Collection[str]
) -> dict[str, JsonTree]:
    """Return what changes in each component, by its path.

    ``diffs`` are those of indexes; ``known`` are the components that have tables in the file.
    """
    old = {} if before.is_empty else before.components
    new = after.components
    return {
        path: _component_diff(
            _definition(before, old.get(path)),
            _definition(after, new.get(path)),
            (before.server_version, after.server_version),
            diffs.get(path, {"added_indexes": [], "removed_indexes": []}),
            is_known=path in known,
        )
        for path in sorted({*old, *new})
    }


def checked_component(code: PushedCode, component: Component) -> JsonTree:
    """Return an instance, with those below it, as the answer of ``start_push`` has it."""
    definition = code.definition_of(component)
    routes = definition.routes
    return {
        "definitionPath": definition.path,
        "componentPath": component.path,
        "args": {},
        "childComponents": {
            name: checked_component(code, child) for name, child in component.children.items()
        },
        "httpRoutes": {
            "httpModuleRoutes": None
            if routes is None
            else [{"path": path, "method": method} for path, method in routes],
            "mounts": sorted(definition.definition.get("httpMounts", {})),
        },
        "exports": {},
    }


def _component_diff(
    old: Definition | None,
    new: Definition | None,
    versions: tuple[str, str],
    index_diff: Tree,
    *,
    is_known: bool,
) -> JsonTree:
    old_modules, new_modules = _module_hashes(old), _module_hashes(new)
    added = {path for path, digest in new_modules.items() if old_modules.get(path) != digest}
    removed = {path for path, digest in old_modules.items() if new_modules.get(path) != digest}
    previous, following = versions
    is_newer = old is not None and new is not None and previous != following
    return {
        "diffType": {"type": _diff_type(old, new, is_known=is_known)},
        "moduleDiff": _two_lists("added", added, "removed", removed),
        "udfConfigDiff": {"previous_version": previous, "next_version": following}
        if is_newer
        else None,
        "cronDiff": _cron_diff({} if old is None else old.crons, {} if new is None else new.crons),
        "indexDiff": index_diff,
        "schemaDiff": _schema_diff(old, new),
    }


def _diff_type(old: Definition | None, new: Definition | None, *, is_known: bool) -> str:
    if new is None:
        return "unmount"
    if old is not None or new.path == ROOT:
        return "modify"
    return "remount" if is_known else "create"


def _cron_diff(old: Mapping[str, Tree], new: Mapping[str, Tree]) -> JsonTree:
    kept = old.keys() & new.keys()
    return {
        "added": sorted(new.keys() - kept),
        "updated": sorted(name for name in kept if old[name] != new[name]),
        "deleted": sorted(old.keys() - kept),
    }


def _schema_diff(old: Definition | None, new: Definition | None) -> JsonTree | None:
    previous, following = _schema_text(old), _schema_text(new)
    if previous == following:
        return None
    return {"previous_schema": previous, "next_schema": following}


def _schema_text(definition: Definition | None) -> str | None:
    if definition is None or definition.schema is None:
        return None
    return orjson.dumps(definition.schema, option=orjson.OPT_SORT_KEYS).decode()


def _definition(code: PushedCode, component: Component | None) -> Definition | None:
    return None if component is None else code.definition_of(component)


def _module_hashes(definition: Definition | None) -> dict[str, str]:
    modules = {} if definition is None else definition.modules
    return {path: module.hash for path, module in modules.items()}


def _two_lists(first: str, one: set[str], second: str, other: set[str]) -> JsonTree:
    return {first: sorted(one), second: sorted(other)}


def _texts(trees: Sequence[Tree]) -> set[str]:
    return {orjson.dumps(tree, option=orjson.OPT_SORT_KEYS).decode() for tree in trees}

"""How much work a push would be: which documents must be looked at, which indexes be built.

Convex's command line asks for it before a deploy, to warn of what takes long.

Not here: doing the work (``functions/deploy.py``).
"""

from collections.abc import Sequence
from typing import Any

from livefile.javascript.index_changes import Change, IndexChange, component_and_table
from livefile.javascript.pushed_code import Component, PushedCode
from livefile.model.schema_diff import SchemaDiff
from livefile.transaction.snapshot import Snapshot

JsonTree = dict[str, Any]  # Any: JSON.


def schema_evaluations(
    code: PushedCode, diff: SchemaDiff, changes: Sequence[IndexChange], snapshot: Snapshot
) -> dict[str, JsonTree]:
    """Return the evaluation of each component by its path. Counts the tables that change."""
    counts = _Counts(snapshot)
    return {
        path: _evaluation(code, component, diff, changes, counts)
        for path, component in code.components.items()
    }


class _Counts:
    """How many documents tables have, each counted once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._known: dict[str, int] = {}

    def documents(self, physical_table: str) -> int:
        if physical_table not in self._known:
            entry = self._snapshot.catalog.tables.get(physical_table)
            count = 0 if entry is None else self._snapshot.count(entry.number)
            self._known[physical_table] = count
        return self._known[physical_table]

    def size_bytes(self, physical_table: str) -> int:
        entry = self._snapshot.catalog.tables.get(physical_table)
        return 0 if entry is None else self._snapshot.size_bytes(entry.number)


def _evaluation(
    code: PushedCode,
    component: Component,
    diff: SchemaDiff,
    changes: Sequence[IndexChange],
    counts: _Counts,
) -> JsonTree:
    definition = code.definition_of(component)
    is_validated = definition.schema is not None and definition.schema["schemaValidation"]
    declared = () if definition.schema is None else definition.schema["tables"]
    return {
        "definitionPath": definition.path,
        "schemaValidation": is_validated,
        "tables": [
            _table(f"{component.table_prefix}{table['tableName']}", diff, counts, is_validated)
            for table in declared
        ],
        "indexes": [_index(it, diff, counts) for it in changes if it.component == component.path],
    }


def _table(physical_table: str, diff: SchemaDiff, counts: _Counts, is_validated: bool) -> JsonTree:
    is_walked = is_validated and physical_table in diff.checks
    outcome = "supersetOfEnforced" if is_validated else "notValidated"
    return {
        "name": component_and_table(physical_table)[1],
        "outcome": "mustWalk" if is_walked else outcome,
        "numDocs": counts.documents(physical_table),
        "sizeBytes": counts.size_bytes(physical_table),
    }


def _index(change: IndexChange, diff: SchemaDiff, counts: _Counts) -> JsonTree:
    is_new = change.change is Change.ADDED
    return {
        **change.tree,
        "change": change.change.value,
        "needsBackfill": is_new and change.physical_table not in diff.new_tables,
        "numDocs": counts.documents(change.physical_table),
    }

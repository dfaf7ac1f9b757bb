"""What a push does to indexes, by component, in the words of Convex's command line.

Not here: what a schema asks of a file (``model/schema_diff.py``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.schema import Schema
from livefile.model.schema_diff import SchemaDiff, StoredTable


class Change(Enum):
    """What happens to an index. The values are the protocol's."""

    ADDED = "added"
    DROPPED = "dropped"
    IDENTICAL = "identical"


@dataclass(frozen=True, slots=True)
class IndexChange:
    """One index of one table; ``physical_table`` is the table's name in the file."""

    physical_table: str
    name: str
    spec: IndexSpec
    change: Change

    @property
    def component(self) -> str:
        """The path of the component that the table belongs to."""
        return component_and_table(self.physical_table)[0]

    @property
    def tree(self) -> dict[str, Any]:  # Any: JSON.
        """The index as the protocol has it."""
        _, table = component_and_table(self.physical_table)
        tree: dict[str, Any] = {"name": f"{table}.{self.name}"}
        filters = list(self.spec.filters)
        match self.spec.kind:
            case IndexKind.ORDERED:
                return {**tree, "type": "database", "fields": list(self.spec.fields)}
            case IndexKind.TEXT:
                searched = {"searchField": self.spec.fields[0], "filterFields": filters}
                return {**tree, "type": "search", **searched}
            case IndexKind.VECTOR:
                searched = {"vectorField": self.spec.fields[0], "filterFields": filters}
                return {**tree, "type": "vector", "dimensions": self.spec.dimensions, **searched}


def component_and_table(physical_table: str) -> tuple[str, str]:
    """Take the name of a table in the file apart: ``rateLimiter/buckets``."""
    component, _, table = physical_table.rpartition("/")
    return component, table


def index_changes(
    stored: Mapping[str, StoredTable], schema: Schema, diff: SchemaDiff
) -> list[IndexChange]:
    """Return every declared and every dropped index, in the order of their tables."""
    dropped = set(diff.dropped_indexes)
    changes = [
        IndexChange(table, name, stored[table].indexes[name], Change.DROPPED)
        for table, name in diff.dropped_indexes
    ]
    for table, definition in schema.tables.items():
        before = stored[table].indexes if table in stored else {}
        for name, spec in definition.specs.items():
            is_kept = name in before and (table, name) not in dropped
            change = Change.IDENTICAL if is_kept else Change.ADDED
            changes.append(IndexChange(table, name, spec, change))
    return changes


def index_diffs(
    changes: Sequence[IndexChange], components: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return what is added and removed in each component, also where that is nothing."""
    diffs: dict[str, dict[str, Any]] = {
        component: {"added_indexes": [], "removed_indexes": []} for component in components
    }
    for each in changes:
        lists = diffs.setdefault(each.component, {"added_indexes": [], "removed_indexes": []})
        match each.change:
            case Change.ADDED:
                lists["added_indexes"].append(each.tree)
            case Change.DROPPED:
                lists["removed_indexes"].append(each.tree)
    return diffs

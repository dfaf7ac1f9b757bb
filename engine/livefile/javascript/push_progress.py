"""How far the preparation of a push is, by component, for whoever pushed and waits.

Not here: the preparation (``functions/deploy.py``).
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from livefile.functions.deploy_progress import DeployProgress, DeployStage
from livefile.javascript.index_changes import component_and_table
from livefile.model.schema_diff import SchemaDiff


class PushProgress:
    """Hears of the preparation on one thread, and is asked on others."""

    def __init__(self, diff: SchemaDiff, components: Iterable[str]) -> None:
        """Take what is to be done, and all components."""
        self._components = tuple(components)
        self._indexes = Counter(new.table for new in diff.new_indexes)
        self._is_checked = not diff.checks
        self._building: str | None = None
        self._built: tuple[str, ...] = ()

    def hear(self, progress: DeployProgress) -> None:
        """Take note of a step. Tables come one after the other, each with all its indexes."""
        if progress.stage is not DeployStage.BUILD or progress.table == self._building:
            return
        self._is_checked = True
        if self._building is not None:
            self._built = (*self._built, self._building)
        self._building = progress.table

    @property
    def tree(self) -> dict[str, Any]:  # Any: JSON.
        """The state of each component, as the protocol has it."""
        built = self._built
        total: Counter[str] = Counter()
        complete: Counter[str] = Counter()
        for table, count in self._indexes.items():
            component, _ = component_and_table(table)
            total[component] += count
            complete[component] += count if table in built else 0
        return {
            component: {
                "schemaValidationComplete": self._is_checked,
                "indexesComplete": complete[component],
                "indexesTotal": total[component],
            }
            for component in self._components
        }

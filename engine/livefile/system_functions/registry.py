"""Which system functions there are, and how one is found by its path.

A path is ``_system/cli/tables:default``; for a component's tables it is preceded by the
component's path and a bar, ``rateLimiter|_system/cli/tables:default``, as for every function.

Not here: who may call them: they are internal, so admins only (``functions/app.py``).
"""

from collections.abc import Iterator, Mapping

from livefile.system_functions.documents import DOCUMENT_FUNCTIONS
from livefile.system_functions.environment import ENVIRONMENT_FUNCTIONS
from livefile.system_functions.facts import FACT_FUNCTIONS
from livefile.system_functions.files import FILE_FUNCTIONS
from livefile.system_functions.jobs import JOB_FUNCTIONS
from livefile.system_functions.modules import MODULE_FUNCTIONS
from livefile.system_functions.schemas import SCHEMA_FUNCTIONS
from livefile.system_functions.shapes import SHAPE_FUNCTIONS
from livefile.system_functions.snapshots import SNAPSHOT_FUNCTIONS
from livefile.system_functions.system_function import SystemFunction
from livefile.system_functions.tables import TABLE_FUNCTIONS

PREFIX = "_system/"


class SystemFunctions(Mapping[str, SystemFunction]):
    """All system functions by path. Iterating gives those of the root, which are all there are."""

    def __init__(self) -> None:
        """Gather them."""
        self._functions = {
            PREFIX + path: function
            for functions in (
                DOCUMENT_FUNCTIONS,
                ENVIRONMENT_FUNCTIONS,
                FACT_FUNCTIONS,
                FILE_FUNCTIONS,
                JOB_FUNCTIONS,
                MODULE_FUNCTIONS,
                SCHEMA_FUNCTIONS,
                SHAPE_FUNCTIONS,
                SNAPSHOT_FUNCTIONS,
                TABLE_FUNCTIONS,
            )
            for path, function in functions.items()
        }

    def __getitem__(self, path: str) -> SystemFunction:
        """Return a function, for the component that the path names if it names one.

        Raises:
            KeyError: there is none.
        """
        component, _, own_path = path.rpartition("|")
        function = self._functions[own_path]
        return function.within(component) if component else function

    def __iter__(self) -> Iterator[str]:
        """Yield the paths."""
        return iter(self._functions)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._functions)


SYSTEM_FUNCTIONS = SystemFunctions()
"""The only instance: they keep nothing between calls."""

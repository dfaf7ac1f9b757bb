"""What every declared table has, whatever language declares it: a name, indexes and a validator.

Deploys, imports and writes of plain documents need no more than that.

Not here: tables that are classes (``model/table.py``); tables of pushed schemas
(``model/pushed_table.py``); what the file holds (``sqlite/catalog.py``).
"""

from collections.abc import Mapping
from typing import TypeAlias

from livefile.model import validator as v
from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.value import Value

Document: TypeAlias = dict[str, Value]


class TableDefinition:
    """One declared table. ``specs`` are its declared indexes of every kind, by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.specs: dict[str, IndexSpec] = {}

    @property
    def indexes(self) -> Mapping[str, tuple[str, ...]]:
        """The fields of the declared indexes that have an order."""
        return {name: spec.fields for name, spec in self.of_kind(IndexKind.ORDERED).items()}

    def of_kind(self, kind: IndexKind) -> Mapping[str, IndexSpec]:
        """Return the declared indexes of one kind."""
        return {name: spec for name, spec in self.specs.items() if spec.kind is kind}

    @property
    def validator(self) -> v.Validator:
        """What a stored document must look like, without the system fields."""
        raise NotImplementedError

    @property
    def defaults(self) -> Document:
        """The values of the fields that have a default, for documents older than the field."""
        raise NotImplementedError

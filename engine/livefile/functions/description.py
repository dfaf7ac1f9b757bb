"""What an app offers, without its code: functions, tables and their validators.

Code generators, the function spec and the deploy read this; it holds no Python types, so it
describes functions of every language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from livefile.functions.call import FunctionKind
from livefile.model.index_spec import IndexSpec
from livefile.model.validator import Validator


@dataclass(frozen=True, slots=True)
class FunctionDescription:
    """One function: ``path`` is canonical (``folder/module:name``).

    Those of an app's components begin with the component's path: ``rateLimiter|lib:check``.
    """

    path: str
    kind: FunctionKind
    is_internal: bool
    args: Validator
    returns: Validator


@dataclass(frozen=True, slots=True)
class TableDescription:
    """One table: its fields without ``_id`` and ``_creationTime``, and its indexes' fields.

    Those for searching are apart, by their names as well.
    """

    name: str
    document: Validator
    indexes: Mapping[str, tuple[str, ...]]
    text_indexes: Mapping[str, IndexSpec] = field(default_factory=dict)
    vector_indexes: Mapping[str, IndexSpec] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AppDescription:
    """Everything an app offers, sorted by path and by name."""

    functions: tuple[FunctionDescription, ...]
    tables: tuple[TableDescription, ...]

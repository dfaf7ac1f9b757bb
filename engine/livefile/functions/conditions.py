"""The conditions of a query: ``.filter(...)`` of tables and of searches.

Not here: expressions (``model/filter_expression.py``, ``model/filter_condition.py``).
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from livefile.model.filter_condition import FilterCondition
from livefile.model.filter_expression import Expression
from livefile.model.table import ModelTable
from livefile.model.table_definition import Document
from livefile.vocabulary.errors import FilterError
from livefile.vocabulary.limits import QUERY_OPERATORS_MAX

Row = TypeVar("Row")

Condition = FilterCondition | Callable[[Row], bool]


def with_condition(
    conditions: Sequence[Condition[Row]],
    added: Expression | Callable[[Row], bool],
    table: str,
    definition: ModelTable | None,
) -> tuple[Condition[Row], ...]:
    """Return the conditions and one more.

    Raises:
        FilterError: the table has no such field, or there are too many.
    """
    count = len(conditions) + 1
    if count > QUERY_OPERATORS_MAX:
        raise FilterError(f"Query has too many operators: {count}")
    if isinstance(added, Expression):
        if definition is None:
            return (*conditions, FilterCondition(added, table))
        fields, defaults = definition.annotations, definition.defaults
        return (*conditions, FilterCondition(added, table, fields, defaults))
    if not callable(added):
        raise FilterError(
            f"filter({added!r}): want an expression such as field('likes') > 3, or a function of "
            "the document"
        )
    return (*conditions, added)


def admitted(
    conditions: Sequence[Condition[Row]], load: Callable[[Document], Row], document: Document
) -> Row | None:
    """Return the row of a document that meets all conditions, None for every other one."""
    row: Row | None = None
    for condition in conditions:
        if isinstance(condition, FilterCondition):
            if not condition.holds(document):
                return None
            continue
        if row is None:
            row = load(document)
        if not condition(row):
            return None
    return load(document) if row is None else row

"""Aggregates as a table declares them: ``revenue = aggregate("shop", sum="amount")``.

An aggregate is an index over the key's fields and the number, in whose ranges everything can be
known without reading them: how many there are, their sum, the least and the greatest.

Not here: reading one (``functions/aggregation.py``).
"""

from livefile.model.index_declaration import Index
from livefile.model.index_spec import IndexSpec, Summary
from livefile.model.names import check_index_fields


class Aggregate(Index):
    """Counts and sums by a key. On the class it reads as the range of all keys."""


def aggregate(*by: str, sum: str) -> Aggregate:
    """Declare sums of the field ``sum`` by the fields ``by``, in this order.

    Without ``by`` there is one sum, of the whole table. Documents whose field is no number are
    counted and add nothing.

    Raises:
        DefinitionError: a field twice, too many, or a reserved name.
    """
    fields = (*by, sum)
    check_index_fields(fields)
    return Aggregate(IndexSpec(fields, summary=Summary.SUM))

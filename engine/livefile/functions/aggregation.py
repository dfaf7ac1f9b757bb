"""``ctx.db.aggregate(Order.revenue.eq(shop="a")).sum``: what is known of a range of an aggregate.

Not here: how it is kept up to date (``sqlite/summaries.py``).
"""

from functools import cached_property
from typing import Any

from livefile.model.index_range import IndexRange
from livefile.model.interval import Interval
from livefile.model.key_number import AFTER_NUMBERS, FIRST_NUMBER
from livefile.model.table import ModelTable
from livefile.model.validator import INT64, NULL, WHOLE_FLOAT64, Union, Validator
from livefile.model.value import Value
from livefile.sqlite.catalog import IndexEntry, TableEntry
from livefile.sqlite.summaries import Totals
from livefile.transaction.totals import totals
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import IndexRangeError

Number = float | int


class Aggregation:
    """The figures of one range. Each is read when it is first asked for, and then live."""

    def __init__(
        self,
        transaction: Transaction,
        source: tuple[TableEntry, IndexEntry] | None,
        definition: ModelTable,
        interval: Interval,
        prefix: bytes | None,
    ) -> None:
        """Take the range; ``prefix`` are the fields of the key if all of them are given."""
        self._transaction = transaction
        self._source = source
        self._definition = definition
        self._interval = interval
        self._prefix = prefix

    @classmethod
    def of(
        cls, transaction: Transaction, definition: ModelTable, source: IndexRange[Any]
    ) -> "Aggregation":
        """Return the figures of a range.

        Raises:
            IndexRangeError: the summed field is fixed.
        """
        *by, summed = definition.specs[source.index].fields
        if source.position > len(by):
            raise IndexRangeError(
                f"aggregate {source.table}.{source.index}: {summed} is what is summed; bound it "
                "with gte() or lt(), or query the range"
            )
        prefix = source.prefix if source.position == len(by) else None
        table = transaction.table(source.table)
        found = None if table is None else (table, table.indexes[source.index])
        return cls(transaction, found, definition, source.interval(), prefix)

    @property
    def count(self) -> int:
        """How many documents there are, also those without a number."""
        return self._totals.count

    @property
    def sum(self) -> Number:
        """The exact sum, rounded once; whole if the field is declared as ``Int64``. 0 of nothing.

        It does not depend on the order in which documents came and went.
        """
        total = self._totals.sum
        return int(total) if self._is_whole else float(total)

    @property
    def mean(self) -> float | None:
        """The sum by the count, None of nothing."""
        found = self._totals
        return float(found.sum) / found.count if found.count else None

    @property
    def min(self) -> Number | None:
        """The least number, None if there is none.

        Raises:
            IndexRangeError: not every field of the key is given.
        """
        return self._extreme(is_descending=False)

    @property
    def max(self) -> Number | None:
        """The greatest number, None if there is none.

        Raises:
            IndexRangeError: not every field of the key is given.
        """
        return self._extreme(is_descending=True)

    @cached_property
    def _totals(self) -> Totals:
        if self._source is None:
            return Totals()
        return totals(self._transaction, *self._source, self._interval)

    @property
    def _is_whole(self) -> bool:
        if self._source is None:
            return False
        path = self._source[1].paths[-1]
        return len(path) == 1 and _is_whole(self._definition.annotations[path[0]].validator)

    def _extreme(self, *, is_descending: bool) -> Number | None:
        if self._source is None:
            return None
        table, index = self._source
        if self._prefix is None:
            fields = [".".join(path) for path in index.paths]
            raise IndexRangeError(
                f"aggregate {table.name}.{index.name}: min and max want every field before "
                f"{fields[-1]} given by eq(): {', '.join(fields[:-1])}"
            )
        numbers = Interval(
            max(self._interval.start, self._prefix + FIRST_NUMBER),
            min(self._interval.end, self._prefix + AFTER_NUMBERS),
        )
        if numbers.start >= numbers.end:
            return None
        found = self._transaction.take(table, index, numbers, 1, is_descending=is_descending)
        if not found:
            return None
        value: Value = index.complete(found[0])
        for name in index.paths[-1]:
            assert isinstance(value, dict)
            value = value[name]
        assert isinstance(value, float | int)
        return value


def _is_whole(validator: Validator) -> bool:
    """Return whether the numbers that match are whole."""
    if isinstance(validator, Union):
        return all(member == NULL or _is_whole(member) for member in validator.members)
    return validator in (INT64, WHOLE_FLOAT64)

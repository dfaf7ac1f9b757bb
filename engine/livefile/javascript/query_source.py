"""Queries as the library sends them: a source and operators, as JSON trees.

Not here: reading them piece by piece (``query_reads.py``); what a query is (``functions/``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from livefile.functions.table_query import TableQuery
from livefile.functions.text_query import TextQuery
from livefile.model.annotation import mark_integers
from livefile.model.document_id import decode_document_id, id_key
from livefile.model.filter_expression import CONSTANT, FIELD, Expression
from livefile.model.index_key import END, MISSING, Missing, encode_value, successor
from livefile.model.index_range import BY_CREATION_TIME, BY_ID, id_interval
from livefile.model.index_spec import IndexKind
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.text_search import TextSearch, TextSearchSource
from livefile.model.value import Value
from livefile.model.value_json import from_wire
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import DefinitionError, FilterError, IndexRangeError, SearchError
from livefile.vocabulary.limits import QUERY_OPERATORS_MAX

# Any: JSON.
Tree = Mapping[str, Any]
Query = TableQuery[Document] | TextQuery[Document]

_OPERATORS = frozenset({"eq", "neq", "lt", "lte", "gt", "gte", "add", "sub", "mul", "div", "mod"})
_OPERATORS |= {"and", "or", "not", "neg"}
_CREATION_TIME = "_creationTime"
_UNDEFINED = {"$undefined": None}


@dataclass(frozen=True, slots=True)
class PushedQuery:
    """A query, and how many of its documents are wanted at most; None for all."""

    query: Query
    limit: int | None

    def take(self, count: int) -> list[Document]:
        """Return the first documents: all that are wanted, ``count`` of them at most."""
        return self.query.take(count if self.limit is None else min(count, self.limit))

    def __iter__(self) -> Any:  # An iterator of documents.
        return islice(self.query, self.limit)


def read_query(
    tree: Tree,
    transaction: Transaction,
    physical: Callable[[str], str],
    begin_page: Callable[[], None],
) -> PushedQuery:
    """Return the query that a tree stands for; ``physical`` gives a table's name in the file.

    Raises:
        IndexRangeError: a range that the index does not have.
        SearchError: a search that the index does not take.
        FilterError: an expression that cannot be read, or too many operators.
        DefinitionError: there is no such index.
    """
    source = tree["source"]
    if source["type"] == "Search":
        query: Query = _search(source, transaction, physical, begin_page)
    else:
        query = _range(source, transaction, physical, begin_page)
    operators = tree["operators"]
    if len(operators) > QUERY_OPERATORS_MAX:
        raise FilterError(f"Query has too many operators: {len(operators)}")
    limit: int | None = None
    for operator in operators:
        if limit is not None:
            raise FilterError("a query's limit is its last operator")
        if "limit" in operator:
            limit = int(operator["limit"])
        else:
            query = query.filter(_expression(operator["filter"]))
    return PushedQuery(query, limit)


def _range(
    source: Tree,
    transaction: Transaction,
    physical: Callable[[str], str],
    begin_page: Callable[[], None],
) -> TableQuery[Document]:
    if source["type"] == "FullTableScan":
        table, index = physical(source["tableName"]), BY_CREATION_TIME
    else:
        name, _, index = source["indexName"].partition(".")
        table = physical(name)
    return TableQuery(
        _transaction=transaction,
        _table=table,
        _index=index,
        _interval=_interval(source.get("range", ()), transaction, table, index),
        _load=_as_it_is,
        _begin_page=begin_page,
        _is_descending=source["order"] == "desc",
    )


def _interval(bounds: Sequence[Tree], transaction: Transaction, table: str, index: str) -> Interval:
    """Return the keys inside bounds that are in the index's order: equalities, then a range."""
    entry = transaction.table(table)
    if entry is None and index not in (BY_CREATION_TIME, BY_ID):
        raise DefinitionError(f"Index {table}.{index} not found.")
    if not bounds or entry is None:
        return EVERYTHING
    found = entry.indexes.get(index)
    if found is None or found.spec.kind is not IndexKind.ORDERED:
        raise DefinitionError(f"Index {table}.{index} not found.")
    if index == BY_ID:
        fields: tuple[str, ...] = ("_id",)
    else:
        fields = (*found.spec.fields, _CREATION_TIME, "_id")
    prefix, position = b"", 0
    start: bytes | None = None
    end: bytes | None = None
    for bound in bounds:
        wanted = fields[position] if position < len(fields) else "nothing"
        kind, path = bound["type"], bound["fieldPath"]
        is_second = (
            (kind == "Eq" and (start is not None or end is not None))
            or (kind in ("Gt", "Gte") and start is not None)
            or (kind in ("Lt", "Lte") and end is not None)
        )
        if path != wanted or is_second:
            raise IndexRangeError(
                f"index {table}.{index}: got {kind} of the field {path!r}, want {wanted} next, "
                f"equalities first, then one bound at each end; its fields are {', '.join(fields)}"
            )
        value = _value(bound["value"])
        if path != "_id":
            key = prefix + encode_value(value)
        else:
            key = _id_key(value) if index == BY_ID else prefix + _id_end(value, entry.number)
        match kind:
            case "Eq":
                prefix, position = key, position + 1
            case "Gt":
                start = successor(key)
            case "Gte":
                start = key
            case "Lt":
                end = key
            case _:
                end = successor(key)
    start = prefix if start is None else start
    if end is None:
        end = successor(prefix) if prefix else END
    interval = Interval(start, max(start, end))
    return id_interval(interval, entry.number) if index == BY_ID else interval


def _search(
    source: Tree,
    transaction: Transaction,
    physical: Callable[[str], str],
    begin_page: Callable[[], None],
) -> TextQuery[Document]:
    name, _, index = source["indexName"].partition(".")
    table = physical(name)
    entry = transaction.table(table)
    if entry is None:
        raise DefinitionError(f"Index {table}.{index} not found.")
    found = entry.indexes.get(index)
    texts = [each for each in source["filters"] if each["type"] == "Search"]
    if len(texts) != 1:
        raise SearchError(
            "MissingSearchFilterError",
            f"Search query against {name}.{index} has {len(texts)} search filters, want one",
        )
    if found is not None and texts[0]["fieldPath"] != found.spec.fields[0]:
        raise SearchError(
            "IncorrectSearchField",
            f"Search query against {name}.{index} searches the field {texts[0]['fieldPath']!r}, "
            f"the index is of {found.spec.fields[0]!r}",
        )
    filters = () if found is None else found.spec.filters
    search: TextSearch[Document] = TextSearchSource(
        table=table, index=index, filters=filters, annotations={}
    ).search(texts[0]["value"])
    if found is not None:
        for each in source["filters"]:
            if each["type"] == "Eq":
                search = search.eq(**{each["fieldPath"]: _constant(each["value"])})
    return TextQuery(
        _transaction=transaction,
        _search=search,
        _definition=None,
        _load=_as_it_is,
        _begin_page=begin_page,
    )


def _expression(tree: Any) -> Expression:
    """Return a filter expression; everything that is no operator is a constant."""
    if isinstance(tree, dict) and len(tree) == 1:
        ((name, content),) = tree.items()
        if name == "$field":
            return Expression(FIELD, content=content)
        if name == "$literal":
            return Expression(CONSTANT, content=_constant(content))
        operator = name.removeprefix("$")
        if operator in _OPERATORS:
            operands = content if isinstance(content, list) else [content]
            return Expression(operator, tuple(map(_expression, operands)))
    raise FilterError(f"{tree!r:.200} is no filter expression")


def _value(tree: Any) -> Value | Missing:
    return MISSING if tree == _UNDEFINED else from_wire(tree)


def _constant(tree: Any) -> Any:
    """Return a value as code in Python writes it, which marks 64-bit integers."""
    value = _value(tree)
    return value if isinstance(value, Missing) else mark_integers(value)


def _id_key(value: Value | Missing) -> bytes:
    if not isinstance(value, str):
        raise IndexRangeError(f"a range of by_id is bounded by ids, got {value!r:.100}")
    return id_key(value)


def _id_end(value: Value | Missing, table_number: int) -> bytes:
    """Return what ends the keys of a document in every index but ``by_id``: its internal id."""
    number, internal_id = decode_document_id(value) if isinstance(value, str) else (-1, b"")
    if number != table_number:
        raise IndexRangeError(f"a range of _id is bounded by ids of the table, got {value!r:.100}")
    return internal_id


def _as_it_is(document: Document) -> Document:
    return document

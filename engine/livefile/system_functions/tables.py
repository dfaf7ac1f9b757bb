"""System functions about tables: their names, documents, sizes and indexes.

Not here: changing documents (``documents.py``); what a table's documents look like
(``schemas.py``).
"""

from typing import Any

from livefile.model import validator as v
from livefile.model.index_range import BY_CREATION_TIME, BY_ID
from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.interval import EVERYTHING
from livefile.model.pagination import PaginationOptions, PaginationResult
from livefile.sqlite.catalog import IndexEntry, TableEntry
from livefile.sqlite.system_tables import READABLE_TABLES
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    component_request,
    optional,
    system_query,
)
from livefile.transaction.totals import totals

# Any: JSON trees and documents of every table.


def stored_table(request: SystemRequest, name: str) -> TableEntry | None:
    """Return a table of the component, or one of the system that apps may read."""
    if name in READABLE_TABLES:
        return request.transaction.catalog.tables.get(name)
    if name.startswith("_"):
        return None
    return request.transaction.table(request.physical_name(name))


def page_tree(page: PaginationResult[Any]) -> dict[str, Any]:
    """Return a page as the protocol has it."""
    return {
        "page": list(page.page),
        "isDone": page.is_done,
        "continueCursor": page.continue_cursor,
        "splitCursor": page.split_cursor,
        "pageStatus": page.page_status,
    }


def only_page(rows: list[Any]) -> dict[str, Any]:
    """Return rows that all fit into one page."""
    return page_tree(PaginationResult(page=rows, is_done=True, continue_cursor=""))


def wanted_page(request: SystemRequest) -> PaginationOptions:
    """Return the options of the page that is asked for."""
    found: PaginationOptions = PaginationOptions.__livefile_annotation__.to_python(
        request.args["paginationOpts"]
    )
    return found


def documents_count(request: SystemRequest, table: TableEntry) -> int:
    """Return how many documents a table has; a change of any of them is one of the count."""
    return totals(request.transaction, table, table.indexes[BY_CREATION_TIME], EVERYTHING).count


def _table_names(request: SystemRequest) -> Any:
    return only_page([{"name": name} for name in sorted(request.tables())])


def _table_data(request: SystemRequest) -> Any:
    table = stored_table(request, request.args["table"])
    if table is None:
        return only_page([])
    query = request.query(table.name).order(request.args["order"])
    return page_tree(query.paginate(wanted_page(request)))


def _table_version(request: SystemRequest) -> Any:
    """Return the moment of this look: there is another look whenever the table has changed."""
    table = stored_table(request, request.args["tableName"])
    if table is not None:
        request.read_whole(table)
    return str(request.transaction.snapshot.ts)


def _table_size(request: SystemRequest) -> Any:
    table = stored_table(request, request.args["tableName"])
    return 0 if table is None else documents_count(request, table)


def _size_in_component(request: SystemRequest) -> Any:
    name = request.args.get("tableName")
    return 0 if name is None else _table_size(component_request(request))


def _table_mapping(request: SystemRequest) -> Any:
    """Return the names by the numbers that are inside the documents' ids."""
    tables = request.transaction.catalog.tables
    readable = {name: tables[name] for name in READABLE_TABLES}
    return {
        str(table.number): name
        for name, table in {**component_request(request).tables(), **readable}.items()
    }


def _indexes(request: SystemRequest) -> Any:
    within = component_request(request)
    namespace = request.args.get("tableNamespace")
    if namespace is not None:
        within = SystemRequest(args=request.args, component=namespace, ctx=request.ctx)
    name = request.args.get("tableName")
    table = None if name is None else stored_table(within, name)
    if table is None:
        return None
    building = {index.name for index in table.building}
    return [
        {
            "name": index.name,
            "fields": _index_fields(index.spec),
            "backfill": {"state": "backfilling" if index.name in building else "done"},
            "staged": False,
        }
        for index in own_indexes(table)
    ]


def own_indexes(table: TableEntry) -> list[IndexEntry]:
    """Return the indexes that a schema declares, by name; those that are being built as well."""
    own = [
        *(index for index in table.indexes.values() if index.name not in (BY_ID, BY_CREATION_TIME)),
        *table.building,
    ]
    return sorted(own, key=lambda index: index.name)


def _index_fields(spec: IndexSpec) -> Any:
    match spec.kind:
        case IndexKind.ORDERED:
            return [*spec.fields, "_creationTime"]
        case IndexKind.TEXT:
            return {"searchField": spec.fields[0], "filterFields": list(spec.filters)}
        case IndexKind.VECTOR:
            return {
                "vectorField": spec.fields[0],
                "dimensions": spec.dimensions,
                "filterFields": list(spec.filters),
            }


_ORDER = v.Union(members=(v.Literal(value="asc"), v.Literal(value="desc")))

TABLE_FUNCTIONS: dict[str, SystemFunction] = {
    "cli/tables:default": system_query(_table_names, paginationOpts=v.PAGINATION_OPTIONS),
    "cli/tableData:default": system_query(
        _table_data, table=v.STRING, order=_ORDER, paginationOpts=v.PAGINATION_OPTIONS
    ),
    "cli/queryTable:default": system_query(_table_version, tableName=v.STRING),
    "cli/tableSize:default": system_query(_table_size, tableName=v.STRING),
    "frontend/tableSize:default": system_query(
        _size_in_component, tableName=optional(v.STRING), componentId=optional(v.STRING)
    ),
    "frontend/getTableMapping:default": system_query(
        _table_mapping, componentId=optional(v.STRING)
    ),
    "frontend/indexes:default": system_query(
        _indexes,
        tableName=optional(v.STRING),
        tableNamespace=optional(v.STRING),
        componentId=optional(v.STRING),
    ),
}
"""By their paths without ``_system/``."""

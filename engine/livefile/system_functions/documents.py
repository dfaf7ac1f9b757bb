"""System functions that show documents as the dashboard does, and change them.

A changed document must match its table's validator, as one that a function of the app writes.

Not here: pages as the CLI reads them (``tables.py``); filters (``document_filter.py``).
"""

from collections.abc import Mapping
from typing import Any, cast

from livefile.functions.database import DatabaseWriter
from livefile.functions.untyped_table import TableWriter
from livefile.model import validator as v
from livefile.model.annotation import mark_integers
from livefile.model.document_id import decode_document_id
from livefile.sqlite.catalog import TableEntry
from livefile.sqlite.system_tables import READABLE_TABLES
from livefile.system_functions.document_filter import is_undefined, parse_filter
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    bad_argument,
    component_request,
    optional,
    system_mutation,
    system_query,
)
from livefile.system_functions.tables import only_page, page_tree, stored_table, wanted_page
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import DocumentValidationError, InvalidDocumentIdError

# Any: documents of every table.

_DONE = {"success": True}


def _page(request: SystemRequest) -> Any:
    within = component_request(request)
    table = stored_table(within, request.args["table"])
    if table is None:
        return only_page([])
    wanted = parse_filter(
        request.args.get("filters"),
        lambda name: table.indexes[name].spec.fields if name in table.indexes else None,
    )
    query = (
        within.query(table.name) if wanted.index is None else within.query(table.name, wanted.index)
    ).order("desc" if wanted.is_descending else "asc")
    if wanted.conditions:
        query = query.filter(wanted.holds)
    return page_tree(query.paginate(wanted_page(request)))


def _by_ids(request: SystemRequest) -> Any:
    return [_by_id(request.transaction, each["id"]) for each in request.args["ids"]]


def _by_id(transaction: Transaction, id: str) -> Any:
    number, _ = decode_document_id(id)
    table = transaction.catalog.by_number.get(number)
    if table is None or (table.is_system and table.name not in READABLE_TABLES):
        return None
    return mark_integers(transaction.get(id))


def _add(request: SystemRequest) -> Any:
    writer = _writer(component_request(request), request.args["table"])
    ids = [writer.insert(mark_integers(document)) for document in request.args["documents"]]
    return {**_DONE, "ids": ids}


def _replace(request: SystemRequest) -> Any:
    id = request.args["id"]
    _writer_of(request, id).replace(id, mark_integers(request.args["document"]))
    return _DONE


def _patch(request: SystemRequest) -> Any:
    fields = dict(request.args["fields"])
    removed = frozenset(name for name, item in fields.items() if is_undefined(item))
    kept = {name: item for name, item in fields.items() if name not in removed}
    for id in request.args["ids"]:
        writer = _writer_of(request, id)
        if not removed:
            writer.patch(id, mark_integers(kept))
            continue
        document = writer.get(id)
        if document is None:
            raise bad_argument(f"there is no document {id!r:.100}")
        whole = {**document, **mark_integers(kept)}
        writer.replace(id, {name: item for name, item in whole.items() if name not in removed})
    return _DONE


def _delete(request: SystemRequest) -> Any:
    for each in request.args["toDelete"]:
        _writer_of(request, each["id"]).delete(each["id"])
    return _DONE


def _clear(request: SystemRequest) -> Any:
    """Remove one page of a table's documents, and say whether there are more."""
    within = component_request(request)
    table = stored_table(within, request.args["tableName"])
    if table is None:
        return {"continueCursor": "", "deleted": 0, "hasMore": False}
    if table.is_system:
        raise bad_argument(f'only Livefile itself writes the table "{table.name}"')
    page = within.query(table.name).take(_CLEARED_DOCUMENTS)
    for document in page:
        request.transaction.delete(document["_id"])
    return {
        "continueCursor": "",
        "deleted": len(page),
        "hasMore": len(page) == _CLEARED_DOCUMENTS,
    }


# Each is read and written, so that a page of large ones stays within a transaction's limits.
_CLEARED_DOCUMENTS = 128


def _writer(request: SystemRequest, table: str) -> TableWriter:
    database = request.ctx.db
    assert isinstance(database, DatabaseWriter)  # Of a mutation.
    if table.startswith("_"):
        raise bad_argument(f'only Livefile itself writes the table "{table:.100}"')
    if not request.component:
        return database.table(table)
    return TableWriter(
        request.transaction, request.physical_name(table), lambda: None, request.app.schema
    )


def _writer_of(request: SystemRequest, id: str) -> TableWriter:
    """Return what writes the table that an id is of, whichever component that belongs to."""
    number, _ = decode_document_id(id)
    table: TableEntry | None = request.transaction.catalog.by_number.get(number)
    if table is None:
        raise InvalidDocumentIdError(f'ID "{id:.100}" is of table {number}, which does not exist')
    component, _, name = table.name.rpartition("/")
    return _writer(SystemRequest(args={}, component=component, ctx=request.ctx), name)


def _create_table(request: SystemRequest) -> Any:
    """Let there be a table, as if its first document had been written and removed."""
    writer = _writer(component_request(request), request.args["table"])
    if stored_table(component_request(request), request.args["table"]) is None:
        try:
            writer.delete(writer.insert({}))
        except DocumentValidationError as error:
            raise bad_argument(f"the table cannot be made: {error}") from error


_IDS = v.Array(item=v.STRING)
_OBJECT = cast(Mapping[str, v.Field], {"id": v.Field(v.STRING), "tableName": v.Field(v.STRING)})

DOCUMENT_FUNCTIONS: dict[str, SystemFunction] = {
    "frontend/paginatedTableDocuments:default": system_query(
        _page,
        table=v.STRING,
        filters=optional(v.STRING),
        paginationOpts=v.PAGINATION_OPTIONS,
        componentId=optional(v.STRING),
    ),
    "frontend/listById:default": system_query(
        _by_ids,
        ids=v.Array(item=v.Object(fields=_OBJECT)),
        componentId=optional(v.STRING),
    ),
    "frontend/addDocument:default": system_mutation(
        _add, table=v.STRING, documents=v.Array(item=v.ANY), componentId=optional(v.STRING)
    ),
    "frontend/replaceDocument:default": system_mutation(
        _replace, id=v.STRING, document=v.ANY, componentId=optional(v.STRING)
    ),
    "frontend/patchDocumentsFields:default": system_mutation(
        _patch,
        table=v.STRING,
        ids=_IDS,
        fields=v.ANY,
        componentId=optional(v.STRING),
    ),
    "frontend/deleteDocuments:default": system_mutation(
        _delete,
        toDelete=v.Array(item=v.Object(fields=_OBJECT)),
        componentId=optional(v.STRING),
    ),
    "frontend/clearTablePage:default": system_mutation(
        _clear,
        tableName=v.STRING,
        cursor=optional(v.STRING),
        componentId=optional(v.STRING),
    ),
    "frontend/createTable:default": system_mutation(
        _create_table, table=v.STRING, componentId=optional(v.STRING)
    ),
}
"""By their paths without ``_system/``."""

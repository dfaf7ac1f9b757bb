"""System functions about stored files, as the dashboard shows and removes them.

Not here: their bytes, which are served over HTTP (the server's ``web/files.py``).
"""

from collections.abc import Mapping
from typing import Any

from livefile.functions.storage import StorageReader, StorageWriter
from livefile.model import validator as v
from livefile.model.id import Id
from livefile.system import stored_files
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    optional,
    system_mutation,
    system_query,
)
from livefile.system_functions.tables import documents_count, page_tree, wanted_page
from livefile.vocabulary.errors import InvalidStorageIdError

# Any: JSON trees.


def _page(request: SystemRequest) -> Any:
    wanted = request.args.get("filters") or {}
    query = request.query(stored_files.FILES)
    query = query.order("asc" if wanted.get("order") == "asc" else "desc")
    start_ms, end_ms = wanted.get("minCreationTime"), wanted.get("maxCreationTime")
    if start_ms is not None:
        query = query.filter(lambda found: bool(found["_creationTime"] >= start_ms))
    if end_ms is not None:
        query = query.filter(lambda found: bool(found["_creationTime"] <= end_ms))
    page = query.paginate(wanted_page(request))
    return page_tree(page.with_page([_tree(request, each) for each in page.page]))


def _file(request: SystemRequest) -> Any:
    try:
        found = stored_files.find_file(request.transaction, request.args["storageId"])
    except InvalidStorageIdError:
        return None
    if found is None:
        return None
    stored = request.transaction.get(str(found.id))
    return None if stored is None else _tree(request, stored)


def _count(request: SystemRequest) -> Any:
    table = request.transaction.catalog.tables[stored_files.FILES]
    return documents_count(request, table)


def _delete(request: SystemRequest) -> Any:
    for id in request.args["storageIds"]:
        stored_files.delete_file(request.transaction, id)


def _delete_one(request: SystemRequest) -> Any:
    stored_files.delete_file(request.transaction, request.args["storageId"])


def _upload_url(request: SystemRequest) -> Any:
    return StorageWriter(request.transaction, request.origins).generate_upload_url()


def _tree(request: SystemRequest, found: Mapping[str, Any]) -> dict[str, Any]:
    storage = StorageReader(request.transaction, request.origins)
    url = storage.get_url(Id(found["_id"]))
    return {**found, "storageId": found["_id"], "url": url or ""}


_FILTERS = v.Object(
    fields={
        "minCreationTime": optional(v.FLOAT64),
        "maxCreationTime": optional(v.FLOAT64),
        "order": optional(v.STRING),
    }
)

FILE_FUNCTIONS: dict[str, SystemFunction] = {
    "frontend/fileStorageV2:fileMetadata": system_query(
        _page,
        paginationOpts=v.PAGINATION_OPTIONS,
        filters=optional(_FILTERS),
        componentId=optional(v.STRING),
    ),
    "frontend/fileStorageV2:getFile": system_query(
        _file, storageId=v.STRING, componentId=optional(v.STRING)
    ),
    "frontend/fileStorageV2:numFiles": system_query(_count, componentId=optional(v.STRING)),
    "frontend/fileStorageV2:generateUploadUrl": system_mutation(
        _upload_url, componentId=optional(v.STRING)
    ),
    "frontend/fileStorageV2:deleteFile": system_mutation(
        _delete_one, storageId=v.STRING, componentId=optional(v.STRING)
    ),
    "frontend/fileStorageV2:deleteFiles": system_mutation(
        _delete, storageIds=v.Array(item=v.STRING), componentId=optional(v.STRING)
    ),
}
"""By their paths without ``_system/``."""

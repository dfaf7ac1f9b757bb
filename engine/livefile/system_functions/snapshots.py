"""System functions about imports and exports: how each that was asked for is going.

Not here: beginning one, which goes over HTTP.
"""

from typing import Any

from livefile.model import validator as v
from livefile.model.annotation import mark_integers
from livefile.system import snapshot_transfers
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    system_query,
)

# Any: JSON trees.


def _import(request: SystemRequest) -> Any:
    return mark_integers(
        snapshot_transfers.find_import(request.transaction, request.args["importId"])
    )


def _imports(request: SystemRequest) -> Any:
    found = snapshot_transfers.read_transfers(request.transaction, snapshot_transfers.IMPORTS)
    return [mark_integers(each) for each in found]


def _latest_export(request: SystemRequest) -> Any:
    found = snapshot_transfers.read_transfers(request.transaction, snapshot_transfers.EXPORTS)
    return mark_integers(found[0]) if found else None


SNAPSHOT_FUNCTIONS: dict[str, SystemFunction] = {
    "cli/queryImport:default": system_query(_import, importId=v.STRING),
    "cli/queryImport:list": system_query(_imports),
    "cli/exports:getLatest": system_query(_latest_export),
    "frontend/snapshotImport:list": system_query(_imports),
    "frontend/latestExport:default": system_query(_latest_export),
}
"""By their paths without ``_system/``."""

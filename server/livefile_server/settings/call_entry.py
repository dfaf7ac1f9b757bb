"""A call as JSON: in the protocol's log stream, in ``--log-format json``, in the CLI.

The names are those that Convex's tools read; ``retries`` and the counts of documents are ours.

Not here: how people see it (``dev/report.py``).
"""

from collections.abc import Mapping
from typing import Any

from livefile import CallProgress, CallRecord, FunctionKind

NS_PER_S = 1_000_000_000
_HTTP_ACTION = "HttpAction"


def progress_entry(progress: CallProgress) -> dict[str, Any]:  # Any: a JSON tree.
    """Return what an action has logged by now as the protocol's log entry."""
    component, _, path = progress.path.rpartition("|")
    return {
        "kind": "Progress",
        "udfType": _HTTP_ACTION if _is_route(path) else FunctionKind.ACTION.value,
        "identifier": path,
        "componentPath": component or None,
        "requestId": progress.request_id,
        "executionId": progress.request_id,
        "timestamp": progress.now_ns / NS_PER_S,
        "logLines": list(progress.log_lines),
    }


def call_entry(record: CallRecord) -> dict[str, Any]:  # Any: a JSON tree.
    """Return a call as the protocol's log entry. Times are seconds since 1970, or durations."""
    started_s = record.started_ns / NS_PER_S
    component, _, path = record.path.rpartition("|")
    duration_s = record.duration_ms / 1000
    return {
        "kind": "Completion",
        "udfType": _HTTP_ACTION if _is_http(record) else record.kind.value,
        "identifier": path,
        "componentPath": component or None,
        "requestId": record.request_id,
        "executionId": record.request_id,
        "parentExecutionId": None,
        "caller": None,
        "environment": "isolate",
        "timestamp": started_s + duration_s,
        "executionTimestamp": started_s,
        "executionTime": duration_s,
        "cachedResult": record.is_cached,
        "identityType": record.identity_kind.value,
        "logLines": list(record.log_lines),
        "error": record.error,
        "success": None if record.http_status is None else {"status": str(record.http_status)},
        "returnBytes": record.result_bytes,
        "usageStats": {
            "databaseReadDocuments": record.documents_read,
            "databaseReadBytes": record.bytes_read,
            "databaseWriteDocuments": record.documents_written,
            "databaseWriteBytes": record.bytes_written,
        },
        "retries": record.retries,
        "willRetry": False,
        "occInfo": None,
    }


def _is_http(record: CallRecord) -> bool:
    """Return whether a call is that of an HTTP action, whose path is ``GET /path``."""
    return record.kind is FunctionKind.ACTION and _is_route(record.path)


def _is_route(path: str) -> bool:
    return " /" in path


def call_record(entry: Mapping[str, Any]) -> CallRecord | CallProgress:
    """Return the call of an entry, as far as people are shown it."""
    component, identifier = entry["componentPath"], entry["identifier"]
    path = f"{component}|{identifier}" if component else identifier
    if entry["kind"] == "Progress":
        return CallProgress(
            path=path,
            request_id=entry["requestId"],
            now_ns=round(entry["timestamp"] * NS_PER_S),
            log_lines=tuple(entry["logLines"]),
        )
    udf_type = entry["udfType"]
    return CallRecord(
        path=path,
        kind=FunctionKind.ACTION if udf_type == _HTTP_ACTION else FunctionKind(udf_type),
        request_id=entry["requestId"],
        duration_ms=entry["executionTime"] * 1000,
        log_lines=tuple(entry["logLines"]),
        error=entry["error"],
        is_cached=entry["cachedResult"],
        started_ns=round(entry["executionTimestamp"] * NS_PER_S),
        documents_read=entry["usageStats"]["databaseReadDocuments"],
        documents_written=entry["usageStats"]["databaseWriteDocuments"],
        retries=entry["retries"],
    )

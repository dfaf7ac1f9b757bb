"""What pushed queries and mutations ask of the engine: the library's operations, by their names.

Not here: single documents (``document_calls.py``), queries (``query_reads.py``); those of actions
(``action_syscalls.py``).
"""

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import orjson

from livefile.functions.call import FunctionKind
from livefile.functions.context import MutationCtx, QueryCtx
from livefile.functions.definition import Function
from livefile.functions.runner import NestedCalls, wrong_kind
from livefile.functions.running import current_call
from livefile.javascript.action_files import digest_of
from livefile.javascript.document_calls import DocumentCalls
from livefile.javascript.environment_binding import variable_of
from livefile.javascript.function_handle import HandleKey
from livefile.javascript.pushed_code import ROOT, PushedCode
from livefile.javascript.query_reads import QueryReads
from livefile.javascript.references import component_of, resolve
from livefile.javascript.request_metadata import request_metadata
from livefile.javascript.signed_tokens import sign_token
from livefile.javascript.transaction_usage import check_usage, limited, metrics
from livefile.model.identity import ANONYMOUS
from livefile.model.value import Value
from livefile.model.value_json import from_wire, to_json
from livefile.system import scheduled_functions, stored_files
from livefile.vocabulary.errors import (
    JavaScriptError,
    PaginationError,
    StoredFileNotFoundError,
    TransactionLimitError,
)

_NULL = "null"

# Any: JSON.
Args = Mapping[str, Any]


class TransactionCalls:
    """Answers one run of one function of one component."""

    def __init__(self, ctx: QueryCtx, code: PushedCode, component: str) -> None:
        self._ctx = ctx
        self._code = code
        self._component = component
        self.function_name = ""
        """What runs, as its component calls it: ``lib:check``."""
        self._transaction = ctx.db._transaction  # Apps see the database only.
        running = current_call.get()
        assert running is not None  # Whatever runs in a transaction is a call.
        self._running = running
        self._documents = DocumentCalls(self._transaction, ctx.db._schema, component)
        physical, owns_job = self._documents.physical, self._documents.owns_job
        self._reads = QueryReads(self._transaction, physical, ctx.db._begin_page, owns_job)
        self._answers = self._of_queries()
        if isinstance(ctx, MutationCtx):
            self._answers |= self._of_mutations(ctx)

    def answer(self, op: str, args: Any) -> str:
        """Return the answer to one operation, as JSON.

        Raises:
            LivefileError: it cannot be done; the function hears of it.
        """
        answer = self._answers.get(op)
        if answer is None:
            raise JavaScriptError(f"Unknown async operation {op}")
        text = answer(args)
        check_usage(self._transaction, self._running)
        return text

    def _of_queries(self) -> dict[str, Callable[[Args], str]]:
        return {
            "1.0/get": self._documents.get,
            "1.0/db/normalizeId": self._documents.normalize_id,
            "livefile/queryRead": self._reads.read,
            "1.0/queryPage": self._page,
            "1.0/count": self._count,
            "1.0/runUdf": self._run_function,
            "1.0/getUserIdentity": self._identity,
            "1.0/storageGetUrl": self._file_url,
            "1.0/storageGetMetadata": self._file_metadata,
            "1.0/createFunctionHandle": self._handle,
            "1.0/getFunctionMetadata": self._function_metadata,
            "1.0/getDeploymentMetadata": self._deployment_metadata,
            "1.0/getTransactionMetrics": self._metrics,
            "1.0/getSnapshotTs": self._snapshot_ts,
            "livefile/variable": self._variable,
        }

    def _of_mutations(self, ctx: MutationCtx) -> dict[str, Callable[[Args], str]]:
        def schedule(args: Args) -> str:
            values = cast(dict[str, Value], from_wire(args["args"]))
            function = self._function(args)
            return _json(ctx.scheduler.run_values_at(args["ts"], function, values))

        def cancel(args: Args) -> str:
            scheduled_functions.cancel(self._transaction, args["id"])
            return _NULL

        def delete_file(args: Args) -> str:
            ctx.storage.delete(args["storageId"])
            return _NULL

        return {
            "1.0/insert": self._documents.insert,
            "1.0/shallowMerge": self._documents.patch,
            "1.0/replace": self._documents.replace,
            "1.0/remove": self._documents.remove,
            "1.0/schedule": schedule,
            "1.0/cancel_job": cancel,
            "1.0/storageGenerateUploadUrl": lambda args: _json(ctx.storage.generate_upload_url()),
            "1.0/storageDelete": delete_file,
            "1.0/signJwt": self._sign,
            "1.0/storageStore": partial(_store_file, ctx),
            "1.0/storageGet": partial(_read_file, ctx),
            "1.0/getRequestMetadata": self._request_metadata,
            "1.0/auditLog": lambda args: _NULL,
            "livefile/commitTs": lambda args: to_json(self._transaction.fix_commit_ts()).decode(),
        }

    def _page(self, args: Args) -> str:
        if self._component != ROOT:
            raise PaginationError(
                "PaginationInComponent", "paginate() is not supported in components"
            )
        return self._reads.page(args)

    def _count(self, args: Args) -> str:
        source = {"type": "FullTableScan", "tableName": args["table"], "order": None}
        return _json(float(self._reads.count({"source": source, "operators": []})))

    def _run_function(self, args: Args) -> str:
        kind = FunctionKind.MUTATION if args["udfType"] == "mutation" else FunctionKind.QUERY
        function = self._function(args)
        if function.kind is not kind:
            raise wrong_kind(self._path(args), kind.value, function)
        values = cast(dict[str, Value], from_wire(args["args"]))
        # Who is signed in is known to the app itself, and to no component.
        is_at_home = self._component == ROOT == component_of(self._path(args))
        calls = cast(NestedCalls, self._ctx._call)
        mark = self._transaction.writes.mark()
        try:
            with limited(self._transaction, self._running, args.get("transactionLimits")):
                result = calls.for_pushed(
                    function,
                    values,
                    None if is_at_home else ANONYMOUS,
                    is_stale=args["udfType"] == "snapshotQuery",
                )
        except TransactionLimitError:
            self._transaction.writes.roll_back(mark)  # Of a function that would not hear of it.
            raise
        return to_json(result).decode()

    def _function(self, args: Args) -> Function[..., Any]:
        app = self._ctx._services.app
        return app.find(self._path(args), is_internal_allowed=True)

    def _path(self, args: Args) -> str:
        return resolve(self._code, self._component, args, self._handle_key)

    @property
    def _handle_key(self) -> HandleKey:
        return HandleKey(self._transaction.snapshot.upload_secret())

    def _identity(self, args: Args) -> str:
        attributes = self._ctx.auth.get_user_identity()
        return _NULL if attributes is None else to_json(dict(attributes)).decode()

    def _file_url(self, args: Args) -> str:
        return _json(self._ctx.storage.get_url(args["storageId"]))

    def _file_metadata(self, args: Args) -> str:
        try:
            found = stored_files.find_file(self._transaction, args["storageId"])
        except StoredFileNotFoundError:
            return _NULL
        if found is None:
            return _NULL
        return _json(
            {
                "storageId": found.id,
                "sha256": base64.b64decode(found.sha256).hex(),
                "size": float(found.size),
                "contentType": found.content_type,
            }
        )

    def _handle(self, args: Args) -> str:
        return _json(self._handle_key.handle_of(self._path(args)))

    def _function_metadata(self, args: Args) -> str:
        return _json({"name": self.function_name, "componentPath": self._component})

    def _deployment_metadata(self, args: Args) -> str:
        return _json({"name": "livefile", "region": None, "class": "s16"})

    def _metrics(self, args: Args) -> str:
        return _json(metrics(self._transaction, self._running))

    def _snapshot_ts(self, args: Args) -> str:
        self._running.has_read_time = (
            True  # The result is cached as one that has asked for the time.
        )
        return to_json(self._transaction.snapshot.ts).decode()

    def _variable(self, args: Args) -> str:
        found = variable_of(self._code, self._component, args["name"], self._ctx.env.get)
        return _json(found)

    def _sign(self, args: Args) -> str:
        issuer = self._ctx._services.origins.cloud
        if self._component != ROOT:
            issuer += f"/components/{self._component}"
        claims, age_s = args.get("claims"), args.get("expiresInSeconds")
        return _json(sign_token(self._transaction, issuer, claims, age_s))

    def _request_metadata(self, args: Args) -> str:
        return request_metadata()


def _store_file(ctx: MutationCtx, args: Args) -> str:
    content, content_type = base64.b64decode(args["blob"]), args["contentType"] or None
    digest = digest_of(args.get("sha256"))
    return _json(ctx.storage.store(content, content_type=content_type, sha256=digest))


def _read_file(ctx: MutationCtx, args: Args) -> str:
    id = args["storageId"]
    content = ctx.storage.get(id)
    found = None if content is None else ctx.storage.get_metadata(id)
    if content is None or found is None:
        return _NULL
    return _json({"blob": base64.b64encode(content).decode(), "contentType": found.content_type})


def _json(tree: object) -> str:
    return orjson.dumps(tree).decode()

"""What pushed actions ask of the engine: the library's operations, by their names.

Not here: queries and mutations (``transaction_calls.py``); files (``action_files.py``); HTTP
(``http_action.py``).
"""

import base64
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast

import orjson

from livefile.functions.actions import NestedActionCalls
from livefile.functions.context import ActionCtx
from livefile.functions.definition import Function
from livefile.functions.runner import wrong_kind
from livefile.functions.vector_query import search_fast
from livefile.javascript.action_files import ActionFiles
from livefile.javascript.function_handle import HandleKey
from livefile.javascript.pushed_code import ROOT, PushedCode, table_prefix
from livefile.javascript.references import component_of, name_in_component, resolve
from livefile.javascript.request_metadata import request_metadata
from livefile.model.filter_expression import CONSTANT, Expression, field
from livefile.model.id import Id
from livefile.model.identity import ANONYMOUS
from livefile.model.index_key import MISSING
from livefile.model.value import Value
from livefile.model.value_json import from_wire, to_json
from livefile.model.vector_search import VectorSource
from livefile.system.stored_files import StoredFile
from livefile.vocabulary.errors import (
    ConvexError,
    FunctionError,
    JavaScriptConvexError,
    JavaScriptError,
    SearchError,
)
from livefile.vocabulary.limits import VECTOR_RESULTS

# Any: JSON.
Args = Mapping[str, Any]

Answer: TypeAlias = Callable[[Args], Awaitable[str]]
"""Answers one operation with JSON. It raises LivefileError; the function hears of it."""

_NULL = "null"
_HEAD_OF_TEXT = "[Request ID: "


class ActionCalls:
    """Answers one run of one action of one component. On the actions' event loop."""

    def __init__(self, ctx: ActionCtx, code: PushedCode, path: str, request_id: str) -> None:
        """Take what the action is given, all code, and the canonical path of what runs."""
        self._ctx = ctx
        self._code = code
        self._path = path
        self._component = component_of(path)
        self._request_id = request_id
        self._answers: dict[str, Answer] = {
            "1.0/actions/query": lambda args: self._run("Query", args),
            "1.0/actions/mutation": lambda args: self._run("Mutation", args),
            "1.0/actions/action": lambda args: self._run("Action", args),
            "1.0/actions/schedule": self._schedule,
            "1.0/actions/cancel_job": self._cancel,
            "1.0/actions/vectorSearch": self._search,
            "1.0/getUserIdentity": self._identity,
            "1.0/storageGetUrl": self._file_url,
            "1.0/storageGetMetadata": self._file_metadata,
            "1.0/storageGenerateUploadUrl": self._upload_url,
            "1.0/storageDelete": self._delete_file,
            "1.0/createFunctionHandle": self._handle,
            "1.0/getFunctionMetadata": self._function_metadata,
            "1.0/getDeploymentMetadata": self._deployment_metadata,
            "1.0/getRequestMetadata": self._request_metadata,
            "1.0/createServiceToken": self._refuse_service,
            "1.0/getServiceUrl": self._refuse_service,
            **ActionFiles(ctx).answers,
        }

    def add(self, answers: Mapping[str, Answer]) -> None:
        """Answer further operations."""
        self._answers.update(answers)

    async def answer(self, op: str, args: Any) -> str:
        """Return the answer to one operation, as JSON.

        Raises:
            LivefileError: it cannot be done; the function hears of it.
        """
        answer = self._answers.get(op)
        if answer is None:
            raise JavaScriptError(f"Unknown async operation {op}")
        return await answer(args)

    async def _run(self, kind: str, args: Args) -> str:
        path = await self._path_of(args)
        function = self._function(path)
        if function.kind.value != kind:
            raise wrong_kind(path, kind, function)
        values = cast(dict[str, Value], from_wire(args["args"]))
        # Who is signed in is known to the app itself, and to no component.
        is_at_home = self._component == ROOT == component_of(path)
        calls = cast(NestedActionCalls, self._ctx._call)  # Apps see the context's methods only.
        try:
            result = await calls.with_values(function, values, None if is_at_home else ANONYMOUS)
        except FunctionError as error:
            raise JavaScriptError(_own_text(str(error))) from error
        except ConvexError as error:
            if isinstance(error.__cause__, JavaScriptConvexError):
                raise error.__cause__ from None  # Which still has the text.
            raise
        return to_json(result).decode()

    def _function(self, path: str) -> Function[..., Any]:
        return self._ctx._services.app.find(path, is_internal_allowed=True)

    async def _path_of(self, args: Args) -> str:
        return resolve(self._code, self._component, args, self._handle_key)

    @property
    def _handle_key(self) -> HandleKey:
        system = self._ctx._system
        return HandleKey(system.read_at_once(lambda it: it.snapshot.upload_secret()))

    async def _schedule(self, args: Args) -> str:
        values = cast(dict[str, Value], from_wire(args["args"]))
        function = self._function(await self._path_of(args))
        return _json(await self._ctx.scheduler.run_values_at(args["ts"], function, values))

    async def _cancel(self, args: Args) -> str:
        await self._ctx.scheduler.cancel(args["id"])
        return _NULL

    async def _search(self, args: Args) -> str:
        query = args["query"]
        table, _, index = query["indexName"].partition(".")
        source: VectorSource[Any] = VectorSource(
            table=table_prefix(self._component) + table, index=index, annotations={}
        )
        found = await search_fast(
            self._ctx._system,
            source,
            cast(list[float], from_wire(query["vector"])),
            _whole(query.get("limit")),
            _filter(query.get("expressions")),
        )
        return _json({"results": [{"_id": each.id, "_score": each.score} for each in found]})

    async def _identity(self, args: Args) -> str:
        attributes = self._ctx.auth.get_user_identity()
        return _NULL if attributes is None else to_json(dict(attributes)).decode()

    async def _file_url(self, args: Args) -> str:
        return _json(await self._ctx.storage.get_url(_file_id(args)))

    async def _file_metadata(self, args: Args) -> str:
        found = await self._ctx.storage.get_metadata(_file_id(args))
        return _NULL if found is None else _json(file_tree(found))

    async def _upload_url(self, args: Args) -> str:
        return _json(await self._ctx.storage.generate_upload_url())

    async def _delete_file(self, args: Args) -> str:
        await self._ctx.storage.delete(_file_id(args))
        return _NULL

    async def _handle(self, args: Args) -> str:
        return _json(self._handle_key.handle_of(await self._path_of(args)))

    async def _function_metadata(self, args: Args) -> str:
        name = name_in_component(self._path)
        return _json({"name": name, "componentPath": self._component})

    async def _deployment_metadata(self, args: Args) -> str:
        return _json({"name": "livefile", "region": None, "class": "s16"})

    async def _request_metadata(self, args: Args) -> str:
        return request_metadata()

    async def _refuse_service(self, args: Args) -> str:
        raise JavaScriptError(
            f"the service {args.get('service')!r:.100} is one of Convex's cloud; this deployment "
            "has none"
        )


def file_tree(file: StoredFile) -> dict[str, object]:
    """Return what the library is told of a file."""
    return {
        "storageId": file.id,
        "sha256": base64.b64decode(file.sha256).hex(),
        "size": float(file.size),
        "contentType": file.content_type,
    }


def _file_id(args: Args) -> Id[StoredFile]:
    return cast(Id[StoredFile], args["storageId"])


def _whole(limit: object) -> Any:  # Any: what is no whole number is refused by the search.
    if limit is None:
        return VECTOR_RESULTS
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _filter(tree: object) -> Expression | None:
    """Return the filter of a vector search: equalities, one of which must hold."""
    match tree:
        case None:
            return None
        case {"$or": [_, *_]}:
            return Expression("or", tuple(_equalities(tree)))
        case _:
            return _equality(tree)


def _equalities(tree: object) -> Iterator[Expression]:
    match tree:
        case {"$or": [*parts]}:
            for part in parts:
                yield from _equalities(part)
        case _:
            yield _equality(tree)


def _equality(tree: object) -> Expression:
    match tree:
        case {"$eq": [{"$field": str(path)}, {"$literal": literal}]}:
            is_missing = literal == {"$undefined": None}
            content = MISSING if is_missing else from_wire(literal)
            return Expression("eq", (field(path), Expression(CONSTANT, content=content)))
        case _:
            raise SearchError(
                "InvalidVectorQuery",
                f"a vector search is filtered by q.eq(...) or q.or(...) of such, not {tree!r:.200}",
            )


def _own_text(message: str) -> str:
    """Return the text of a failed call without its first line, which is for its client."""
    return message.partition("\n")[2] if message.startswith(_HEAD_OF_TEXT) else message


def _json(tree: object) -> str:
    return orjson.dumps(tree).decode()

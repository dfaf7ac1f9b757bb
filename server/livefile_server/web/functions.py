"""The HTTP API for calling functions: one handler per route.

A function that raises is answered with status 200 and ``"status": "error"``; other statuses are
for requests that did not reach a function (``errors.py``).
"""

import asyncio
from collections.abc import Callable
from functools import partial

import orjson
from aiohttp import hdrs, web

from livefile import (
    Call,
    Failure,
    FunctionKind,
    Identity,
    Livefile,
    LivefileError,
    Outcome,
    errors,
    limits,
)
from livefile_server.auth.authenticate import Authenticator, check_admin_credentials
from livefile_server.auth.keys import AdminKeys
from livefile_server.sync.redaction import Redaction
from livefile_server.sync.timestamp import decode_timestamp, encode_timestamp
from livefile_server.web.function_request import (
    FunctionRequest,
    encode_outcome,
    json_response,
    make_call,
    parse_format,
    parse_request,
    read_body,
)
from livefile_server.web.mailbox import Mailbox
from livefile_server.web.routes import Routes

_RUN_PATH = "/api/run/"
_REQUEST_DURATION_S_MAX = limits.HTTP_REQUEST_DURATION_MS_MAX / 1000

_Answer = Outcome | LivefileError | list[Outcome]
# Hands a call to the engine, which calls back on one of its threads.
_Submit = Callable[[Callable[[_Answer], None]], None]


class FunctionApi:
    """The handlers. Their calls go to ``livefile``; its answers come through ``mailbox``."""

    def __init__(
        self,
        livefile: Livefile,
        keys: AdminKeys,
        authenticator: Authenticator,
        mailbox: Mailbox,
        redaction: Redaction,
    ) -> None:
        self._livefile = livefile
        self._redaction = redaction
        self._keys = keys
        self._authenticator = authenticator
        self._mailbox = mailbox

    def add_routes(self, routes: Routes) -> None:
        """Add the routes of the API to ``routes``."""
        routes.add_post("/api/query", self.post_query)
        routes.add_get("/api/query", self.get_query)
        routes.add_post("/api/mutation", self.post_mutation)
        routes.add_post("/api/action", self.post_action)
        routes.add_post("/api/function", self.post_function)
        routes.add_post("/api/query_ts", self.post_query_ts)
        routes.add_post("/api/query_at_ts", self.post_query_at_ts)
        routes.add_post("/api/query_batch", self.post_query_batch)
        routes.add_pattern(hdrs.METH_POST, f"{_RUN_PATH}.+", self.post_run)

    # --- Routes ---------------------------------------------------------------------------

    async def post_query(self, request: web.BaseRequest) -> web.Response:
        """Run a query."""
        return await self._post(request, FunctionKind.QUERY)

    async def post_mutation(self, request: web.BaseRequest) -> web.Response:
        """Run a mutation."""
        return await self._post(request, FunctionKind.MUTATION)

    async def post_action(self, request: web.BaseRequest) -> web.Response:
        """Run an action."""
        return await self._post(request, FunctionKind.ACTION)

    async def post_function(self, request: web.BaseRequest) -> web.Response:
        """Run a function of any kind, also an internal one; for admins only."""
        identity = await self._identify(request)
        if not identity.is_admin:
            raise errors.UnauthenticatedError(
                "BadAdminKey", "This route needs `Authorization: Convex <admin key>`"
            )
        parsed = parse_request(await read_body(request), request, identity)
        return await self._answer(parsed, None)

    async def get_query(self, request: web.BaseRequest) -> web.Response:
        """Run a query that is named by the address."""
        wanted = request.query
        admin_key = wanted.get("adminKey")
        if admin_key is not None and hdrs.AUTHORIZATION not in request.headers:
            identity = check_admin_credentials(admin_key, self._keys)
        else:
            identity = await self._identify(request)
        try:
            args = orjson.loads(wanted.get("args", "{}"))
        except orjson.JSONDecodeError as error:
            raise errors.BadRequestError("BadQueryArgs", f"args is not JSON: {error}") from error
        body: dict[str, object] = {"path": wanted.get("path"), "args": args}
        if "format" in wanted:
            body["format"] = wanted["format"]
        return await self._answer(parse_request(body, request, identity), FunctionKind.QUERY)

    async def post_query_ts(self, request: web.BaseRequest) -> web.Response:
        """Return the newest timestamp, for ``query_at_ts``. The body is not read."""
        return json_response(b'{"ts":"%b"}' % encode_timestamp(self._livefile.latest_ts).encode())

    async def post_query_at_ts(self, request: web.BaseRequest) -> web.Response:
        """Run a query on the state of a past timestamp."""
        identity = await self._identify(request)
        body = await read_body(request)
        ts = decode_timestamp(body.get("ts"))
        if ts > self._livefile.latest_ts:
            raise errors.BadRequestError("InvalidTimestamp", f"The timestamp {ts} is in the future")
        parsed = parse_request(body, request, identity)
        call = parsed.call
        if isinstance(call, Failure):
            outcome: Outcome = call
        else:
            outcome = await self._call(partial(self._livefile.submit_at, call, ts))
        return json_response(self._encoded(parsed, outcome))

    async def post_query_batch(self, request: web.BaseRequest) -> web.Response:
        """Run several queries on the same state."""
        identity = await self._identify(request)
        parts = (await read_body(request)).get("queries")
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise errors.BadRequestError("BadJsonBody", "queries must be a list of objects")
        if len(parts) > limits.HTTP_BATCH_QUERIES_MAX:
            raise errors.BadRequestError(
                "BadJsonBody", f"A batch may hold {limits.HTTP_BATCH_QUERIES_MAX} queries"
            )
        requests = [parse_request(part, request, identity) for part in parts]
        calls = [parsed.call for parsed in requests if isinstance(parsed.call, Call)]
        answer: object = []
        if calls:
            answer = await self._wait(partial(self._livefile.submit_batch, calls))
        assert isinstance(answer, list)
        outcomes = iter(answer)
        results = [
            self._encoded(
                parsed, parsed.call if isinstance(parsed.call, Failure) else next(outcomes)
            )
            for parsed in requests
        ]
        return json_response(b'{"results":[%b]}' % b",".join(results))

    async def post_run(self, request: web.BaseRequest) -> web.Response:
        """Run a function that the address names as ``folder/module/function``."""
        identity = await self._identify(request)
        module, slash, name = request.rel_url.path_safe.removeprefix(_RUN_PATH).rpartition("/")
        if not slash or not module or not name:
            raise errors.BadRequestError(
                "MissingIdentifier", "The address must be /api/run/<module>/<function>"
            )
        body = await read_body(request)
        # Whatever the client: this route is for tools without a client library.
        result_format = parse_format(body.get("format", "json"), request)
        call = make_call(f"{module}:{name}", body.get("args"), identity, request)
        return await self._answer(FunctionRequest(call=call, format=result_format), None)

    # --- The way to the engine and back ------------------------------------------------------

    async def _post(self, request: web.BaseRequest, kind: FunctionKind) -> web.Response:
        identity = await self._identify(request)
        parsed = parse_request(await read_body(request), request, identity)
        return await self._answer(parsed, kind)

    async def _answer(self, parsed: FunctionRequest, kind: FunctionKind | None) -> web.Response:
        call = parsed.call
        if isinstance(call, Failure):
            outcome: Outcome = call
        else:
            outcome = await self._call(partial(self._livefile.submit, call, kind))
        return json_response(self._encoded(parsed, outcome))

    def _encoded(self, parsed: FunctionRequest, outcome: Outcome) -> bytes:
        """Return what the caller may see of an outcome; an admin, who may read the log, all."""
        call = parsed.call
        if not (isinstance(call, Call) and call.identity.is_admin):
            outcome = self._redaction.outcome(outcome)
        return encode_outcome(outcome, parsed.format)

    async def _identify(self, request: web.BaseRequest) -> Identity:
        return await self._authenticator.identify(request.headers.get(hdrs.AUTHORIZATION))

    async def _call(self, submit: _Submit) -> Outcome:
        answer = await self._wait(submit)
        assert not isinstance(answer, list)
        return answer

    async def _wait(self, submit: _Submit) -> Outcome | list[Outcome]:
        loop = self._mailbox.loop
        future: asyncio.Future[_Answer | None] = loop.create_future()
        submit(partial(self._mailbox.post, _resolve, future))
        if future.done():  # The answer was in the cache.
            answer = future.result()
        else:
            # A timer instead of ``asyncio.timeout``: it costs a fraction.
            timer = loop.call_later(_REQUEST_DURATION_S_MAX, _resolve, future, None)
            try:
                answer = await future
            finally:
                timer.cancel()
        if answer is None:
            raise errors.ClosedError(
                f"The request took longer than {_REQUEST_DURATION_S_MAX:.0f} s"
            )
        if isinstance(answer, LivefileError):
            raise answer
        return answer


def _resolve(future: asyncio.Future[_Answer | None], answer: _Answer | None) -> None:
    if not future.done():  # The client may have gone, or waited too long.
        future.set_result(answer)

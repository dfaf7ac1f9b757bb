"""A server that does the work of the app under test with as little as possible.

Bare aiohttp on uvloop and plain SQL on the loop's own thread. Requests that wait share one
durable commit; a stored document is a row with typed columns. There are no functions, no
validation, no commit log, no answers kept for a client that comes back, and no live queries:
``/watch`` is a socket that gets one and the same frame after every write.

Not here: what starts and loads it (``floor.py``).
"""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apsw
import orjson
import uvloop
from aiohttp import WSMsgType, web

from benchmarks.workload import ACCOUNTS_COUNT

_TABLES = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, balance REAL NOT NULL);
CREATE TABLE readings (id INTEGER PRIMARY KEY, place REAL NOT NULL, amount REAL NOT NULL);
CREATE INDEX by_place ON readings (place);
"""
_READ = "SELECT id, name, balance FROM accounts WHERE name = ?"
_WRITE = "UPDATE accounts SET balance = ? WHERE id = ?"
_TAKE = "SELECT id, name, balance FROM accounts WHERE name >= ? ORDER BY name LIMIT 10"
_INSERT = "INSERT INTO readings (place, amount) VALUES (?, ?)"
# As long as the transition that a subscriber of Livefile gets; ``amount`` is what tells them apart.
_PUSH = b'{"type":"Transition","modifications":[{"amount":%d.0}],"padding":"' + b"x" * 330 + b'"}'

Args = Mapping[str, Any]


class FloorServer:
    """The file, the requests that wait for the next commit, and those who watch."""

    def __init__(self, path: str) -> None:
        """Make the file and its accounts."""
        self._waiting: list[tuple[Callable[[Args], None], Args, asyncio.Future[None]]] = []
        self._watching: set[asyncio.Transport] = set()
        self._execute = (connection := apsw.Connection(path)).execute
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        with connection:
            connection.execute(_TABLES)
            connection.executemany(
                "INSERT INTO accounts (name, balance) VALUES (?, 1000.0)",
                [(f"account-{number}",) for number in range(ACCOUNTS_COUNT)],
            )

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add all routes."""
        router.add_get("/version", self._answer_version)
        router.add_post("/read", self._read)
        router.add_post("/take", self._take)
        router.add_post("/put", self._put)
        router.add_get("/watch", self._watch)
        for name, work in (("transfer", self._transfer), ("insert", self._insert)):
            router.add_post(f"/{name}", self._http(work))
            router.add_get(f"/{name}", self._websocket(work))

    # --- Work -----------------------------------------------------------------------------

    def _transfer(self, args: Args) -> None:
        for name, amount in ((args["source"], -args["amount"]), (args["target"], args["amount"])):
            id, _, balance = self._execute(_READ, (name,)).get
            self._execute(_WRITE, (balance + amount, id))

    def _insert(self, args: Args) -> None:
        self._execute(_INSERT, (args["place"], args["amount"]))

    def _submit(self, work: Callable[[Args], None], args: Args) -> asyncio.Future[None]:
        """Let ``work`` be part of the next commit; the future is done when that is durable."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._run_group)
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((work, args, future))
        return future

    def _run_group(self) -> None:
        group, self._waiting = self._waiting, []
        self._execute("BEGIN IMMEDIATE")
        for work, args, _ in group:
            work(args)
        self._execute("COMMIT")
        for _, _, future in group:
            if not future.done():  # Its client may have gone.
                future.set_result(None)

    # --- Routes ---------------------------------------------------------------------------

    async def _answer_version(self, request: web.Request) -> web.Response:
        return web.Response(text="floor")

    async def _read(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        row = self._execute(_READ, (body["args"][0]["name"],)).get
        return _json({"status": "success", "value": _document(row)})

    async def _take(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        rows = self._execute(_TAKE, (body["args"][0]["start"],))
        return _json({"status": "success", "value": [_document(row) for row in rows]})

    async def _put(self, request: web.Request) -> web.Response:
        args = orjson.loads(await request.read())["args"][0]
        await self._submit(self._insert, args)
        text = _PUSH % args["amount"]
        frame = b"\x81\x7e" + len(text).to_bytes(2) + text
        for transport in self._watching:
            transport.write(frame)
        return _json({"status": "success"})

    async def _watch(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        self._watching.add(transport)
        await socket.receive()  # Nothing comes but the end.
        self._watching.discard(transport)
        return socket

    def _http(self, work: Callable[[Args], None]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            body = orjson.loads(await request.read())
            await self._submit(work, body["args"][0])
            return _json({"status": "success"})

        return handle

    def _websocket(self, work: Callable[[Args], None]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(compress=False)
            await socket.prepare(request)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    body = orjson.loads(message.data)
                    await self._submit(work, body["args"][0])
                    await socket.send_str('{"status":"success"}')
            return socket

        return handle


def _document(row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(("_id", "name", "balance"), row, strict=True))


def _json(body: object) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")


async def _serve(path: str, port: int) -> None:
    app = web.Application()
    FloorServer(path).add_routes(app.router)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(sys.argv[1], int(sys.argv[2])))

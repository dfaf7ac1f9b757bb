"""The least that a server on aiohttp can do: answer with what it was sent.

``POST /echo`` decodes and encodes JSON, ``GET /socket`` is a websocket. What these cost, a
server on the same library cannot avoid. Not here: measuring it (``floors.py``).
"""

import asyncio
import sys

import orjson
import uvloop
from aiohttp import WSMsgType, web


async def _echo(request: web.Request) -> web.Response:
    body = orjson.loads(await request.read())
    return web.Response(body=orjson.dumps(body), content_type="application/json")


async def _socket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


async def _version(request: web.Request) -> web.Response:
    return web.Response(text="echo")


async def _serve(port: int) -> None:
    app = web.Application()
    app.router.add_post("/echo", _echo)
    app.router.add_get("/socket", _socket)
    app.router.add_get("/version", _version)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))

"""The echo that `npx convex network-test` measures with: what comes is sent back.

It goes through piece by piece and is kept nowhere, so its size does not matter.
"""

import asyncio

from aiohttp import hdrs, web

from livefile import limits
from livefile_server.web.files import body_pieces

_WAIT_S_MAX = limits.FILE_PIECE_WAIT_MS_MAX / 1000


async def post_echo(request: web.BaseRequest) -> web.StreamResponse:
    """Send the body back."""
    # Never as what it says it is: a page of this address may not be made of what somebody sends.
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/octet-stream"})
    await response.prepare(request)
    async for piece in body_pieces(request):
        async with asyncio.timeout(_WAIT_S_MAX):
            await response.write(piece)
    await response.write_eof()
    return response

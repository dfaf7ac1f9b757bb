"""Stored files over HTTP: uploads with a token, downloads by an address that nobody can guess.

Bytes go through piece by piece in both directions: a large file costs no more memory than a small
one, and a slow client holds nothing but its own connection.

Not here: headers (``file_headers.py``); how files are kept (the engine).
"""

import asyncio
from collections.abc import AsyncIterator

import orjson
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from livefile import FileContent, Livefile, LivefileError, errors, limits
from livefile_server.web.errors import error_text_response
from livefile_server.web.file_headers import (
    content_range,
    decode_digest,
    encode_digest,
    safe_headers,
    wanted_range,
)
from livefile_server.web.function_request import json_response
from livefile_server.web.middleware import allow_origin
from livefile_server.web.routes import Routes

_PATH = "/api/storage/"
_WAIT_S_MAX = limits.FILE_PIECE_WAIT_MS_MAX / 1000


class FileApi:
    """The routes."""

    def __init__(self, livefile: Livefile) -> None:
        self._files = livefile.files
        self._uploads_count = 0

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        routes.add_post(f"{_PATH}upload", self.post)
        routes.add_pattern(hdrs.METH_GET, f"{_PATH}.*", self.get)

    async def post(self, request: web.BaseRequest) -> web.Response:
        """Store the body as a file and return its id."""
        if self._uploads_count >= limits.UPLOADS_RUNNING_MAX:
            raise errors.OverloadedError(
                "TooManyConcurrentUploads",
                f"{limits.UPLOADS_RUNNING_MAX} uploads are running",
            )
        self._uploads_count += 1
        try:
            storage_id = await self._store(request)
        finally:
            self._uploads_count -= 1
        return json_response(orjson.dumps({"storageId": storage_id}))

    async def get(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send a file, or a part of it."""
        name = request.rel_url.path_safe.removeprefix(_PATH)
        try:
            content = await asyncio.to_thread(self._files.find_by_uuid, name.lower())
        except errors.InvalidStorageIdError as error:
            raise errors.BadRequestError(
                "InvalidStoragePath", f"Want {_PATH}<UUID>, not {request.path!r:.100}"
            ) from error
        if content is None:
            return error_text_response(404, "FileNotFound", f"There is no file {name}")
        try:
            part = wanted_range(request.headers.get(hdrs.RANGE), content.size_bytes)
        except web.HTTPRequestRangeNotSatisfiable as refusal:
            return web.Response(status=refusal.status, headers=refusal.headers, body=b"")
        response = web.StreamResponse(
            status=200 if part is None else 206, headers=safe_headers(content.content_type)
        )
        if part is None:
            part = range(content.size_bytes)
            response.headers["Digest"] = encode_digest(content.sha256)
        else:
            response.headers[hdrs.CONTENT_RANGE] = content_range(part, content.size_bytes)
        response.content_length = len(part)
        allow_origin(request, response)
        await response.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await self._send(request, response, content, part)
        return response

    async def _store(self, request: web.BaseRequest) -> str:
        headers = request.headers
        token = request.query.get("token", "")
        await asyncio.to_thread(self._files.check_upload_token, token)
        if headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower() != "identity":
            raise errors.BadRequestError(
                "BadHeader", "A file is uploaded as it is: without Content-Encoding"
            )
        self._files.check_size(request.content_length or 0)
        sha256 = decode_digest(headers.get("Digest"))
        content_type = headers.get(hdrs.CONTENT_TYPE, "").strip() or None
        try:
            self._files.check_content_type(content_type)
        except errors.InvalidValueError as error:
            raise errors.BadRequestError("BadHeader", f"Content-Type: {error}") from error
        return await self._files.store(body_pieces(request), content_type, sha256)

    async def _send(
        self,
        request: web.BaseRequest,
        response: web.StreamResponse,
        content: FileContent,
        part: range,
    ) -> None:
        """Send the bytes of a part. If that cannot go on, the connection ends before they do."""
        position = part.start
        try:
            while position < part.stop:
                piece = await asyncio.to_thread(self._files.read, content, position, part.stop)
                position += len(piece)
                async with asyncio.timeout(_WAIT_S_MAX):
                    await response.write(piece)
        except (LivefileError, TimeoutError) as error:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionAbortedError(f"{request.path}: {error}") from error


async def body_pieces(request: web.BaseRequest) -> AsyncIterator[bytes]:
    """Yield the body as it comes.

    Raises:
        BadRequestError: it does not come, or is not encoded as HTTP has it.
    """
    while True:
        try:
            async with asyncio.timeout(_WAIT_S_MAX):
                piece = await request.content.readany()
        except TimeoutError as error:
            raise errors.BadRequestError(
                "BadBody", f"The next bytes of the file did not arrive within {_WAIT_S_MAX:.0f} s"
            ) from error
        except HttpProcessingError as error:
            raise errors.BadRequestError("BadBody", f"The body is broken: {error}") from error
        if not piece:
            return
        yield piece

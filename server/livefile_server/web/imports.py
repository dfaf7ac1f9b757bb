"""Imports over HTTP, as `npx convex import` makes them: a file in parts, then its documents.

How an import goes is told by the query ``_system/cli/queryImport``; it waits to be confirmed.

Not here: the import itself (the engine's ``transfers``); `livefile import` (``upkeep.py``).
"""

import asyncio
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeVar

import orjson
from aiohttp import web

from livefile import ImportFormat, ImportMode, Livefile, errors, limits
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.admin import require_admin
from livefile_server.web.files import body_pieces
from livefile_server.web.function_request import json_response, read_body
from livefile_server.web.routes import Routes

Choice = TypeVar("Choice", bound=Enum)


@dataclass(slots=True)
class _Upload:
    """A file that comes in parts. ``parts`` are files by what their tokens say."""

    parts: dict[str, Path] = field(default_factory=dict)


class ImportApi:
    """The routes."""

    def __init__(self, livefile: Livefile, keys: AdminKeys) -> None:
        self._transfers = livefile.transfers
        self._keys = keys
        self._uploads: dict[str, _Upload] = {}  # The oldest first.

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        routes.add_post("/api/import/start_upload", self.post_start)
        routes.add_post("/api/import/upload_part", self.post_part)
        routes.add_post("/api/import/finish_upload", self.post_finish)
        routes.add_post("/api/perform_import", self.post_perform)
        routes.add_post("/api/cancel_import", self.post_cancel)

    async def post_start(self, request: web.BaseRequest) -> web.Response:
        """Return the token of a new upload. The oldest makes room if there are too many."""
        require_admin(request, self._keys)
        while len(self._uploads) >= limits.IMPORTS_WAITING_MAX:
            oldest = self._uploads.pop(next(iter(self._uploads)))
            await asyncio.to_thread(_remove, oldest)
        token = secrets.token_urlsafe(24)
        self._uploads[token] = _Upload()
        return json_response(orjson.dumps({"uploadToken": token}))

    async def post_part(self, request: web.BaseRequest) -> web.Response:
        """Keep the body as one part, and return the token that stands for it."""
        require_admin(request, self._keys)
        token = request.query.get("uploadToken", "")
        upload = self._find(token)
        number = _part_number(request.query.get("partNumber", ""))
        part_token = f"{number}-{secrets.token_hex(8)}"
        path = self._transfers.folder / f"{token}.{part_token}"
        try:
            await _write(request, path)
        except BaseException:  # Half a part is of no use, whatever became of the other half.
            path.unlink(missing_ok=True)
            raise
        upload.parts[part_token] = path
        return json_response(orjson.dumps(part_token))

    async def post_finish(self, request: web.BaseRequest) -> web.Response:
        """Put the parts together, and return the id of the import that they are."""
        require_admin(request, self._keys)
        body = await read_body(request)
        token = _text(body, "uploadToken")
        upload = self._find(token)
        names = body.get("partTokens")
        if (
            not isinstance(names, list)
            or not all(isinstance(name, str) and name in upload.parts for name in names)
            or len({*names}) < len(names)
        ):
            raise errors.BadRequestError(
                "BadPartTokens",
                "partTokens must be the answers to the parts of this upload, each once",
            )
        wanted = body.get("import")
        if not isinstance(wanted, dict):
            raise errors.BadRequestError("BadJsonBody", "import must be an object")
        table = _table_of(wanted)
        format = _choice(wanted, "format", ImportFormat)
        mode = _choice(wanted, "mode", ImportMode)
        if (table is None) is not (format is ImportFormat.ZIP):
            raise errors.BadRequestError(
                "BadImport", "tableName is wanted for every format but zip, which names its tables"
            )
        del self._uploads[token]
        path = self._transfers.folder / f"{token}.{format.value}"
        parts = [upload.parts[name] for name in names]
        await asyncio.to_thread(_join, parts, path)
        import_id = await asyncio.to_thread(self._transfers.begin_import, path, table, mode, format)
        return json_response(orjson.dumps({"importId": import_id}))

    async def post_perform(self, request: web.BaseRequest) -> web.Response:
        """Begin an import that waits to be confirmed."""
        require_admin(request, self._keys)
        import_id = _text(await read_body(request), "importId")
        await asyncio.to_thread(self._transfers.perform_import, import_id)
        return json_response(b"null")

    async def post_cancel(self, request: web.BaseRequest) -> web.Response:
        """Forget an import that waits to be confirmed."""
        require_admin(request, self._keys)
        import_id = _text(await read_body(request), "importId")
        await asyncio.to_thread(self._transfers.cancel_import, import_id)
        return json_response(b"null")

    def _find(self, token: str) -> _Upload:
        upload = self._uploads.get(token)
        if upload is None:
            raise errors.BadRequestError(
                "UploadNotFound", "uploadToken is that of no upload under way; begin a new one"
            )
        return upload


async def _write(request: web.BaseRequest, path: Path) -> None:
    """Write the body of a request into a file.

    Raises:
        BadRequestError: it does not come, or there is too much of it.
    """
    size_bytes = 0
    with path.open("wb") as file:
        async for piece in body_pieces(request):
            size_bytes += len(piece)
            if size_bytes > limits.IMPORT_PART_SIZE_BYTES_MAX:
                raise errors.BadRequestError(
                    "ImportPartTooLarge",
                    f"a part may have {limits.IMPORT_PART_SIZE_BYTES_MAX} bytes",
                )
            await asyncio.to_thread(file.write, piece)


def _join(parts: list[Path], target: Path) -> None:
    """Put parts together. Each is removed as soon as it is copied."""
    with target.open("wb") as file:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, file)
            part.unlink()


def _remove(upload: _Upload) -> None:
    for path in upload.parts.values():
        path.unlink(missing_ok=True)


def _part_number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= limits.IMPORT_PARTS_MAX:
        raise errors.BadRequestError(
            "BadPartNumber",
            f"partNumber must be from 1 to {limits.IMPORT_PARTS_MAX}, not {text!r:.100}",
        )
    return number


def _table_of(wanted: Mapping[str, object]) -> str | None:
    """Return the name by which the file has the table, None if the import names none."""
    table, component = wanted.get("tableName"), wanted.get("componentPath")
    for name, item in (("tableName", table), ("componentPath", component)):
        if item is not None and not isinstance(item, str):
            raise errors.BadRequestError("BadJsonBody", f"{name} must be a string or null")
    if table is None and component:
        raise errors.BadRequestError(
            "BadImport", "a zip file is for the whole deployment; leave componentPath out"
        )
    return f"{component}/{table}" if component else table  # type: ignore[return-value]  # A text.


def _choice(wanted: Mapping[str, object], name: str, kind: type[Choice]) -> Choice:
    text = wanted.get(name)
    for choice in kind:
        if choice.value == text:
            return choice
    known = ", ".join(choice.value for choice in kind)
    raise errors.BadRequestError("BadImport", f"{name} must be one of {known}, not {text!r:.100}")


def _text(body: Mapping[str, object], name: str) -> str:
    text = body.get(name)
    if not isinstance(text, str):
        raise errors.BadRequestError("BadJsonBody", f"{name} must be a string, not {text!r:.100}")
    return text

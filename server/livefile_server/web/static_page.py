"""The files of a built web page, served beside the API.

A name is served only if, with every link followed, it is a regular file under the root. A path
that names no file is answered with ``index.html``, so that the page's own router can take it.
"""

from pathlib import Path

from aiohttp import hdrs, web

from livefile_server.web.routes import Routes

_INDEX = "index.html"
# Not from the ``mimetypes`` module: that one depends on the machine, and a script of the wrong
# type does not run.
_CONTENT_TYPES = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".otf": "font/otf",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}


class StaticPage:
    """The files under ``root``, which is looked at again for each request."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def add_routes(self, routes: Routes) -> None:
        """Take every path that no route before this one took."""
        routes.add_pattern(hdrs.METH_GET, "/.*", self.get)

    async def get(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one file."""
        path = request.rel_url.path_safe.removeprefix("/")
        file = self.find(path)
        if file is None:
            # What looks like a file, or like an attempt to leave the root, is no page.
            if path.startswith("api/") or "." in path or "\\" in path:
                raise web.HTTPNotFound
            file = self.find(_INDEX)
            if file is None:
                raise web.HTTPNotFound(text=f"There is no {_INDEX} in the web folder")
        response = web.FileResponse(file)
        response.headers[hdrs.CONTENT_TYPE] = _CONTENT_TYPES.get(
            file.suffix.lower(), "application/octet-stream"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        # Files under assets/ have a hash of their content in their names.
        is_hashed = file.relative_to(self._root).parts[0] == "assets"
        response.headers[hdrs.CACHE_CONTROL] = (
            "public, max-age=31536000, immutable" if is_hashed else "no-cache"
        )
        return response

    def find(self, path: str) -> Path | None:
        """Return the file that the decoded ``path`` of an address names, or None."""
        parts = (path or _INDEX).split("/")
        if any(part in ("", ".", "..") or not part.isprintable() or "\\" in part for part in parts):
            return None
        try:
            file = self._root.joinpath(*parts).resolve()
            is_served = file.is_relative_to(self._root) and file.is_file()
        except (OSError, RuntimeError, ValueError):  # A name too long, a loop of links.
            return None
        return file if is_served else None

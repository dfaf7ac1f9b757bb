"""Which handler answers which address.

The server is one function of a request on aiohttp's low-level server, and this is its table. An
``Application`` of aiohttp costs a sixth of a small request more, for what is not needed here:
names of routes, signals, applications inside applications.

Not here: what happens around every handler (``middleware.py``).
"""

import re
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Routes:
    """Handlers by method, and by path or by a pattern of paths.

    A path goes before every pattern, and an earlier pattern before a later one. Paths are decoded,
    but for ``%2F`` and ``%25``. Whoever answers GET answers HEAD: the body is left out later.
    """

    def __init__(self) -> None:
        self._paths: dict[tuple[str, str], Handler] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Handler]] = []
        self._below: list[tuple[str, Handler]] = []

    def add_get(self, path: str, handler: Handler) -> None:
        """Answer GET of exactly this path."""
        self._paths[hdrs.METH_GET, path] = handler

    def add_post(self, path: str, handler: Handler) -> None:
        """Answer POST of exactly this path."""
        self._paths[hdrs.METH_POST, path] = handler

    def add_pattern(self, method: str, pattern: str, handler: Handler) -> None:
        """Answer ``method`` of all paths that the whole regular expression ``pattern`` matches."""
        self._patterns.append((method, re.compile(pattern), handler))

    def add_below(self, prefix: str, handler: Handler) -> None:
        """Answer every method of every path that begins with ``prefix``; goes before patterns."""
        self._below.append((prefix, handler))

    def find(self, request: web.BaseRequest) -> Handler:
        """Return who answers ``request``.

        Raises:
            HTTPNotFound: nobody answers anything at this address.
            HTTPMethodNotAllowed: other methods are answered there.
        """
        path = request.rel_url.path_safe
        handler = self._paths.get((request.method, path))
        return self._find_rarer(request.method, path) if handler is None else handler

    def _find_rarer(self, method: str, path: str) -> Handler:
        for prefix, handler in self._below:
            if path.startswith(prefix):
                return handler
        wanted = hdrs.METH_GET if method == hdrs.METH_HEAD else method
        found = {each: it for (each, its_path), it in self._paths.items() if its_path == path}
        for each, pattern, handler in self._patterns:
            if pattern.fullmatch(path) is not None:
                found.setdefault(each, handler)
        if wanted in found:
            return found[wanted]
        if not found:
            raise web.HTTPNotFound
        if hdrs.METH_GET in found:
            found.setdefault(hdrs.METH_HEAD, found[hdrs.METH_GET])
        raise web.HTTPMethodNotAllowed(method, sorted(found))

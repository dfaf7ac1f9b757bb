"""``HttpRouter``: which HTTP action of an app answers which request.

An app has at most one, by convention in its module ``http``. The rules for paths are the
protocol's: an exact path goes before a prefix, a longer prefix before a shorter one, and the
method takes part in both look-ups.

Not here: requests and responses (``http_message.py``); the context of an action
(``http_context.py``); running one (``http_actions.py``).
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from livefile.functions.http_message import Request, Response
from livefile.vocabulary.errors import DefinitionError

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
_RESERVED = "/.files"  # The protocol keeps these paths for files.


if TYPE_CHECKING:  # The app is part of a context, and a router is part of the app.
    from livefile.functions.http_context import HttpActionCtx

    HttpHandler = Callable[[HttpActionCtx, Request], Awaitable[Response]]

Handler = TypeVar("Handler", bound="HttpHandler")


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One action and what it answers. ``path`` is exact, or a prefix that ends in ``/``."""

    method: str
    path: str
    is_prefix: bool
    handler: "HttpHandler"

    @property
    def name(self) -> str:
        """The route as it is shown in logs."""
        return f"{self.method} {self.path}{'*' if self.is_prefix else ''}"


class HttpRouter:
    """The HTTP actions of an app, by method and path.

    Each method takes the path as it is, or ``prefix=`` for all paths below one.
    """

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], HttpRoute] = {}
        self._prefixes: dict[tuple[str, str], HttpRoute] = {}

    def get(
        self, path: str | None = None, /, *, prefix: str | None = None
    ) -> Callable[[Handler], Handler]:
        """Answer GET, and HEAD without the body."""
        return self.route(path, prefix=prefix, methods=["GET"])

    def post(
        self, path: str | None = None, /, *, prefix: str | None = None
    ) -> Callable[[Handler], Handler]:
        """Answer POST."""
        return self.route(path, prefix=prefix, methods=["POST"])

    def put(
        self, path: str | None = None, /, *, prefix: str | None = None
    ) -> Callable[[Handler], Handler]:
        """Answer PUT."""
        return self.route(path, prefix=prefix, methods=["PUT"])

    def patch(
        self, path: str | None = None, /, *, prefix: str | None = None
    ) -> Callable[[Handler], Handler]:
        """Answer PATCH."""
        return self.route(path, prefix=prefix, methods=["PATCH"])

    def delete(
        self, path: str | None = None, /, *, prefix: str | None = None
    ) -> Callable[[Handler], Handler]:
        """Answer DELETE."""
        return self.route(path, prefix=prefix, methods=["DELETE"])

    def options(
        self, path: str | None = None, /, *, prefix: str | None = None
    ) -> Callable[[Handler], Handler]:
        """Answer OPTIONS, for example a browser's question before a request."""
        return self.route(path, prefix=prefix, methods=["OPTIONS"])

    def route(
        self,
        path: str | None = None,
        /,
        *,
        prefix: str | None = None,
        methods: Sequence[str],
    ) -> Callable[[Handler], Handler]:
        """Answer several methods by one action.

        Raises:
            DefinitionError: a path, a prefix or a method that no route has, or a route that is
                there already.
        """

        def add(handler: Handler) -> Handler:
            name = getattr(handler, "__name__", repr(handler))
            _check_handler(name, handler)
            checked = _check_path(name, path, prefix)
            if isinstance(methods, str) or not methods:
                raise DefinitionError(
                    f"HTTP action {name}: methods must be a list such as ['GET'], not {methods!r}"
                )
            for method in methods:
                self._add(name, method, checked, prefix is not None, handler)
            return handler

        return add

    def find(self, method: str, path: str) -> HttpRoute | None:
        """Return what answers ``method`` of the decoded ``path``, or None.

        HEAD is answered by what answers GET. O(length of the path).
        """
        wanted = "GET" if method == "HEAD" else method
        exact = self._exact.get((wanted, path))
        if exact is not None or not self._prefixes:
            return exact
        end = path.rfind("/") + 1
        while end:
            found = self._prefixes.get((wanted, path[:end]))
            if found is not None:
                return found
            end = path.rfind("/", 0, end - 1) + 1
        return None

    @property
    def routes(self) -> tuple[HttpRoute, ...]:
        """All routes, in the order of their definition, exact ones first."""
        return (*self._exact.values(), *self._prefixes.values())

    def _add(
        self, name: str, method: str, path: str, is_prefix: bool, handler: "HttpHandler"
    ) -> None:
        if method not in METHODS:
            hint = "; HEAD is answered by GET" if method == "HEAD" else ""
            raise DefinitionError(
                f"HTTP action {name}: the method must be one of {', '.join(METHODS)}, not "
                f"{method!r}{hint}"
            )
        route = HttpRoute(method=method, path=path, is_prefix=is_prefix, handler=handler)
        routes = self._prefixes if is_prefix else self._exact
        if routes.setdefault((method, path), route) is not route:
            raise DefinitionError(f"HTTP action {name}: {route.name} is answered already")


def _check_handler(name: str, handler: "HttpHandler") -> None:
    if not inspect.iscoroutinefunction(handler):
        raise DefinitionError(f"HTTP action {name}: write async def")
    try:
        inspect.signature(handler).bind("ctx", "request")
    except TypeError as error:
        raise DefinitionError(
            f"HTTP action {name}: its parameters must be (ctx, request): {error}"
        ) from error


def _check_path(name: str, path: str | None, prefix: str | None) -> str:
    if (path is None) == (prefix is None):
        raise DefinitionError(f"HTTP action {name}: give it a path or a prefix, one of the two")
    given = path if path is not None else prefix
    what = "path" if path is not None else "prefix"
    if not isinstance(given, str) or not given.startswith("/"):
        raise DefinitionError(f"HTTP action {name}: its {what} must begin with '/', not {given!r}")
    if prefix is not None and not given.endswith("/"):
        raise DefinitionError(f"HTTP action {name}: its prefix must end in '/', not {given!r}")
    if given == _RESERVED or given.startswith(f"{_RESERVED}/"):
        raise DefinitionError(
            f"HTTP action {name}: paths below {_RESERVED} are reserved, so {given!r} is not free"
        )
    return given


def router_of(modules: Mapping[str, ModuleType]) -> HttpRouter | None:
    """Return the one router in an app's modules, None if there is none.

    Raises:
        DefinitionError: there are two.
    """
    found: dict[int, tuple[HttpRouter, str]] = {}
    for module_name, module in modules.items():
        for name, thing in vars(module).items():
            if isinstance(thing, HttpRouter):
                found.setdefault(id(thing), (thing, f"{module_name}.{name}"))
    if len(found) > 1:
        places = " and ".join(place for _, place in found.values())
        raise DefinitionError(
            f"an app has one HttpRouter, by convention in http.py; found {places}"
        )
    return next((router for router, _ in found.values()), None)

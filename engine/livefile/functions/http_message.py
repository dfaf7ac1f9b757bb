"""``Request`` and ``Response``: what an HTTP action is given, and what it returns.

Both bodies may be streamed: a request is read piece by piece, a response may be an asynchronous
iterator of pieces. Nothing here knows a socket; the pieces come and go through callables.

Not here: which action answers which request (``http_router.py``); running it
(``http_actions.py``).
"""

import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from collections.abc import Mapping as AbstractMapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from pydantic import BaseModel

from livefile.model.table import Table
from livefile.model.value_json import to_clean
from livefile.vocabulary.errors import BadRequestError, InvalidValueError
from livefile.vocabulary.limits import HTTP_ACTION_BODY_SIZE_BYTES_MAX

ReadPiece = Callable[[], Awaitable[bytes]]
"""Returns the next piece of a body, an empty one at its end."""

ResponseBody = bytes | str | AsyncIterable[bytes | str] | None
HeaderFields = AbstractMapping[str, str] | Iterable[tuple[str, str]]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What stands between the server and the connection; the server writes these itself.
_OWN_HEADERS = frozenset(
    {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"}
)


class Headers(AbstractMapping[str, str]):
    """Header fields by name, whatever the case. Immutable; ``pairs`` are all of them in order."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)
        self._by_name: dict[str, str] = {}
        for name, text in self.pairs:
            self._by_name.setdefault(name.lower(), text)

    def __getitem__(self, name: str) -> str:
        """Return the first field of this name."""
        return self._by_name[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def all(self, name: str) -> list[str]:
        """Return every field of this name, in order."""
        return [text for each, text in self.pairs if each.lower() == name.lower()]


class Request:
    """One HTTP request, for an HTTP action.

    ``path`` is decoded, ``url`` is the whole address as the client sees it. ``body``, ``text``
    and ``json`` read the body to its end and remember it; ``stream`` yields it piece by piece,
    once.
    """

    def __init__(
        self,
        method: str,
        url: str,
        path: str,
        headers: Headers,
        read: ReadPiece | None = None,
    ) -> None:
        """Take the head, and how to read the body; without ``read`` there is none."""
        self.method = method
        self.url = url
        self.path = path
        self.headers = headers
        self._read = read
        self._size_bytes = 0
        self._body: bytes | None = None

    @property
    def has_body(self) -> bool:
        """Whether a body comes with it, be it empty."""
        return self._read is not None

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address; of those with one name, the first."""
        parameters: dict[str, str] = {}
        for name, text in parse_qsl(urlsplit(self.url).query, keep_blank_values=True):
            parameters.setdefault(name, text)
        return parameters

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives.

        Raises:
            BadRequestError: it is larger than an HTTP action may be sent.
        """
        if self._body is not None:
            if self._body:
                yield self._body
            return
        while self._read is not None:
            piece = await self._read()
            if not piece:
                return
            self._size_bytes += len(piece)
            check_request_size(self._size_bytes)
            yield piece

    async def body(self) -> bytes:
        """Return the body, or what is left of it."""
        if self._body is None:
            self._body = b"".join([piece async for piece in self.stream()])
        return self._body

    async def text(self) -> str:
        """Return the body as UTF-8; bytes that are none become U+FFFD."""
        return (await self.body()).decode(errors="replace")

    async def json(self) -> Any:  # Any: what JSON can hold.
        """Return what the body holds as JSON.

        Raises:
            BadRequestError: it holds none. Unless it is caught, the client gets status 400.
        """
        try:
            return orjson.loads(await self.body())
        except orjson.JSONDecodeError as error:
            raise BadRequestError(
                "BadJsonBody", f"The body of the request is not JSON: {error}"
            ) from error


class Response:
    """What an HTTP action returns.

    ``body`` is bytes, a text (sent as UTF-8), or an asynchronous iterable of either, which is
    sent piece by piece. Headers of the connection itself, such as ``Content-Length``, are the
    server's: those given here are left out.
    """

    def __init__(
        self,
        body: ResponseBody = None,
        *,
        status: int = 200,
        headers: HeaderFields = (),
    ) -> None:
        if not 200 <= status <= 599:
            raise InvalidValueError(f"the status of a Response is from 200 to 599, not {status!r}")
        if isinstance(headers, AbstractMapping):
            headers = headers.items()
        pairs = [pair for pair in map(_checked, headers) if pair[0].lower() not in _OWN_HEADERS]
        if isinstance(body, str):
            if not any(name.lower() == "content-type" for name, _ in pairs):
                pairs.append(("Content-Type", "text/plain; charset=utf-8"))
            body = body.encode()
        if not isinstance(body, bytes | AsyncIterable | None):
            raise InvalidValueError(
                "the body of a Response is bytes, a text or an asynchronous iterable, not "
                f"{type(body).__name__}"
            )
        self.status = status
        self.headers = Headers(pairs)
        self.body: bytes | AsyncIterable[bytes | str] = body or b""

    @classmethod
    def json(cls, content: Any, *, status: int = 200, headers: HeaderFields = ()) -> "Response":
        """Return a response that holds ``content`` as JSON.

        Documents are written as clients know them; Int64 and bytes as in plain JSON.

        Raises:
            InvalidValueError: JSON cannot hold it.
        """
        try:
            body = orjson.dumps(content, default=_plain)
        except TypeError as error:  # Also orjson.JSONEncodeError.
            raise InvalidValueError(f"this is nothing that JSON can hold: {error}") from error
        given = headers.items() if isinstance(headers, AbstractMapping) else headers
        return cls(body, status=status, headers=[("Content-Type", "application/json"), *given])


def check_request_size(size_bytes: int) -> None:
    """Refuse a body of more bytes than an HTTP action may be sent.

    Raises:
        BadRequestError: it has more.
    """
    if size_bytes > HTTP_ACTION_BODY_SIZE_BYTES_MAX:
        raise BadRequestError(
            "HttpRequestTooLarge",
            f"HTTP actions support requests up to {HTTP_ACTION_BODY_SIZE_BYTES_MAX // 2**20} MiB",
        )


def _checked(pair: tuple[str, str]) -> tuple[str, str]:
    name, text = pair
    if _HEADER_NAME.fullmatch(name) is None:
        raise InvalidValueError(f"{name!r} is no name of a header")
    if any(character in text for character in "\r\n\0"):
        raise InvalidValueError(f"the header {name} must be one line, not {text!r:.100}")
    return name, text


def _plain(thing: Any) -> Any:  # Any: what JSON does not know by itself.
    if isinstance(thing, Table):
        return to_clean(thing.stored_document)
    if isinstance(thing, BaseModel):
        return thing.model_dump()
    if isinstance(thing, bytes):
        return to_clean(thing)
    raise TypeError(f"{type(thing).__name__} {thing!r:.100}")

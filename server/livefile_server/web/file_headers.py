"""What is said about a stored file when it is served: as what, which part of it, and how safely.

Anybody may upload anything, and it is served at the API's own address. So nothing that is stored
can run there as a page: only pictures, sound and film are shown, everything else is downloaded; no
browser guesses another type; and should one show it all the same, it has no scripts and no origin.

Not here: reading the file and sending it (``files.py``).
"""

import base64
import binascii
import re
from collections.abc import Mapping

from aiohttp import hdrs, web

from livefile import errors, limits

_MEDIA_TYPE = re.compile(r"[\w!#$%&'*+.^`|~-]+/[\w!#$%&'*+.^`|~-]+([ \t]*;[ -~\t]*)?", re.ASCII)
_SHOWN = re.compile(r"(image|audio|video)/[a-z0-9.+-]+")
# SVG is XML and may hold scripts, whatever it is called.
_MAY_HOLD_SCRIPTS = re.compile(r"xml|svg|html|script|x-mixed")
_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII)
_RANGES = re.compile(r"bytes=[\d\t ,-]*,[\d\t ,-]*", re.ASCII)
_DIGEST = re.compile(r"[ \t]*sha-256=([A-Za-z0-9+/=_-]+)[ \t]*", re.ASCII | re.IGNORECASE)
_DIGEST_LENGTH = 32
_CACHE_CONTROL = f"private, max-age={limits.FILE_CACHE_AGE_MS_MAX // 1000}"


def safe_headers(content_type: str | None) -> Mapping[str, str]:
    """Return the headers with which a file of any type can do no harm."""
    if content_type is None or _MEDIA_TYPE.fullmatch(content_type) is None:
        content_type = "application/octet-stream"
    essence = content_type.partition(";")[0].strip().lower()
    is_shown = _SHOWN.fullmatch(essence) is not None and _MAY_HOLD_SCRIPTS.search(essence) is None
    return {
        hdrs.CONTENT_TYPE: content_type,
        # No name: none was given, and the browser takes the UUID of the address.
        hdrs.CONTENT_DISPOSITION: "inline" if is_shown else "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        # Pages at other addresses may show it: whoever has the UUID may read it.
        "Cross-Origin-Resource-Policy": "cross-origin",
        hdrs.CACHE_CONTROL: _CACHE_CONTROL,
        hdrs.ACCEPT_RANGES: "bytes",
    }


def wanted_range(header: str | None, size_bytes: int) -> range | None:
    """Return the positions that a ``Range`` header asks for, None for the whole file.

    What is no range of bytes is no demand; an empty file has no parts.

    Raises:
        HTTPRequestRangeNotSatisfiable: it asks for several parts, or for one that is not there.
    """
    if header is None or size_bytes == 0:
        return None
    if _RANGES.fullmatch(header) is not None:
        raise _unsatisfiable(size_bytes)
    found = _RANGE.fullmatch(header)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None  # Malformed, says RFC 9110.
    if not first:
        start, end = max(size_bytes - int(last), 0), size_bytes
    else:
        start, end = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
    if start >= end:
        raise _unsatisfiable(size_bytes)
    return range(start, end)


def content_range(part: range, size_bytes: int) -> str:
    """Return the ``Content-Range`` of a part of a file."""
    return f"bytes {part.start}-{part.stop - 1}/{size_bytes}"


def encode_digest(sha256: bytes) -> str:
    """Return the ``Digest`` of a file."""
    return f"sha-256={base64.b64encode(sha256).decode()}"


def decode_digest(header: str | None) -> bytes | None:
    """Return the SHA-256 that a ``Digest`` header promises, None without one.

    Raises:
        BadRequestError: the header holds none.
    """
    if header is None:
        return None
    for part in header.split(","):
        found = _DIGEST.fullmatch(part)
        if found is not None:
            try:
                digest = base64.b64decode(found.group(1), validate=True)
            except binascii.Error:
                break
            if len(digest) == _DIGEST_LENGTH:
                return digest
    raise errors.BadRequestError(
        "BadHeader", f"Digest must be sha-256=<base64 of 32 bytes>, not {header!r:.100}"
    )


def _unsatisfiable(size_bytes: int) -> web.HTTPRequestRangeNotSatisfiable:
    headers = {hdrs.CONTENT_RANGE: f"bytes */{size_bytes}"}
    return web.HTTPRequestRangeNotSatisfiable(headers=headers)

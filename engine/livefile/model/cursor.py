"""Cursors: positions in a query, as texts that clients keep and send back.

A position is the index key of the last row before it, which holds values of fields, so it is
encrypted; and a client may send anything, so it is authenticated. Both come from a secret of the
file, and both are deterministic: the same position in the same query is the same text, so that
pages with equal arguments share one cache entry. A cursor is bound to its query's fingerprint:
in another query it is as wrong as a made-up one.

    text = base64url(tag + (position XOR stream(tag)))    tag = HMAC(fingerprint + position)

The tag is the initialisation vector of its own message (a synthetic one), which is what makes a
deterministic encryption safe: two messages share a stream only if they are the same message.

Not here: what a page is (``transaction/page.py``).
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import Enum
from typing import Final

from livefile.model.value import Value
from livefile.model.value_packed import pack
from livefile.vocabulary.errors import InvalidCursorError

_TAG_LENGTH = 16


class EndOfQuery(Enum):
    """The type of ``END_OF_QUERY``."""

    END_OF_QUERY = "end"


END_OF_QUERY: Final = EndOfQuery.END_OF_QUERY
"""The position after the last row, also after those that are still to come."""

CursorPosition = bytes | EndOfQuery
"""Where a page begins or ends: after the row with this index key, or at the end."""


class CursorSeal:
    """Makes and reads the cursors of one query."""

    def __init__(self, secret: bytes, form: list[Value]) -> None:
        """Take the file's secret, and everything that makes the query what it is."""
        self._fingerprint = hashlib.sha256(pack(form)).digest()
        self._tag_key = hmac.digest(secret, b"cursor tag", "sha256")
        self._stream_key = hmac.digest(secret, b"cursor stream", "sha256")

    def seal(self, position: CursorPosition) -> str:
        """Return the text of a position."""
        plain = b"" if isinstance(position, EndOfQuery) else position  # No index key is empty.
        tag = hmac.digest(self._tag_key, self._fingerprint + plain, "sha256")[:_TAG_LENGTH]
        return urlsafe_b64encode(tag + self._mixed(tag, plain)).decode().rstrip("=")

    def open(self, text: str) -> CursorPosition:
        """Return the position that a text stands for.

        Raises:
            InvalidCursorError: it is none that ``seal`` made for this query.
        """
        try:
            data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        except ValueError:  # A UnicodeEncodeError is one, too.
            data = b""
        tag, sealed = data[:_TAG_LENGTH], data[_TAG_LENGTH:]
        position = self._mixed(tag, sealed) or END_OF_QUERY
        # Whatever is not exactly the text of a position is refused here.
        if not hmac.compare_digest(self.seal(position).encode(), text.encode(errors="replace")):
            raise InvalidCursorError(
                "this cursor is damaged, or it is one of another query: a cursor goes on in the "
                "query that made it, with the same table, index, range, order and filter"
            )
        return position

    def _mixed(self, tag: bytes, data: bytes) -> bytes:
        """Encrypt or decrypt: both are the same step."""
        stream = hashlib.shake_256(self._stream_key + tag).digest(len(data))
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")
        return mixed.to_bytes(len(data), "big")

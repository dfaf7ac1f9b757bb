"""Timestamps as the protocol writes them: base64 of eight bytes, little-endian.

Used by the sync messages and by ``/api/query_ts``. Not here: how timestamps are made (the
engine's committer).
"""

import binascii

from livefile import errors

TIMESTAMP_MAX = 2**63 - 1


def encode_timestamp(ts: int) -> str:
    """Return the wire form of ``ts``; 0 is ``AAAAAAAAAAA=``."""
    return binascii.b2a_base64(ts.to_bytes(8, "little"), newline=False).decode("ascii")


def decode_timestamp(text: object) -> int:
    """Return the timestamp that ``text`` stands for.

    Raises:
        BadRequestError: not a text, not base64, not eight bytes, or above 2**63 - 1.
    """
    if not isinstance(text, str):
        raise errors.BadRequestError(
            "InvalidTimestamp", f"A timestamp must be a string, not {text!r}"
        )
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:  # Also binascii.Error and text that is not ASCII.
        raise errors.BadRequestError(
            "InvalidTimestamp", f"The timestamp {text!r} is not base64: {error}"
        ) from error
    ts = int.from_bytes(data, "little")
    if len(data) != 8 or ts > TIMESTAMP_MAX:
        raise errors.BadRequestError(
            "InvalidTimestamp", f"The timestamp {text!r} is not a positive 64-bit number"
        )
    return ts

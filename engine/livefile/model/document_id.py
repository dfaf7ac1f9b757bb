"""Document ids: a table number and 16 bytes, as the text that users see.

The text is the protocol's, character for character, because users store ids, put them into
addresses and compare them. It carries the table number, so that an id of another table is noticed
without a look into the file, and a checksum, so that a mistyped id is.

Not here: which table has which number (``sqlite/catalog.py``).
"""

import struct
from hashlib import blake2b
from itertools import accumulate

from livefile.vocabulary.errors import InvalidDocumentIdError

INTERNAL_ID_LENGTH = 16
TABLE_NUMBER_MAX = 2**32 - 1

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PYTHON_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]

# Every byte outside of the alphabet becomes one that int() refuses; it would take "_" and "+".
_TO_PYTHON_DIGITS = bytes(
    ord(_PYTHON_DIGITS[_ALPHABET.index(chr(byte))]) if chr(byte) in _ALPHABET else ord("!")
    for byte in range(256)
)

# Texts by length: 1 to 5 bytes of table number, then 18; other lengths are not canonical.
_BYTES_BY_TEXT_LENGTH = {31: 19, 32: 20, 34: 21, 36: 22, 37: 23}

_ID_SOURCE = struct.Struct(">QqI")

_NS_PER_MS = 1_000_000
_NS_PER_DAY = 24 * 60 * 60 * 1_000_000_000

# The same few ids are read again and again; about 300 bytes each. Threads may share it: what they
# write is the same.
_CACHED_IDS_MAX = 16_384
_decoded: dict[str, tuple[int, bytes]] = {}


def encode_document_id(table_number: int, internal_id: bytes) -> str:
    """Return the text of an id: 31 to 37 lower-case characters."""
    assert 0 < table_number <= TABLE_NUMBER_MAX
    assert len(internal_id) == INTERNAL_ID_LENGTH
    body = _varint(table_number) + internal_id
    data = body + _footer(body)
    length = -(-len(data) * 8 // 5)
    # An even number of digits, so that they can be looked up in pairs.
    digits = length + (length & 1)
    bits = int.from_bytes(data, "big") << (digits * 5 - len(data) * 8)
    text = "".join([_PAIRS[bits >> shift & 1023] for shift in range(digits * 5 - 10, -1, -10)])
    text = text[:length]
    _remember(text, (table_number, internal_id))  # Most new ids are looked at soon after.
    return text


def decode_document_id(text: str) -> tuple[int, bytes]:
    """Return the table number and the 16-byte internal id of an id.

    Only the very text that ``encode_document_id`` makes is taken.

    Raises:
        InvalidDocumentIdError: ``text`` is no id.
    """
    found = _decoded.get(text)
    if found is not None:
        return found
    length = _BYTES_BY_TEXT_LENGTH.get(len(text))
    if length is None:
        raise _unable(text, f"length {len(text)} is not that of an ID")
    padding = len(text) * 5 - length * 8
    try:
        bits = int(text.encode("ascii").translate(_TO_PYTHON_DIGITS), 32)
    except ValueError:  # A UnicodeEncodeError is one, too.
        raise _unable(text, "it has a character outside of the alphabet") from None
    if bits & ((1 << padding) - 1):
        raise _unable(text, "its last character has bits left over")
    data = (bits >> padding).to_bytes(length, "big")
    body = data[:-2]
    if data[-2:] != _footer(body):
        raise _unable(text, "the checksum does not match")
    table_number = _table_number(body[:-INTERNAL_ID_LENGTH])
    if table_number is None:
        raise _unable(text, "the table number is invalid")
    found = table_number, body[-INTERNAL_ID_LENGTH:]
    _remember(text, found)
    return found


def _remember(text: str, decoded: tuple[int, bytes]) -> None:
    if len(_decoded) >= _CACHED_IDS_MAX:
        _decoded.clear()
    _decoded[text] = decoded


def id_key(text: str) -> bytes:
    """Return bytes that sort as the texts of ids do: the table number, then the internal id.

    Raises:
        InvalidDocumentIdError: ``text`` is no id.
    """
    table_number, internal_id = decode_document_id(text)
    return id_key_head(table_number) + internal_id


def id_key_head(table_number: int) -> bytes:
    """Return what ``id_key`` of all ids of one table begins with; no other table's does."""
    return _varint(table_number)


def new_internal_id(seed: int, now_ns: int, number: int) -> bytes:
    """Return the internal id of a transaction's document ``number``.

    It is the moment in milliseconds since 1970 in 6 bytes, 8 bytes that look random, a hash of the
    transaction's seed of 64 bits, its moment and the number, and, as the protocol has it, the
    number of the day in 2 bytes. The moment comes first because documents are stored in the order
    of their ids: what was inserted together lies together.
    """
    # Python's ``Random`` would take eight times as long to be seeded.
    digest = blake2b(_ID_SOURCE.pack(seed, now_ns, number), digest_size=8).digest()
    return b"%b%b%b" % (
        (now_ns // _NS_PER_MS & 0xFFFF_FFFF_FFFF).to_bytes(6, "big"),
        digest,
        (now_ns // _NS_PER_DAY & 0xFFFF).to_bytes(2, "big"),
    )


def _varint(number: int) -> bytes:
    if number < 0x4000:
        # One or two bytes hold all tables that a deployment is likely to have.
        return bytes((number,)) if number < 0x80 else bytes((number & 0x7F | 0x80, number >> 7))
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


# None unless the bytes are the shortest form of a number from 1 up, and all of them one number.
def _table_number(data: bytes) -> int | None:
    if data[-1] == 0 or data[-1] >= 0x80:
        return None
    number = data[-1]
    for byte in data[-2::-1]:
        if byte < 0x80:
            return None
        number = number << 7 | byte & 0x7F
    return number if number <= TABLE_NUMBER_MAX else None


# Fletcher-16 with the modulus 256: the sum of the bytes, and the sum of the running sums.
def _footer(body: bytes) -> bytes:
    return bytes((sum(body) & 0xFF, sum(accumulate(body)) & 0xFF))


def _unable(text: str, reason: str) -> InvalidDocumentIdError:
    shown = ascii(text if len(text) <= 64 else text[:61] + "...")[1:-1]
    return InvalidDocumentIdError(f"Unable to decode ID: {shown}: {reason}")

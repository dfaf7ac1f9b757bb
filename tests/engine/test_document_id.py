import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile.model.document_id import decode_document_id, encode_document_id, new_internal_id
from livefile.vocabulary.errors import InvalidDocumentIdError

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
INTERNAL_ID = bytes(range(16))
TEXT = "j57000820c20a1g7104gm2rc1m70ynr8"

table_numbers = st.integers(1, 2**32 - 1) | st.sampled_from(
    [number + off for bits in (7, 14, 21, 28) for number in (2**bits,) for off in (-1, 0)]
)
internal_ids = st.binary(min_size=16, max_size=16)


def base32(data: bytes, padding: str = "") -> str:
    """The text of some bytes, bit by bit; ``padding`` are the bits after the last byte."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += padding or "0" * (-len(bits) % 5)
    return "".join(ALPHABET[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))


def with_footer(body: bytes) -> bytes:
    low = high = 0
    for byte in body:
        low = (low + byte) % 256
        high = (high + low) % 256
    return body + bytes([low, high])


def test_the_protocol_s_vector_encodes() -> None:
    assert encode_document_id(10001, INTERNAL_ID) == TEXT
    assert decode_document_id(TEXT) == (10001, INTERNAL_ID)


@pytest.mark.parametrize(
    ("text", "table_number"),
    [("2sh2c7pn6nyvkexbdsfj66vd9h5q3hg", 22), ("kg267e113cftx1jpeepypezsa57q9wvp", 540)],
)
def test_ids_of_other_deployments_decode_and_encode_again(text: str, table_number: int) -> None:
    number, internal_id = decode_document_id(text)

    assert number == table_number
    assert encode_document_id(number, internal_id) == text


@given(table_numbers, internal_ids)
def test_an_id_decodes_to_what_it_was_made_of(table_number: int, internal_id: bytes) -> None:
    text = encode_document_id(table_number, internal_id)

    assert decode_document_id(text) == (table_number, internal_id)
    assert 31 <= len(text) <= 37
    assert set(text) <= set(ALPHABET)


@pytest.mark.parametrize(
    ("table_number", "length"),
    [(1, 31), (127, 31), (128, 32), (2**14, 34), (2**21, 36), (2**28, 37), (2**32 - 1, 37)],
)
def test_the_length_grows_with_the_table_number(table_number: int, length: int) -> None:
    assert len(encode_document_id(table_number, INTERNAL_ID)) == length


@given(
    table_numbers,
    internal_ids,
    st.integers(0, 36),
    st.sampled_from([*ALPHABET, *"ilouAZ_+- \x00\u0663"]),
)
def test_a_changed_id_is_refused_or_is_the_text_of_another_id(
    table_number: int, internal_id: bytes, position: int, character: str
) -> None:
    text = encode_document_id(table_number, internal_id)
    position %= len(text)
    changed = text[:position] + character + text[position + 1 :]
    try:
        decoded = decode_document_id(changed)
    except InvalidDocumentIdError:
        return

    assert encode_document_id(*decoded) == changed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "length 0"),
        (TEXT[:-1], "checksum"),
        (TEXT[:-2], "length 30"),
        (TEXT + "0", "length 33"),
        ("0" * 35, "length 35"),
        ("0" * 100, "length 100"),
        (TEXT.upper(), "alphabet"),
        (TEXT[:-1] + "u", "alphabet"),
        ("+" + TEXT[1:], "alphabet"),
        (" " + TEXT[1:], "alphabet"),
        (TEXT[:5] + "_" + TEXT[6:], "alphabet"),
        (TEXT[:-1] + "\u0663", "alphabet"),
        (TEXT[:-1] + "\ud800", "alphabet"),
        (TEXT[:-1] + "9", "checksum"),
        (base32(with_footer(b"\x16" + INTERNAL_ID), "001"), "bits left over"),
        (base32(with_footer(b"\x00" + INTERNAL_ID)), "table number"),
        (base32(with_footer(b"\x96\x00" + INTERNAL_ID)), "table number"),
        (base32(with_footer(b"\x96" + INTERNAL_ID)), "table number"),
        (base32(with_footer(b"\x16\x01" + INTERNAL_ID)), "table number"),
        (base32(with_footer(b"\x80\x80\x80\x80\x10" + INTERNAL_ID)), "table number"),
    ],
)
def test_a_text_that_no_id_has_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidDocumentIdError, match=f"^Unable to decode ID: .*{reason}"):
        decode_document_id(text)


def test_a_long_text_is_not_repeated_in_the_message() -> None:
    with pytest.raises(InvalidDocumentIdError) as caught:
        decode_document_id("a" * 100_000)

    assert len(str(caught.value)) < 200
    assert re.search(r"a\.\.\.: length 100000", str(caught.value))


def test_the_largest_table_number_is_taken() -> None:
    text = base32(with_footer(b"\xff\xff\xff\xff\x0f" + INTERNAL_ID))

    assert decode_document_id(text) == (2**32 - 1, INTERNAL_ID)


def test_a_new_internal_id_begins_with_the_moment_ends_in_the_day_and_follows_the_seed() -> None:
    now_ns = (258 * 24 * 60 * 60 + 5) * 1_000_000_000
    internal_id = new_internal_id(1, now_ns, 0)

    assert len(internal_id) == 16
    assert int.from_bytes(internal_id[:6]) == now_ns // 1_000_000
    assert internal_id[14:] == b"\x01\x02"
    assert internal_id == new_internal_id(1, now_ns, 0)
    others = [(2**64 - 1, now_ns, 0), (1, now_ns + 1, 0), (1, now_ns, 1)]
    assert internal_id not in [new_internal_id(*other) for other in others]

import pytest
from hypothesis import given

from livefile.model.value import Value, size_bytes
from livefile.model.value_packed import is_surely_within, pack, unpack
from livefile.vocabulary.errors import InvalidValueError
from tests.strategies import exact, values


@given(values())
def test_unpacking_gives_back_the_identical_value(value: Value) -> None:
    assert exact(unpack(pack(value))) == exact(value)


@given(values())
def test_the_stored_form_bounds_the_size(value: Value) -> None:
    assert size_bytes(value) <= 9 * len(pack(value))


def test_what_is_surely_within_a_size_is() -> None:
    value: Value = [1] * 100  # The most of the protocol's size for a stored byte.
    packed = pack(value)

    assert size_bytes(value) == 902
    assert is_surely_within(packed, 9 * len(packed))
    assert not is_surely_within(packed, 9 * len(packed) - 1)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, "c0"),
        (True, "c3"),
        (1, "01"),
        (-(2**63), "d38000000000000000"),
        (2**63 - 1, "cf7fffffffffffffff"),
        (1.0, "cb3ff0000000000000"),
        (-0.0, "cb8000000000000000"),
        ("é", "a2c3a9"),
        (b"a", "c40161"),
        ([None], "91c0"),
        ({"b": 1, "a": 1.0}, "82a16201a161cb3ff0000000000000"),
    ],
)
def test_the_stored_form_is_fixed(value: Value, data: str) -> None:
    assert pack(value).hex() == data


@pytest.mark.parametrize("value", ["\ud800", ["a", "\udfff"], {"\ud800": None}, 2**64, -(2**64)])
def test_what_is_no_value_is_not_packed(value: Value) -> None:
    with pytest.raises(InvalidValueError):
        pack(value)


def test_a_failed_pack_leaves_nothing_behind_for_the_next() -> None:
    with pytest.raises(InvalidValueError):
        pack(["a", "\ud800"])

    assert unpack(pack(["b"])) == ["b"]


@pytest.mark.parametrize(
    "data", ["", "c1", "92c0", "c0c0", "a1ff", "8101c0", "8190c0", "91" * 2000 + "c0", "d9"]
)
def test_bytes_that_are_no_stored_value_are_refused(data: str) -> None:
    with pytest.raises(InvalidValueError):
        unpack(bytes.fromhex(data))

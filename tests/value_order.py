"""The protocol's order of values, written down from its rules and without index keys.

Tests hold the order of index keys, of filters and of queries against it.
"""

import math
import struct

from livefile.model.index_key import Missing
from livefile.model.value import Value


def rank(value: Value | Missing) -> int:
    """The place of the value's type in the protocol's order of types."""
    order = [Missing, type(None), int, float, bool, str, bytes, list, dict]
    return order.index(type(value))


def compare_floats(left: float, right: float) -> int:
    def place(number: float) -> int:
        return int(math.copysign(1, number)) if math.isnan(number) else 0

    if place(left) or place(right):
        if place(left) != place(right):
            return place(left) - place(right)
        # Two NaNs of one sign: by payload, upwards if positive.
        payloads = [int.from_bytes(struct.pack(">d", number)) % 2**63 for number in (left, right)]
        return place(left) * (payloads[0] - payloads[1])
    if left == right == 0:
        return int(math.copysign(1, left) - math.copysign(1, right))
    return (left > right) - (left < right)


def compare_arrays(left: list[Value], right: list[Value]) -> int:
    for left_item, right_item in zip(left, right, strict=False):
        if order := compare(left_item, right_item):
            return order
    return len(left) - len(right)


def as_pairs(fields: dict[str, Value]) -> list[Value]:
    return [[name, fields[name]] for name in sorted(fields)]


def compare(left: Value | Missing, right: Value | Missing) -> int:
    """The protocol's order of values, written down from its rules."""
    if rank(left) != rank(right):
        return rank(left) - rank(right)
    if left is None or isinstance(left, Missing):
        return 0
    if isinstance(left, str) and isinstance(right, str):
        code_points = [[ord(character) for character in text] for text in (left, right)]
        return (code_points[0] > code_points[1]) - (code_points[0] < code_points[1])
    if isinstance(left, float) and isinstance(right, float):
        return compare_floats(left, right)
    if isinstance(left, list) and isinstance(right, list):
        return compare_arrays(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return compare_arrays(as_pairs(left), as_pairs(right))
    if isinstance(left, bytes) and isinstance(right, bytes):
        return (list(left) > list(right)) - (list(left) < list(right))
    assert isinstance(left, int)
    assert isinstance(right, int)
    return left - right

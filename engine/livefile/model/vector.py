"""Vectors as an index keeps them: the direction of each, in 32-bit floats.

Cosine similarity compares directions and no lengths, so every vector is made one unit long before
it is rounded; then the distance between two of them tells the cosine.

Not here: which vectors are near to each other (``sqlite/vector_index.py``).
"""

import math
from array import array
from dataclasses import dataclass
from typing import cast

from livefile.model.value import Value

_BITS_PER_BYTE = 8


@dataclass(frozen=True, slots=True)
class Vector:
    """Finite numbers, and how long the vector is that they make."""

    numbers: list[float]
    length: float

    @property
    def direction(self) -> bytes | None:
        """The direction as 32-bit floats, filled up with zeros to a multiple of 8 of them.

        None for a vector of length zero: it points nowhere, and its cosine to every other is 0.
        """
        if not self.length:
            return None
        floats = array("f", [number / self.length for number in self.numbers])
        floats.extend([0.0] * (-len(self.numbers) % _BITS_PER_BYTE))
        return floats.tobytes()

    @property
    def positive_share(self) -> float:
        """How many of the numbers are above zero, from 0 to 1."""
        return sum([number > 0 for number in self.numbers]) / len(self.numbers)


def vector_of(value: Value) -> Vector | None:
    """Return the vector that an array of floats is, None for every other value.

    None also if a number in it, or the length, is not finite.
    """
    if not isinstance(value, list) or not value:
        return None
    if not all([type(number) is float for number in value]):
        return None
    numbers = cast(list[float], value)
    length = math.hypot(*numbers)
    return Vector(numbers, length) if math.isfinite(length) else None

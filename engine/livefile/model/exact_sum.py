"""Exact sums of numbers: the same whatever the order, and whatever came and went in between.

A running total of floats drifts, because each addition rounds. Every finite float is a whole
number times a power of two, so their sum is one as well, and is rounded once, when it is read.

Not here: which numbers are summed (``sqlite/summaries.py``).
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import msgpack


@dataclass(frozen=True, slots=True)
class ExactSum:
    """``mantissa * 2**exponent``, and how many infinities and NaNs were added to it."""

    mantissa: int = 0
    exponent: int = 0
    infinities: int = 0
    negative_infinities: int = 0
    nans: int = 0

    @classmethod
    def of(cls, number: float | int) -> "ExactSum":
        """Return the sum of one number."""
        if isinstance(number, float) and not math.isfinite(number):
            return cls(
                infinities=number == math.inf,
                negative_infinities=number == -math.inf,
                nans=math.isnan(number),
            )
        numerator, denominator = number.as_integer_ratio()
        return _reduced(numerator, 1 - denominator.bit_length(), (0, 0, 0))

    def __add__(self, other: "ExactSum") -> "ExactSum":
        exponent = min(self.exponent, other.exponent)
        mantissa = (self.mantissa << (self.exponent - exponent)) + (
            other.mantissa << (other.exponent - exponent)
        )
        special = (
            self.infinities + other.infinities,
            self.negative_infinities + other.negative_infinities,
            self.nans + other.nans,
        )
        return _reduced(mantissa, exponent, special)

    def __neg__(self) -> "ExactSum":
        """Return what takes this sum away again when it is added."""
        return ExactSum(
            -self.mantissa,
            self.exponent,
            -self.infinities,
            -self.negative_infinities,
            -self.nans,
        )

    def __float__(self) -> float:
        """Return the nearest float; infinite if it is out of range."""
        if self.nans or (self.infinities and self.negative_infinities):
            return math.nan
        if self.infinities or self.negative_infinities:
            return math.inf if self.infinities else -math.inf
        try:
            if self.exponent >= 0:
                return float(self.mantissa << self.exponent)
            return float(Fraction(self.mantissa, 1 << -self.exponent))
        except OverflowError:
            return math.inf if self.mantissa > 0 else -math.inf

    def __int__(self) -> int:
        """Return the sum of whole numbers, exactly."""
        assert self.exponent >= 0, "some number was not whole"
        assert not any((self.infinities, self.negative_infinities, self.nans)), "not finite"
        return self.mantissa << self.exponent

    def pack(self) -> bytes:
        """Return the sum as bytes."""
        mantissa = self.mantissa.to_bytes(self.mantissa.bit_length() // 8 + 1, signed=True)
        special = (self.infinities, self.negative_infinities, self.nans)
        packed: bytes = msgpack.packb((mantissa, self.exponent, *special))
        return packed

    @classmethod
    def unpack(cls, packed: bytes) -> "ExactSum":
        """Return what ``pack`` packed."""
        mantissa, *others = msgpack.unpackb(packed)
        return cls(int.from_bytes(mantissa, signed=True), *others)


NOTHING = ExactSum()


def _reduced(mantissa: int, exponent: int, special: tuple[int, int, int]) -> ExactSum:
    """Return a sum whose mantissa is odd or 0, so that equal sums have equal bytes."""
    if mantissa == 0:
        return ExactSum(0, 0, *special)
    zeros = (mantissa & -mantissa).bit_length() - 1
    return ExactSum(mantissa >> zeros, exponent + zeros, *special)

"""How well a document answers a search: BM25, the usual measure, on lengths in classes.

A word counts more the fewer documents have it, the more often it is in the document, and the
shorter the document is. The index keeps no exact lengths and counts: a length is one of 64
classes, exact up to 16 words, and four times are as good as more.

Not here: which documents are looked at (``transaction/text_search.py``).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

COUNT_MAX = 4
"""How often a word is in a document, at most: more is not told apart."""

# How soon a repeated word counts no more, and how much the length matters: BM25's usual ones.
_SATURATION = 1.2
_LENGTH_SHARE = 0.75


def _class_lengths() -> list[int]:
    lengths = list(range(1, 17))
    while len(lengths) < 64:
        lengths.append(lengths[-1] * 5 // 4)
    return lengths


CLASS_LENGTHS: Sequence[int] = _class_lengths()
"""The shortest length of each class, which stands for all of them."""


def length_class(length: int) -> int:
    """Return the class of a document with so many words, at least one."""
    return bisect_right(CLASS_LENGTHS, length) - 1


def rarity(documents_count: float, with_word_count: float) -> float:
    """Return how much a word counts that so many of all documents have."""
    others = max(documents_count - with_word_count, 0.0)
    return math.log1p((others + 0.5) / (with_word_count + 0.5))


def gains(average_length: float) -> Sequence[Sequence[float]]:
    """Return what one word adds to a score, before its rarity.

    The item ``[n][c]`` is what the word's time ``n + 1`` adds in a document of length class ``c``.
    """
    tables = []
    before = [0.0] * len(CLASS_LENGTHS)
    for count in range(1, COUNT_MAX + 1):
        now = [_weight(count, length / average_length) for length in CLASS_LENGTHS]
        tables.append([after - earlier for after, earlier in zip(now, before, strict=True)])
        before = now
    return tables


def _weight(count: int, relative_length: float) -> float:
    norm = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * relative_length)
    return count * (_SATURATION + 1) / (count + norm)

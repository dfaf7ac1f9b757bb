"""Full-text search by brute force: every document is looked at, and scored by the book.

It works on plain dictionaries and shares nothing with the engine but the classes of lengths.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from livefile.model.relevance import CLASS_LENGTHS

Row = Mapping[str, Any]


def words_of(text: object) -> list[str]:
    """Return the words of a text without marks, one character after the other."""
    found, word = [], ""
    for character in f"{text} " if isinstance(text, str) else "":
        if character.isalnum():
            word += character
        else:
            if word and len(word.encode()) < 32:
                found.append(word.lower().replace("\u03c2", "\u03c3"))
            word = ""
    return found


def matches(row: Row, text: str, field: str = "body") -> bool:
    """Return whether a document has a word of ``text``, or one that begins with the last."""
    asked = words_of(text)[:16]
    return any(
        word in asked or word.startswith(asked[-1]) for word in words_of(row[field]) if asked
    )


def ranked(
    visible: Iterable[Row],
    stored: Sequence[Row],
    text: str,
    conditions: Mapping[str, Any],
    field: str = "body",
) -> list[str]:
    """Return the ids that a search finds, in order.

    ``visible`` are the documents as the function sees them, ``stored`` those of its snapshot, by
    which it is judged how rare a word is. Words with the prefix must be 16 at most.
    """
    asked = words_of(text)[:16]
    if not asked:
        return []
    admitted = [row for row in visible if _meets(row, conditions)]
    judged = [set(words_of(row[field])) for row in stored if _meets(row, conditions)]
    judged = [found for found in judged if found]
    known = {word for row in admitted for word in words_of(row[field])} | set().union(*judged)
    looked_for = dict.fromkeys(asked, 1.0)
    for word in sorted(known):
        if word.startswith(asked[-1]):
            looked_for.setdefault(word, 0.5)
    lengths = [_class(len(words_of(row[field]))) for row in stored if words_of(row[field])]
    average = sum(lengths) / len(lengths) if lengths else 1.0
    scored = []
    for row in admitted:
        counts = Counter(words_of(row[field]))
        length = _class(sum(counts.values())) if counts else 1
        score = 0.0
        for word, weight in looked_for.items():
            count = min(counts[word], 4)
            having = sum(word in found for found in judged)
            rarity = math.log(1 + (len(judged) - having + 0.5) / (having + 0.5))
            score += weight * rarity * count * 2.2 / (count + 0.3 + 0.9 * length / average)
        if score:
            # A new id is its moment, then chance: the texts of ids sort as the ids do.
            scored.append((-round(score, 9), -row["_creationTime"], row["_id"]))
    return [id for _, _, id in sorted(scored)]


def _meets(row: Row, conditions: Mapping[str, Any]) -> bool:
    return all(
        type(row.get(name)) is type(value) and row.get(name) == value
        for name, value in conditions.items()
    )


def _class(length: int) -> int:
    return CLASS_LENGTHS[bisect_right(CLASS_LENGTHS, length) - 1]

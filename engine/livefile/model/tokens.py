"""The words of a text, by the protocol's rule: what text indexes hold and searches look for.

A word is a run of letters and digits, in lower case; everything else divides words. Words of 32
bytes and more are left out, as nobody types them. No word is reduced to its stem and none is too
common to be found.

Not here: what an index does with words (``model/indexed_text.py``).
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from livefile.vocabulary.limits import SEARCH_WORD_SIZE_BYTES_MAX

_ASCII_WORD = re.compile(r"[^\W_]+", re.ASCII)

# Where marks are: accents and vowel signs that are characters of their own.
_FIRST_MARK, _LAST_MARK = 0x300, 0x1E944
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def words(text: str) -> Iterator[str]:
    """Yield the words of a text, in order, those that come twice twice."""
    if text.isascii():
        for match in _ASCII_WORD.finditer(text):
            word = match[0]
            if len(word) <= SEARCH_WORD_SIZE_BYTES_MAX:
                yield word.lower()
        return
    for match in _any_word().finditer(text):
        word = match[0]
        if len(word.encode()) <= SEARCH_WORD_SIZE_BYTES_MAX:
            yield _lowered(word)


def _lowered(word: str) -> str:
    """Return a word in lower case. A sigma at its end is written like every other one."""
    return word.lower().replace("\u03c2", "\u03c3")


@cache
def _any_word() -> re.Pattern[str]:
    """Return the pattern of a word of any script.

    Python's letters are without the vowel signs of Hebrew, Arabic and the scripts of India, which
    are part of words for the protocol.
    """
    signs = "".join(filter(_is_vowel_sign, map(chr, range(_FIRST_MARK, _LAST_MARK + 1))))
    return re.compile(rf"(?:[^\W_]|[{signs}])+")


def _is_vowel_sign(character: str) -> bool:
    """Tell signs of their own from accents, which modify a letter: by how they combine."""
    if unicodedata.category(character) not in ("Mn", "Mc"):
        return False
    if ord(character) in _VARIATION_SELECTORS:
        return False
    kind = unicodedata.combining(character)
    return kind == 0 or 10 <= kind <= 35

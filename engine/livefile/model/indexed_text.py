"""What a text index knows of one document, and the keys by which searches hear of it.

Searches and writes meet in keys like those of ordered indexes: a document has one for each of its
words, and one for each word and each field that searches may be narrowed by. A search reads the
keys of its words, under its first filter if it has one.

Not here: the words of a text (``model/tokens.py``); how they are stored
(``sqlite/text_index.py``).
"""

from base64 import b32encode
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from livefile.model.index_key import MISSING, Missing, encode_value, successor
from livefile.model.index_spec import IndexSpec
from livefile.model.interval import Interval
from livefile.model.tokens import words
from livefile.model.value import Value
from livefile.vocabulary.limits import SEARCH_WORDS_TRACKED_MAX

Document = Mapping[str, Value]

MANY_WORDS_KEY = b"\x00"
"""The one key of a document with very many words. Every search reads it."""

_WORD_HEAD = b"\x01"
_FILTERED_HEAD = b"\x02"


@lru_cache(maxsize=8)  # The same text is asked for by the index, and for its keys.
def count_words(text: str) -> Mapping[str, int]:
    """Return the words of a text, with how often it has them. Not to be changed."""
    return Counter(words(text))


def indexed_words(spec: IndexSpec, document: Document) -> Mapping[str, int]:
    """Return the words by which the index finds a document; none if it does not have it."""
    text = value_at(document, spec.fields[0])
    return count_words(text) if isinstance(text, str) else {}


def filter_keys(spec: IndexSpec, document: Document) -> Sequence[tuple[str, bytes]]:
    """Return the fields that searches may be narrowed by, each with its value's index key."""
    return [(path, encode_value(value_at(document, path))) for path in spec.filters]


def value_at(document: Document, path: str) -> Value | Missing:
    """Return the value of a field; dots lead into objects."""
    first, *others = path.split(".")
    value = document.get(first, MISSING)
    for name in others:
        value = value.get(name, MISSING) if isinstance(value, dict) else MISSING
    return value


def filter_digest(field: str, value_key: bytes) -> bytes:
    """Return what stands for a field with a value: 10 bytes, because values may be long."""
    return blake2b(field.encode() + b"\x00" + value_key, digest_size=10).digest()


def filter_word(field: str, value_key: bytes) -> str:
    """Return the same as letters and digits, to be stored beside the words of the text."""
    return b32encode(filter_digest(field, value_key)).decode().lower()


def document_keys(spec: IndexSpec, document: Document) -> Sequence[bytes]:
    """Return the keys of a document; none if the index does not have it."""
    counts = indexed_words(spec, document)
    if not counts:
        return ()
    if len(counts) > SEARCH_WORDS_TRACKED_MAX:
        return (MANY_WORDS_KEY,)
    encoded = [word.encode() for word in counts]
    heads = [_WORD_HEAD]
    heads += [_FILTERED_HEAD + filter_digest(*item) for item in filter_keys(spec, document)]
    return [head + word for head in heads for word in encoded]


def search_key_head(filters: Sequence[tuple[str, bytes]]) -> bytes:
    """Return what the keys begin with that a search with these filters reads."""
    return _FILTERED_HEAD + filter_digest(*filters[0]) if filters else _WORD_HEAD


def word_key(head: bytes, word: str) -> bytes:
    """Return the key of one word."""
    return head + word.encode()


def prefix_interval(head: bytes, prefix: str) -> Interval:
    """Return the keys of all words that begin with ``prefix``."""
    key = head + prefix.encode()
    return Interval(key, successor(key))

"""A search in a text index: which documents have its words, the best of them first.

The lists of documents come from the snapshot. The pending writes of the transaction are scored the
same way and stand among the others, so that a function finds what it wrote. What the search
depends on counts as read: its words, and all words that begin with the last one.

Not here: scores (``transaction/text_scores.py``); conditions and pages
(``functions/text_query.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge, nlargest
from itertools import islice
from typing import Any, cast

from livefile.model.document_id import encode_document_id
from livefile.model.index_key import encode_value
from livefile.model.indexed_text import (
    MANY_WORDS_KEY,
    indexed_words,
    prefix_interval,
    search_key_head,
    value_at,
    word_key,
)
from livefile.model.text_search import TextSearch
from livefile.model.tokens import words
from livefile.sqlite.catalog import IndexEntry, TableEntry
from livefile.sqlite.text_index import marked_filter, position_ms
from livefile.sqlite.text_lists import TextLists
from livefile.transaction.text_scores import TextScores
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import SearchError
from livefile.vocabulary.limits import (
    SEARCH_PREFIX_WORDS_MAX,
    SEARCH_PREFIX_WORDS_TRIED_MAX,
    SEARCH_RESULTS_MAX,
    SEARCH_WORDS_MAX,
)

# What a word counts of which only the beginning was searched for (protocol).
_PREFIX_WEIGHT = 0.5

_LEVEL_DIGITS = 9
_HALF_A_LEVEL = 0.5e-9

# Results that are put in order first, and that are looked up at a time.
_BEST_COUNT = 64
_RESULTS_AT_A_TIME = 32


@dataclass(frozen=True, slots=True)
class Found:
    """One document that a search found. The best are first; of equal ones, the newest."""

    score: float
    creation_time: float
    internal_id: bytes

    @property
    def order(self) -> tuple[float, float, bytes]:
        """What results are sorted by."""
        return -self.score, -self.creation_time, self.internal_id

    @property
    def key(self) -> bytes:
        """The same as bytes that sort alike: the position of the result among all others."""
        return encode_value(-self.score) + encode_value(-self.creation_time) + self.internal_id


@dataclass(frozen=True, slots=True)
class _PendingText:
    """A pending document that can be found."""

    internal_id: bytes
    creation_time: float
    counts: Mapping[str, int]


class TextSearchRun:
    """One search, run once: what is found is settled when the first result is asked for."""

    def __init__(
        self,
        transaction: Transaction,
        table: TableEntry,
        index: IndexEntry,
        search: TextSearch[Any],  # Any: documents of whatever type.
    ) -> None:
        self._transaction = transaction
        self._table = table
        self._index = index
        self._conditions = search.conditions
        filters = [marked_filter(*condition) for condition in search.conditions]
        self._written = self._written_ids()
        self._lists = TextLists(
            transaction.snapshot.connection, index.id, filters, spare_count=len(self._written)
        )
        self._words = list(islice(words(search.text), SEARCH_WORDS_MAX))

    def found(self) -> Iterator[Found]:
        """Yield what was found, the best first.

        Raises:
            SearchError: when more is asked for than one search may find.
        """
        if not self._words:
            return
        self._note_reads()
        pending = self._pending()
        scores = TextScores(self._lists, self._weights(pending))
        own = [
            Found(_level(scores.of(text.counts)), text.creation_time, text.internal_id)
            for text in pending
        ]
        own = sorted((found for found in own if found.score), key=_order)
        for number, found in enumerate(merge(self._stored(scores), own, key=_order)):
            if number == SEARCH_RESULTS_MAX:
                raise SearchError(
                    "SearchQueryScannedTooManyDocumentsError",
                    "Search query scanned too many documents (fetched "
                    f"{SEARCH_RESULTS_MAX}). Consider using a smaller limit, paginating the query, "
                    "or using a filter field to limit the number of documents pulled from the "
                    "search index.",
                )
            yield found

    def document(self, found: Found) -> Document | None:
        """Return a document that was found, None if the transaction has removed it meanwhile."""
        document = self._transaction.get(encode_document_id(self._table.number, found.internal_id))
        return document if document is not None and self._is_admitted(document) else None

    def _note_reads(self) -> None:
        reads, head = self._transaction.reads, search_key_head(self._conditions)
        reads.add_point(self._index.id, MANY_WORDS_KEY)
        for word in self._words[:-1]:
            reads.add_point(self._index.id, word_key(head, word))
        reads.add(self._index.id, prefix_interval(head, self._words[-1]))

    def _is_admitted(self, document: Document) -> bool:
        """Tell whether a document meets the conditions: asked of itself, not of the index."""
        complete = self._index.complete(document)
        return all(encode_value(value_at(complete, name)) == key for name, key in self._conditions)

    def _pending(self) -> Sequence[_PendingText]:
        """Return what can be found of the documents that the transaction has written."""
        pending = []
        for internal_id in self._written:
            write = self._transaction.writes.get(self._table.number, internal_id)
            if write is None or write.after is None or not self._is_admitted(write.after):
                continue
            counts = indexed_words(self._index.spec, self._index.complete(write.after))
            creation_time = cast(float, write.after["_creationTime"])
            pending.append(_PendingText(internal_id, creation_time, counts))
        return pending

    def _written_ids(self) -> set[bytes]:
        """Return the ids of the documents that are pending, and so not as the index has them."""
        writes, number = self._transaction.writes, self._table.number
        return {id for id in writes.written_since(0, number) if writes.get(number, id) is not None}

    def _weights(self, pending: Sequence[_PendingText]) -> Mapping[str, float]:
        """Return the words that are looked for, and what they count before their rarity."""
        weights = dict.fromkeys(self._words, 1.0)
        for word in self._words_with_prefix(pending):
            weights.setdefault(word, _PREFIX_WEIGHT)
        return weights

    def _words_with_prefix(self, pending: Sequence[_PendingText]) -> Sequence[str]:
        """Return the first words that begin with the last one searched for.

        Under conditions, those that no document has there are passed over.
        """
        prefix = self._words[-1]
        every = {word for text in pending for word in text.counts if word.startswith(prefix)}
        word = self._lists.next_word(prefix)
        kept_count = 0
        for _ in range(SEARCH_PREFIX_WORDS_TRIED_MAX):
            if word is None or not word.startswith(prefix) or kept_count == SEARCH_PREFIX_WORDS_MAX:
                break
            if not self._conditions or self._lists.of(word):
                every.add(word)
                kept_count += 1
            word = self._lists.next_word(word + "\x01")  # Below every character of a word.
        return sorted(every, key=str.encode)[:SEARCH_PREFIX_WORDS_MAX]

    def _stored(self, scores: TextScores) -> Iterator[Found]:
        """Yield what was found in the index and is as the index has it, the best first.

        Positions rise with the time, but for those that were taken already. So what has one score
        and is of one millisecond is looked up together, and put in order by its exact time.
        """
        found = scores.stored()
        # Nearly always the best few are all that is asked for, and the others are left as they are.
        least = _level(min(nlargest(_BEST_COUNT, found.values()), default=0.0)) - _HALF_A_LEVEL
        yield from self._in_order({at: score for at, score in found.items() if score >= least})
        yield from self._in_order({at: score for at, score in found.items() if score < least})

    def _in_order(self, scores: Mapping[int, float]) -> Iterator[Found]:
        """Yield the documents at the positions that have scores, the best first."""
        levels: dict[float, list[int]] = {}
        for position, score in scores.items():
            levels.setdefault(_level(score), []).append(position)
        for score in sorted(levels, reverse=True):
            yield from self._of_level(score, sorted(levels[score], reverse=True))

    def _of_level(self, score: float, positions: Sequence[int]) -> Iterator[Found]:
        """Yield the documents at some positions, newest first, all with one score."""
        start = 0
        while start < len(positions):
            end = start + _RESULTS_AT_A_TIME
            last_ms = position_ms(positions[end - 1]) if end < len(positions) else 0
            while end < len(positions) and position_ms(positions[end]) == last_ms:
                end += 1
            found = [
                Found(score, creation_time, internal_id)
                for _, internal_id, creation_time in self._lists.documents(positions[start:end])
                if internal_id not in self._written
            ]
            yield from sorted(found, key=_order)
            start = end


def _level(score: float) -> float:
    """Return a score without the last digits: they tell only in which order it was added up."""
    return round(score, _LEVEL_DIGITS)


def _order(found: Found) -> tuple[float, float, bytes]:
    return found.order

"""Reading a text index: the documents that have words, newest first, and the words that there are.

What FTS5 is asked is put together from words alone, each in quotes: nothing that somebody searches
for is ever an operator of it.

Not here: what is kept (``sqlite/text_index.py``); scores (``transaction/text_scores.py``).
"""

from collections.abc import Sequence
from typing import Any

import apsw

from livefile.sqlite.readers import read_failure
from livefile.vocabulary.limits import SEARCH_DOCUMENTS_PER_WORD_MAX, SEARCH_RESULTS_MAX

_NEWEST = """
SELECT rowid FROM text_index_{id} WHERE text_index_{id} MATCH ?
ORDER BY rowid DESC LIMIT ? OFFSET ?
"""
_COUNT = "SELECT count(*) FROM text_index_{id} WHERE text_index_{id} MATCH ? AND rowid >= ?"
_COUNT_NEWEST = """
SELECT count(*) FROM (
    SELECT rowid FROM text_index_{id} WHERE text_index_{id} MATCH ? ORDER BY rowid DESC LIMIT ?
)
"""
_NEXT_WORD = "SELECT term FROM text_index_{id}_words WHERE term >= ? LIMIT 1"
_TOTALS = "SELECT documents, words FROM text_index_{id}_totals"
_START = """
SELECT position FROM text_index_{id}_documents ORDER BY position DESC LIMIT 1 OFFSET ?
"""
_POSITIONS_PER_STATEMENT = 32
_DOCUMENTS = f"""
SELECT position, internal_id, creation_time FROM text_index_{{id}}_documents
WHERE position IN ({", ".join("?" * _POSITIONS_PER_STATEMENT)})
"""

Groups = Sequence[Sequence[str]]
"""Documents with a word of each group."""


class TextLists:
    """The lists of one text index, through one connection, for one search.

    All but the totals are of documents only that have every word of ``filters``. The list of a word
    is whole, or it is cut after the newest: those that can be results, and ``spare_count`` more.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        index_id: int,
        filters: Sequence[str],
        spare_count: int,
    ) -> None:
        self._connection = connection
        self._index_id = index_id
        self._filters = [[word] for word in filters]
        self._count_when_cut = SEARCH_RESULTS_MAX + 1 + spare_count
        self._known: dict[str, list[int]] = {}
        self._cut: set[str] = set()

    @property
    def has_filters(self) -> bool:
        """Whether the lists are not of all documents."""
        return bool(self._filters)

    def of(self, word: str) -> list[int]:
        """Return the positions of the documents with a word, newest first."""
        found = self._known.get(word)
        if found is None:
            found = self.newest([[word]])
            if len(found) == self._count_when_cut:
                longest = max(SEARCH_DOCUMENTS_PER_WORD_MAX, self._count_when_cut)
                count = self.count([[word]], longest)
                if count < longest:
                    found += self._positions([[word]], count, len(found))
                else:
                    self._cut.add(word)
            self._known[word] = found
        return found

    def is_cut(self, word: str) -> bool:
        """Return whether the list of a word ends before its last document."""
        self.of(word)
        return word in self._cut

    def newest(self, groups: Groups) -> list[int]:
        """Return the newest positions, newest first, as many as a list has that is cut."""
        return self._positions(groups, self._count_when_cut)

    def all(self, groups: Groups) -> list[int]:
        """Return all positions, newest first."""
        return self._positions(groups, -1)

    def count(self, groups: Groups, count_max: int) -> int:
        """Return how many documents there are, or ``count_max`` if there are more."""
        return int(self._rows(_COUNT_NEWEST, (self._match(groups), count_max))[0][0])

    def count_since(self, groups: Groups, start: int) -> int:
        """Return how many documents there are at and after a position."""
        return int(self._rows(_COUNT, (self._match(groups), start))[0][0])

    def start_of_newest(self, *, is_of_all: bool = False) -> int:
        """Return the position where the newest documents begin, as many as no whole list has.

        It is 0 if there are fewer. With ``is_of_all``, filters do not count.
        """
        if self._filters and not is_of_all:
            found = self._positions([], 1, SEARCH_DOCUMENTS_PER_WORD_MAX - 1)
            return found[0] if found else 0
        rows = self._rows(_START, (SEARCH_DOCUMENTS_PER_WORD_MAX - 1,))
        return int(rows[0][0]) if rows else 0

    def next_word(self, word: str) -> str | None:
        """Return the first word at or after ``word`` in the order of their bytes, None if none.

        Filters do not count.
        """
        rows = self._rows(_NEXT_WORD, (word,))
        return str(rows[0][0]) if rows else None

    def totals(self) -> tuple[int, int]:
        """Return how many documents the index has, and how many words are in all of them."""
        ((documents, words),) = self._rows(_TOTALS, ())
        return documents, words

    def documents(self, positions: Sequence[int]) -> list[tuple[int, bytes, float]]:
        """Return (position, internal id, creation time) for each position, in no order."""
        found: list[tuple[int, bytes, float]] = []
        for start in range(0, len(positions), _POSITIONS_PER_STATEMENT):
            part = positions[start : start + _POSITIONS_PER_STATEMENT]
            # Always as many, so that it is one statement.
            bindings = (*part, *([None] * (_POSITIONS_PER_STATEMENT - len(part))))
            found += self._rows(_DOCUMENTS, bindings)
        return found

    def _positions(self, groups: Groups, count: int, skipped_count: int = 0) -> list[int]:
        rows = self._rows(_NEWEST, (self._match(groups), count, skipped_count))
        return [position for (position,) in rows]

    def _match(self, groups: Groups) -> str:
        every = (*groups, *self._filters)
        return " AND ".join(f"({' OR '.join(map(_quoted, group))})" for group in every)

    # Any: the columns of whatever statement.
    def _rows(self, sql: str, bindings: tuple[str | int | None, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql.format(id=self._index_id), bindings).fetchall()
        except apsw.Error as error:
            raise read_failure(error) from error


def _quoted(word: str) -> str:
    assert '"' not in word
    return f'"{word}"'

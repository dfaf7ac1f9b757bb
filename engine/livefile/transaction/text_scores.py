"""The scores of one search's documents: BM25 over lists that end after a few thousand documents.

A word whose list is whole is rare here, every other one is common. Documents with a rare word are
all scored, with all words that they have. Of those with common words only, the newest are, and the
newest of those that have the rarest two, three and so on of them.

Not here: which words are looked for (``transaction/text_search.py``).
"""

from collections.abc import Collection, Iterable, Mapping

from livefile.model.relevance import COUNT_MAX, gains, length_class, rarity
from livefile.sqlite.text_index import LENGTH_MASK, repeated_word
from livefile.sqlite.text_lists import TextLists
from livefile.vocabulary.limits import SEARCH_DOCUMENTS_PER_WORD_MAX

_MANY = SEARCH_DOCUMENTS_PER_WORD_MAX


class TextScores:
    """What each word of a search counts. ``weights`` are what they count before their rarity."""

    def __init__(self, lists: TextLists, weights: Mapping[str, float]) -> None:
        self._lists = lists
        indexed_count, words_count = lists.totals()
        self._gains = gains(words_count / indexed_count if indexed_count else 1.0)
        self._common = [word for word in weights if lists.is_cut(word)]
        self._rare = [word for word in weights if lists.of(word) and not lists.is_cut(word)]
        searched_count = self._searched_count(indexed_count)
        counts = self._counts(weights, searched_count)
        self._common.sort(key=counts.__getitem__)
        self._factors = {
            word: weight * rarity(searched_count, counts[word]) for word, weight in weights.items()
        }

    def of(self, counts: Mapping[str, int]) -> float:
        """Return the score of a document with these words, 0 if it has none that is looked for."""
        score = 0.0
        length = length_class(sum(counts.values()))
        for word, factor in self._factors.items():
            # Added as ``stored`` does it, so that equal documents have equal scores.
            for number in range(min(counts.get(word, 0), COUNT_MAX)):
                score += factor * self._gains[number][length]
        return score

    def stored(self) -> Mapping[int, float]:
        """Return the scores of the documents in the index, by position."""
        scores: dict[int, float] = {}
        together = self._together()
        for word, factor in self._factors.items():
            for number in range(1, COUNT_MAX + 1):
                positions = self._positions(word, number, together)
                if not positions:
                    break
                gain = [factor * part for part in self._gains[number - 1]]
                # The loop that takes the time: hence no function for the length class.
                for position in positions:
                    scores[position] = scores.get(position, 0.0) + gain[position & LENGTH_MASK]
        return scores

    def _positions(
        self, word: str, number: int, together: Mapping[str, Collection[int]]
    ) -> Collection[int]:
        """Return the documents that are looked at and have a word so many times or more."""
        stored = repeated_word(word, number)
        found = self._lists.of(stored)
        if word not in together:
            return found
        every = {*found, *(together[word] if number == 1 else ())}
        if self._rare and number <= 2:  # Three times a common word are not much more than two.
            every.update(self._lists.all([[stored], self._rare]))
        return every

    def _together(self) -> Mapping[str, Collection[int]]:
        """Return, for each common word, the newest documents that have rarer common words, too.

        That is the two rarest of them, the three rarest and so on.
        """
        together: dict[str, set[int]] = {word: set() for word in self._common}
        for count in range(2, len(self._common) + 1):
            every = self._common[:count]
            found = self._lists.newest([[word] for word in every])
            for word in every:
                together[word].update(found)
        return together

    def _searched_count(self, indexed_count: int) -> float:
        """Return how many documents meet the filters, about if there are many."""
        if not self._lists.has_filters:
            return indexed_count
        count = self._lists.count([], _MANY)
        if count < _MANY:
            return count
        start = self._lists.start_of_newest(is_of_all=True)
        return max(count, indexed_count * self._lists.count_since([], start) / _MANY)

    def _counts(self, every: Iterable[str], searched_count: float) -> Mapping[str, float]:
        """Return how many documents have each word.

        Of a common word, it is judged by how many of the newest documents have it.
        """
        counts: dict[str, float] = {word: len(self._lists.of(word)) for word in every}
        if self._common:
            start = self._lists.start_of_newest()
            for word in self._common:
                share = self._lists.count_since([[word]], start) / _MANY
                counts[word] = max(_MANY, searched_count * share)
        return counts

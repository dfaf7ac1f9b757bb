"""Which functions of a simulation are slow when it begins.

Not here: when one turns slow later (``core_simulation.py``).
"""

from collections.abc import Sequence
from enum import Enum
from random import Random

# Enough that some queries are slow and some are not, in most draws.
_SOME_COUNT = 6


class Slow(Enum):
    """A choice of functions."""

    NONE = "none"
    SOME = "some"
    QUERIES = "queries"
    MUTATIONS = "mutations"
    ALL = "all"

    def functions(
        self, mutations: Sequence[str], queries: Sequence[str], random: Random
    ) -> list[str]:
        """Return the names of the slow ones."""
        return {
            Slow.NONE: [],
            Slow.SOME: random.sample([*mutations, *queries], _SOME_COUNT),
            Slow.QUERIES: [*queries],
            Slow.MUTATIONS: [*mutations],
            Slow.ALL: [*mutations, *queries],
        }[self]


# Most is to be seen where fast and slow meet.
SLOWNESS = (*Slow, Slow.SOME, Slow.SOME)

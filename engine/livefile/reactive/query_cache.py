"""Results of queries, one for each (function, arguments, identity if it was read).

Every caller and every live query of the same thing shares one entry: it is run once and encoded
once. An entry is valid until a commit touches what it read; entries that somebody watches are run
again then, the others are dropped. The least recently used go when the cache is over its size.

Not here: running (``functions/runner.py``); who watches (``reactive/subscriptions.py``).
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable

from livefile.functions.call import Call, Success
from livefile.model.identity import Identity
from livefile.model.value_packed import pack
from livefile.model.write import IndexWrites
from livefile.reactive.interval_index import IntervalIndex
from livefile.reactive.live_query import CacheEntry, QueryKey, SharedKey, Watcher
from livefile.vocabulary.limits import QUERY_CACHE_ENTRIES_MAX, QUERY_CACHE_SIZE_BYTES_MAX

# What an entry takes beside its JSON, roughly.
_ENTRY_SIZE_BYTES = 1000


class QueryCache:
    """All entries, findable by key and by what they read. One thread at a time."""

    def __init__(self) -> None:
        self._entries: dict[QueryKey, CacheEntry] = {}
        self._readers: IntervalIndex[CacheEntry] = IntervalIndex()
        # Entries that nobody watches, least recently used first; only they count for the limits.
        self._idle: OrderedDict[CacheEntry, int] = OrderedDict()
        self._idle_size_bytes = 0

    def find(self, shared_key: SharedKey, identity: Identity) -> CacheEntry | None:
        """Return the valid entry of a query, None if there is none.

        A run that did not read the identity would not have read it for anybody, since up to there
        it is the same run: its entry serves everyone.
        """
        entry = self._entries.get((shared_key, None))
        if entry is None:
            entry = self._entries.get((shared_key, identity.key))
        if entry is not None and entry in self._idle:
            self._idle.move_to_end(entry)
        return entry

    def put(self, entry: CacheEntry, *, has_read_identity: bool) -> None:
        """Make a freshly run entry findable, unless there is another one for the same callers.

        Two entries become one when queries of two identities read the identity no longer.
        """
        assert entry.key is None
        key = (entry.shared_key, entry.call.identity.key if has_read_identity else None)
        if key in self._entries:
            return
        entry.key = key
        self._entries[key] = entry
        self._readers.add(entry, entry.reads)
        if not entry.watchers:
            self._make_idle(entry)

    def drop(self, entry: CacheEntry) -> None:
        """Forget an entry, because it is no longer valid or about to be run again."""
        assert entry.key is not None
        del self._entries[entry.key]
        entry.key = None
        self._readers.remove(entry, entry.reads)
        self._idle_size_bytes -= self._idle.pop(entry, 0)

    def watch(self, entry: CacheEntry, watcher: Watcher, query_id: int) -> None:
        """Let a watcher hear of an entry's new outcomes; watched entries stay."""
        self._idle_size_bytes -= self._idle.pop(entry, 0)
        entry.watchers[watcher, query_id] = None

    def unwatch(self, entry: CacheEntry, watcher: Watcher, query_id: int) -> None:
        """Undo ``watch``."""
        del entry.watchers[watcher, query_id]
        if not entry.watchers and entry.key is not None:
            self._make_idle(entry)

    def touched_by(self, commits: Iterable[IndexWrites]) -> Collection[CacheEntry]:
        """Return the entries that are no longer valid after these commits."""
        touched: dict[CacheEntry, None] = {}
        for writes in commits:
            touched.update(dict.fromkeys(self._readers.touched_by(writes)))
        return touched.keys()

    @property
    def watched_count(self) -> int:
        """How many entries somebody watches."""
        return len(self._entries) - len(self._idle)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    @property
    def entries(self) -> list[CacheEntry]:
        """All entries."""
        return list(self._entries.values())

    def _make_idle(self, entry: CacheEntry) -> None:
        json = entry.outcome.json if isinstance(entry.outcome, Success) else b""
        self._idle[entry] = len(json) + _ENTRY_SIZE_BYTES
        self._idle_size_bytes += self._idle[entry]
        # The newest one stays in any case: it is being answered.
        while len(self._idle) > 1 and (
            len(self._idle) > QUERY_CACHE_ENTRIES_MAX
            or self._idle_size_bytes > QUERY_CACHE_SIZE_BYTES_MAX
        ):
            self.drop(next(iter(self._idle)))


def shared_key(call: Call) -> SharedKey:
    """Return the key of a query without its identity; the order of arguments does not matter."""
    args = pack(dict(sorted(call.args.items())))
    return call.path, args, call.journal, call.is_internal or call.identity.is_admin

"""What does it cost to read one document over HTTP?

Either its result is in the query cache (1,000 documents, read again and again), or it is in no
case (20,000 documents in turn, twice as many as the cache holds). 64 keep-alive connections in a
closed loop. The floor reads a row. Run: ``python -m benchmarks.query_http``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from random import Random

from benchmarks.floor import floor_http, floor_server
from benchmarks.http_caller import caller, http_closed_loop
from benchmarks.load import Loader
from benchmarks.measurement import Case, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import server_under_test
from benchmarks.workload import ACCOUNTS_COUNT, QUERY_ROUTE, add_accounts
from livefile import limits

CPU_US_MAX = 60
CACHED_COUNT = 1_000
UNCACHED_COUNT = 2 * limits.QUERY_CACHE_ENTRIES_MAX


@contextmanager
def query_http(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app, and lend the floor and one case with and one without the cache."""
    with server_under_test() as server, floor_server() as bare:
        ids = add_accounts(load, server.port, UNCACHED_COUNT)
        Random(1).shuffle(ids)
        names = [b'{"name":"account-%d"}' % number for number in range(ACCOUNTS_COUNT)]
        cases = [floor_http(load, bare, "read", cycle(names))]
        for cache, wanted in (("hit", ids[:CACHED_COUNT]), ("miss", ids)):
            args = [b'{"id":"%b"}' % id.encode() for id in wanted]
            get = caller(QUERY_ROUTE, b"accounts:get", cycle(args))
            cases.append(
                Case(
                    name="query_http",
                    parameters={"cache": cache},
                    measure=partial(http_closed_loop, load, server, get),
                    targets=[Target("cpu_us", CPU_US_MAX)],
                    floor="floor_read_http",
                )
            )
        yield cases


if __name__ == "__main__":
    print_question(query_http)

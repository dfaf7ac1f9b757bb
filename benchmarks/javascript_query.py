"""What does a query of 50 documents in TypeScript cost, beside the same one in Python?

Over HTTP, never from the cache; the CPU time is that of the server and of its processes of
JavaScript. Run: ``python -m benchmarks.javascript_query``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count

from benchmarks.http_caller import caller, http_closed_loop
from benchmarks.javascript_server import FIFTY, javascript_server
from benchmarks.load import Loader
from benchmarks.measurement import Case, Target
from benchmarks.question import print_question
from benchmarks.workload import ACCOUNTS_COUNT, QUERY_ROUTE

CPU_US_MAX = 400


@contextmanager
def javascript_query(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve both apps, and lend a case for each language."""
    with javascript_server(load) as server:

        def case(language: str, path: bytes, floor: str | None) -> Case:
            return Case(
                name="javascript_query",
                parameters={"language": language, "documents": 50},
                measure=partial(http_closed_loop, load, server, caller(QUERY_ROUTE, path, _args())),
                targets=[] if floor is None else [Target("cpu_us", CPU_US_MAX)],
                floor=floor,
            )

        python = case("python", b"accounts:fifty", None)
        yield [python, case("typescript", FIFTY, python.title)]


def _args() -> Iterator[bytes]:
    for number in count():
        start = number * 7 % (ACCOUNTS_COUNT // 2)
        yield b'{"start":"account-%d","round":%d}' % (start, number)


if __name__ == "__main__":
    print_question(javascript_query)

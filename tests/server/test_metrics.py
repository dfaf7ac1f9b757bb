from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.observed_app import admin, observed_server
from tests.server.running_server import RunningServer
from tests.server.socket_client import open_socket, run_scenario
from tests.server.sync_client import add, connect, modify


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with observed_server(tmp_path_factory.mktemp("shop"), redacts_errors=True) as running:
        yield running


def samples(server: RunningServer) -> dict[tuple[str, ...], float]:
    """Return every value by its name and then its labels' values, as Prometheus reads them."""
    answer = server.request("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def growth(
    before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float], *name: str
) -> float:
    return after.get(name, 0) - before.get(name, 0)


def test_calls_are_counted_by_kind_and_result(server: RunningServer) -> None:
    before = samples(server)
    for _ in range(3):
        server.post("/api/mutation", {"path": "shop:order", "args": {"item": "tea"}})
    server.post("/api/mutation", {"path": "shop:fail_mutation", "args": {}})
    for _ in range(4):
        server.post("/api/query", {"path": "shop:address", "args": {}})
    after = samples(server)

    duration = "livefile_call_duration_seconds"
    assert growth(before, after, f"{duration}_count", "Mutation", "success") == 3
    assert growth(before, after, f"{duration}_count", "Mutation", "error") == 1
    assert growth(before, after, f"{duration}_bucket", "Mutation", "+Inf", "success") == 3
    assert growth(before, after, f"{duration}_sum", "Mutation", "success") > 0
    assert growth(before, after, f"{duration}_count", "Query", "success") == 1
    assert growth(before, after, "livefile_calls_cached_total", "Query", "success") == 3
    assert growth(before, after, "livefile_cache_hits_total") == 3
    assert growth(before, after, "livefile_documents_written_total", "Mutation", "success") == 3
    assert growth(before, after, "livefile_commits_total") == 3


def test_buckets_add_up(server: RunningServer) -> None:
    server.post("/api/query", {"path": "shop:orders", "args": {}})
    found = samples(server)
    buckets = [
        value
        for name, value in found.items()
        if name[0] == "livefile_call_duration_seconds_bucket" and name[1::2] == ("Query", "success")
    ]

    assert len(buckets) == 16
    assert buckets == sorted(buckets)
    assert buckets[-1] == found["livefile_call_duration_seconds_count", "Query", "success"]


def test_sockets_and_live_queries_come_and_go(server: RunningServer) -> None:
    seen = []

    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as one, open_socket(server) as other:
            for client in (one, other):
                await client.send(connect())
                await client.send(modify(0, 1, add(1, "shop:orders"), add(2, "shop:address")))
                await client.read_until("Transition")
            found = samples(server)
            seen.append((found["livefile_sockets",], found["livefile_live_queries",]))

    before = samples(server)
    run_scenario(server, scenario)

    assert (before["livefile_sockets",], before["livefile_live_queries",]) == (0, 0)
    assert seen == [(2, 2)]


def test_sizes_are_those_on_the_disk(server: RunningServer) -> None:
    found = samples(server)

    assert found["livefile_file_bytes",] == server.livefile.path.stat().st_size
    assert found["livefile_wal_bytes",] > 0


FROM_ELSEWHERE = [
    {"X-Forwarded-For": "203.0.113.5"},
    {"Forwarded": "for=203.0.113.5"},
    {"Via": "1.1 proxy"},
    {"Origin": "http://localhost:3000"},
    {"Host": "rebound.example:3210"},
    {"Host": "203.0.113.5"},
]


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_what_comes_through_a_proxy_or_a_page_needs_the_key(
    server: RunningServer, headers: dict[str, str]
) -> None:
    refused = server.request("GET", "/metrics", headers=headers)
    answered = server.request("GET", "/metrics", headers={**headers, **admin(server)})

    assert (refused.status, refused.json["code"]) == (401, "BadAdminKey")
    assert answered.status == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:3210", "[::1]:3210", "LOCALHOST:1"])
def test_programs_of_this_machine_need_no_key(server: RunningServer, host: str) -> None:
    assert server.request("GET", "/metrics", headers={"Host": host}).status == 200

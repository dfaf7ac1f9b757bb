"""Every metric there is, in the text format of Prometheus.

Not here: who may read them (``metrics.py``); where they are counted (``call_counts.py``, and the
engine's ``Figures``).
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from livefile import Figures
from livefile_server.web.call_counts import DURATIONS_MS, CallCount, CallCounts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MS_PER_S = 1000

# Name, help, and where it is read. A counter grows until the process ends.
COUNTERS: tuple[tuple[str, str, Callable[[Figures], int]], ...] = (
    ("livefile_commits_total", "Commits to the file.", lambda it: it.commits),
    ("livefile_conflicts_total", "Commits that were refused.", lambda it: it.conflicts),
    ("livefile_cache_hits_total", "Queries answered without a run.", lambda it: it.cache_hits),
    ("livefile_slow_lane_runs_total", "Runs in the slow lane.", lambda it: it.slow_lane_runs),
)
GAUGES: tuple[tuple[str, str, Callable[[Figures], int]], ...] = (
    ("livefile_live_queries", "Different queries that are watched.", lambda it: it.live_queries),
    ("livefile_cached_queries", "Queries in the cache.", lambda it: it.cached_queries),
    ("livefile_mutations_waiting", "Mutations in the queue.", lambda it: it.mutations_waiting),
    ("livefile_requests_waiting", "Queries in the queue.", lambda it: it.requests_waiting),
    ("livefile_actions_running", "Actions that run.", lambda it: it.actions_running),
    ("livefile_file_bytes", "Size of the file.", lambda it: it.file_bytes),
    ("livefile_wal_bytes", "Size of the write-ahead log.", lambda it: it.wal_bytes),
)
# Of the calls of one kind with one result.
CALL_COUNTERS: tuple[tuple[str, str, Callable[[CallCount], int]], ...] = (
    ("livefile_calls_cached_total", "Calls with the result of another.", lambda it: it.cached),
    ("livefile_call_retries_total", "Attempts undone by conflicts.", lambda it: it.retries),
    ("livefile_documents_read_total", "Documents read.", lambda it: it.documents_read),
    ("livefile_read_bytes_total", "Size of those documents.", lambda it: it.bytes_read),
    ("livefile_documents_written_total", "Documents written.", lambda it: it.documents_written),
    ("livefile_written_bytes_total", "Size of those documents.", lambda it: it.bytes_written),
)
CALL_LABELS = ("kind", "result")


def metrics_text(figures: Figures, calls: CallCounts, sockets_count: int) -> bytes:
    """Return all metrics."""
    return generate_latest(
        _Collected([*_of_engine(figures), *_of_calls(calls), _of_sockets(sockets_count)])
    )


class _Collected(Collector):
    """Metrics that are made already, as the library wants to be handed them."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _of_engine(figures: Figures) -> Iterator[Metric]:
    for name, text, figure in COUNTERS:
        yield CounterMetricFamily(name, text, value=figure(figures))
    for name, text, figure in GAUGES:
        yield GaugeMetricFamily(name, text, value=figure(figures))


def _of_sockets(count: int) -> Metric:
    return GaugeMetricFamily("livefile_sockets", "Open sockets of clients.", value=count)


def _of_calls(calls: CallCounts) -> Iterator[Metric]:
    counts = list(calls)
    durations = HistogramMetricFamily(
        "livefile_call_duration_seconds",
        "Time that functions took, those answered from the cache left out.",
        labels=CALL_LABELS,
    )
    for labels, count in counts:
        sums = accumulate(count.buckets)
        bounds = [*(str(bound / MS_PER_S) for bound in DURATIONS_MS), "+Inf"]
        durations.add_metric(
            labels, list(zip(bounds, sums, strict=True)), count.duration_ms / MS_PER_S
        )
    yield durations
    for name, text, read in CALL_COUNTERS:
        family = CounterMetricFamily(name, text, labels=CALL_LABELS)
        for labels, count in counts:
            family.add_metric(labels, read(count))
        yield family

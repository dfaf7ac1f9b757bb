"""How long does a full-text search take among 100,000 real sentences, and what is an insert?

The engine runs in this process, on the caller's thread. ``common`` are the hundred words that most
sentences have, the first of them in a third of all; ``usual`` are words drawn at random from
running text, ``rare`` those of ten sentences. ``pairs`` and ``sentences`` are two and eight words
of running text, ``typing`` the first letters of a word, ``shelf`` a pair among one hundredth of
the sentences. ``call`` is a query that reads one document, for comparison: what any query costs.
Inserts are one or fifty in a mutation. ``cpu_us`` is the thread's own time: a machine that does
other things besides moves it least.

Run: ``python -m benchmarks.text_search dict``, the folder of which ``benchmarks/wordnet_sentences``
tells.
"""

import argparse
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from statistics import median, quantiles

from benchmarks.server_under_test import BENCH_APP
from benchmarks.wordnet_sentences import wordnet_sentences
from livefile import Livefile

_FILL = "texts:fill"
_SENTENCES_COUNT = 100_000
_SENTENCES_PER_FILL = 50
_SEARCHES_COUNT = 400
_SINGLE_INSERTS_COUNT = 1_000
_FILLS_TIMED_COUNT = 100


def main() -> None:
    """Fill a file, then search."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    sentences = list(wordnet_sentences(parser.parse_args().folder))
    Random(1).shuffle(sentences)
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as folder:
        file = Path(folder) / "texts.db"
        with Livefile.open(file, BENCH_APP, seed=1, has_threads=False) as livefile:
            for kind in ("plain", "indexed"):
                _report_inserts(livefile, sentences, kind)
            for name, searches in _searches(sentences[:_SENTENCES_COUNT]).items():
                _report_searches(livefile, name, searches)
            calls = [partial(livefile.query, "accounts:find", name=f"{n}") for n in range(400)]
            _report("call", [_timed(call) for call in calls])


def _report_inserts(livefile: Livefile, sentences: Sequence[str], kind: str) -> None:
    """Fill a table, and time the last inserts, when it is full."""
    durations = []
    timed_from = _SENTENCES_COUNT - _FILLS_TIMED_COUNT * _SENTENCES_PER_FILL
    for start in range(0, _SENTENCES_COUNT, _SENTENCES_PER_FILL):
        bodies = sentences[start : start + _SENTENCES_PER_FILL]
        times = _timed(partial(livefile.mutation, _FILL, start=start, bodies=bodies, kind=kind))
        if start >= timed_from:
            durations.append((times[0] / len(bodies), times[1] / len(bodies)))
    _report(f"insert kind={kind} per_mutation={_SENTENCES_PER_FILL}", durations)
    singles = sentences[_SENTENCES_COUNT : _SENTENCES_COUNT + _SINGLE_INSERTS_COUNT]
    durations = [
        _timed(partial(livefile.mutation, _FILL, start=0, bodies=[body], kind=kind))
        for body in singles
    ]
    _report(f"insert kind={kind} per_mutation=1", durations)


def _searches(sentences: Sequence[str]) -> Mapping[str, Sequence[dict[str, object]]]:
    """Return what is searched for, by kind, each a query's arguments."""
    random = Random(2)
    texts = [re.findall(r"[a-z0-9]+", sentence.lower()) for sentence in sentences]
    counts = Counter(word for text in texts for word in set(text))
    running = [text for text in texts if len(text) >= 8]
    usual = [random.choice(random.choice(running)) for _ in range(_SEARCHES_COUNT)]
    rare = sorted(word for word, count in counts.items() if count == 10)
    parts = [random.choice(running)[:8] for _ in range(_SEARCHES_COUNT)]
    pairs = [" ".join(part[:2]) for part in parts]
    kinds = {
        "common": [word for word, _ in counts.most_common(100)] * 4,
        "usual": usual,
        "rare": random.choices(rare, k=_SEARCHES_COUNT),
        "pairs": pairs,
        "sentences": [" ".join(part) for part in parts],
        "typing": [random.choice(part)[: random.randint(1, 4)] for part in parts],
    }
    searches: dict[str, Sequence[dict[str, object]]] = {
        name: [{"text": text} for text in kind] for name, kind in kinds.items()
    }
    searches["shelf"] = [{"text": text, "shelf": random.randrange(100)} for text in pairs]
    return searches


def _report_searches(livefile: Livefile, name: str, searches: Sequence[dict[str, object]]) -> None:
    # A space more each time, so that none is in the cache.
    spaced = [
        {**search, "text": f"{' ' * number}{search['text']}"}
        for number, search in enumerate(searches)
    ]
    calls = [partial(livefile.query, "texts:search", **search) for search in spaced]
    _report(f"search words={name}", [_timed(call) for call in calls])


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    """Return how long a call takes, and how much of it the thread is at work, in us."""
    began, worked = time.perf_counter(), time.thread_time()
    call()
    return (time.perf_counter() - began) * 1e6, (time.thread_time() - worked) * 1e6


def _report(name: str, times: Sequence[tuple[float, float]]) -> None:
    figures = [f"{name} documents={_SENTENCES_COUNT}"]
    for kind, observed in zip(("duration", "cpu"), zip(*times, strict=True), strict=True):
        p95 = quantiles(observed, n=20)[-1]
        figures.append(f"{kind}_us={median(observed):.0f} p95={p95:.0f} max={max(observed):.0f}")
    print(" ".join(figures), flush=True)


if __name__ == "__main__":
    main()
